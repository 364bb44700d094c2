"""Health checks make a meeting, wait for its room, have it dialled, end it; and tell how long each took."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub import management
from hub.api.metrics import Counts
from hub.booking.healthcheck import Examiner
from hub.domain.healthcheck import Check
from hub.domain.words import ProvisionStatus
from hub.provision.health import Caller, Schedule
from hub.settings import HealthCheck
from hub.store.tables import rooms as table
from tests.hub.world import World
from vdx.bus import NoAnswer
from vdx.nodes import Node
from vdx.probe import Probe, Probed, ProbedStream

SETTINGS = HealthCheck(organisation="north", patience_seconds=2)
HEALTHY = (ProbedStream("audio", "opus", received=100),)

pytestmark = pytest.mark.parametrize("world", [{"healthcheck": SETTINGS}], indirect=True)


@dataclass
class Mixer:
    """Answers probes, or does not."""

    answer: Probed | None
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def ask(self, question: Any, record: Probe, about: str = "", seconds: float = 0) -> Probed:
        del question
        assert seconds == record.patience
        self.asked.append((about, record.alias))
        if self.answer is None:
            raise NoAnswer("nobody answers")
        return self.answer


def node(name: str, used: int) -> Node:
    return Node(name=name, holder="1", address="192.0.2.1", port=5060, transport="udp", capacity=100, used=used)


def examiner(world: World, dial: Any = None, *, provided: bool = True) -> Examiner:
    """Make an examiner whose waiting has the room made, and takes two seconds of its clock."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if provided:
            async with world.database.write() as connection:
                await connection.execute(table.update().values(status=int(ProvisionStatus.PROVISIONED_OK)))

    return Examiner(world.database, world.office, SETTINGS, dial, lambda: float(len(waited)), sleep)


def look(world: World, made: Examiner) -> Check:
    return world.run(made.check)


def test_a_check_books_waits_dials_and_ends(world: World) -> None:
    world.organisation("north")
    mixer = Mixer(Probed("mixer2", 200, first_media=0.4, streams=HEALTHY))
    caller = Caller(mixer, {"mixer1": node("mixer1", 50), "mixer2": node("mixer2", 10)})
    check = look(world, examiner(world, caller.dial))
    assert [(each.name, each.well, each.seconds) for each in check.parts] == [
        ("booking", True, 0.0),
        ("provisioning", True, 1.0),
        ("media", True, 0.4),
        ("ending", True, 0.0),
    ]
    room = world.room(str(check.meeting))
    assert mixer.asked == [("mixer2", room["uriWithDomain"])]
    assert room["meetingDetails"]["projectCode"] == "healthcheck"
    assert room["meetingDetails"]["endTime"] == "2026-11-02T12:00:00Z"
    shown = world.client.get("/healthcheck/v1/healthcheck").json()
    assert shown["video-api"]["status"] == shown["provisioning"]["status"] == "OK"
    assert shown["provisioning"]["response-time"] == 1000
    assert shown["sms"]["status"] == "UNKNOWN"
    status = world.client.get(f"/healthcheck/v1/status/{check.meeting}").json()
    assert status["scheduling_info"] == {"provision_status": "PROVISIONED_OK", "time_to_provision": 1.0}


def test_what_is_not_well_is_told(world: World) -> None:
    world.organisation("north")
    late = look(world, examiner(world, provided=False))
    assert [(each.name, each.well) for each in late.parts] == [
        ("booking", True),
        ("provisioning", False),
        ("ending", True),
    ]
    assert "AWAITS_PROVISION after 2 s" in late.parts[1].message
    silent = Caller(Mixer(None), {"mixer1": node("mixer1", 0)})
    assert "nobody answers" in look(world, examiner(world, silent.dial)).parts[2].message
    deaf = Caller(Mixer(Probed("mixer1", 486, "busy")), {"mixer1": node("mixer1", 0)})
    assert look(world, examiner(world, deaf.dial)).parts[2].message == "mixer1: 486 busy"
    assert len(look(world, examiner(world, Caller(Mixer(None), {}).dial)).parts) == 3
    assert not late.well


def test_an_organisation_that_is_not_there_fails_the_check(world: World) -> None:
    check = look(world, examiner(world))
    assert [(each.name, each.well) for each in check.parts] == [("booking", False)]
    shown = world.client.get("/healthcheck")
    assert "organisation north of the token is not known here" in shown.text
    assert world.client.get(f"/healthcheck/v1/status/{'0' * 8}-0000-4000-8000-{'0' * 12}").status_code == 404


def test_checks_on_demand_are_at_most_one_a_minute(world: World) -> None:
    pages = []
    for seconds in (0, 30, 31):
        world.clock.turn(seconds=seconds)
        pages.append(world.client.get("/healthcheck/execute").text)
    assert pages[0] == pages[1] != pages[2]


def test_the_schedule_keeps_its_time_when_the_clock_jumps(world: World) -> None:
    times = []

    class Counting:
        async def check(self) -> None:
            times.append(world.clock.now)

    schedule = Schedule(Counting(), 5, world.clock)  # type: ignore[arg-type]
    for minutes in (0, 4, 1, -60, 1):
        world.clock.turn(minutes=minutes)
        asyncio.run(schedule.round())
    assert len(times) == 3


def test_numbers_are_those_of_all_workers(world: World, tmp_path: Path) -> None:
    world.organisation("north")
    look(world, examiner(world))

    for pid in (1, 2):
        counts = Counts()
        counts.answered("GET", "/v2/meetings/{uuid}", 200, 0.02)
        counts.used("CreateMeeting", "subject")
        (tmp_path / f"{pid}.json").write_bytes(msgspec.json.encode(counts))
    (tmp_path / "3.json").write_text("half")
    status, kind, text = management.numbers(world.office.settings, tmp_path)
    assert (status, kind) == (200, management.TEXT)
    assert 'http_server_requests_total{method="GET",uri="/v2/meetings/{uuid}",status="200"} 2\n' in text
    assert 'le="0.01"} 0\n' in text
    assert 'le="+Inf"} 2\n' in text
    assert 'api_request_fields_usage_total{request="CreateMeeting",field="subject"} 2\n' in text
    assert 'vdx_hub_health_up{part="provisioning"} 1\n' in text
    assert management.health(world.office.settings, tmp_path)[0] == 200
    away = world.office.settings.model_copy(update={"database": "postgresql://nobody@127.0.0.1:1/hub"})
    assert management.health(away, tmp_path)[0] == 503
    assert "vdx_hub_health_up{" not in management.numbers(away, tmp_path)[2]
