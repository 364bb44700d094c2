"""Records from the bus are written down once, found by an organisation's key, and counted by the month."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import pytest

from hub.domain.words import Use
from hub.provision.history import History
from hub.store import history as store
from tests.hub.world import World
from vdx.quality import QualityReport, StreamQuality
from vdx.record import CallRecord, PartyRecord, StreamRecord

DURING = {"begin": "2026-11-02T13:00:00.000Z", "end": "2026-11-02T13:20:30.000Z"}
PERIOD = "start_time__gte=2026-11-02T00:00:00Z&end_time__lt=2026-11-03T00:00:00Z"


def record(number: int, dialled: str, begin: str, end: str, status: int = 200) -> CallRecord:
    """Make the record of a call from a hospital."""
    party = PartyRecord("sdn", "hospital", "anna", "tls")
    return CallRecord(
        f"{number:032x}",
        party,
        PartyRecord("core", "mixers", dialled, "udp"),
        begin,
        begin,
        begin if status == 200 else None,
        end,
        0.1,
        status,
        "caller",
        "it hung up",
        (StreamRecord("audio", "opus", "sendrecv"), StreamRecord("video", "H264", "sendrecv")),
    )


@pytest.fixture
def told(world: World) -> Any:
    """Give the address of a room at which two were, and its meeting."""
    world.organisation("root")
    world.organisation("north", "root")
    world.organisation("south", "root")
    made = world.book()
    room = world.room(made["uuid"])["uriWithoutDomain"]
    history = History(world.database)
    first = record(1, room, DURING["begin"], DURING["end"])
    for each in (first, first, record(2, f"{room}@rooms.example", "2026-11-02T13:10:00.000Z", DURING["end"])):
        world.run(partial(history.take, "edge1", each))
    world.run(lambda: history.take("edge1", record(3, room, DURING["begin"], DURING["end"], status=486)))
    world.run(lambda: history.take("edge1", record(4, "nobody", DURING["begin"], DURING["end"])))
    return made


def key(world: World, code: str) -> str:
    """Make an organisation's key."""
    path = f"/services/v2/history-api-key?organisationCode={code}"
    made = world.ask("POST", path, "meeting-admin", organisation="root")
    assert made.status_code == 200, made.text
    return str(made.json()["historyApiKey"])


def conferences(world: World, key: str, query: str = PERIOD) -> Any:
    found = world.client.get(f"/apikey/history/v1/conference?{query}", headers={"x-api-key": key})
    assert found.status_code == 200, found.text
    return found.json()


def test_conferences_are_shown_to_who_has_the_key(world: World, told: Any) -> None:
    for code, count in (("north", 1), ("root", 1), ("south", 0)):
        assert conferences(world, key(world, code))["meta"]["total_count"] == count
    (found,) = conferences(world, key(world, "north"))["objects"]
    assert found["meeting_uuid"] == told["uuid"]
    assert (found["participant_count"], found["participant_minutes"], found["duration"]) == (2, 31, 1230)
    assert [each["source_alias"] for each in found["participants"]] == ["anna", "anna"]
    assert found["participants"][0]["has_video"] is True


@pytest.mark.usefixtures("told")
def test_periods_and_limits_of_conferences(world: World) -> None:
    north = key(world, "north")
    assert conferences(world, north, "start_time__gte=2026-11-02T13:00:01Z")["objects"] == []
    assert conferences(world, north, "end_time__lt=2026-11-02T13:00:00Z")["objects"] == []
    assert conferences(world, north, "limit=1&offset=1") == {
        "meta": {"limit": 1, "offset": 1, "total_count": 1},
        "objects": [],
    }
    bad = world.client.get("/apikey/history/v1/conference?limit=0", headers={"x-api-key": north})
    assert bad.json()["detailed_error_code"] == "10"


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"x-api-key": "0" * 36}])
def test_without_a_key_nothing_is_shown(world: World, headers: dict[str, str]) -> None:
    world.organisation("north")
    refused = world.client.get("/apikey/history/v1/conference", headers=headers)
    assert (refused.status_code, refused.content) == (401, b"")


def test_a_room_that_is_gone_is_still_known(world: World) -> None:
    world.organisation("north")
    made = world.book()
    room = world.room(made["uuid"])["uriWithoutDomain"]
    for status in ("PROVISIONED_OK", "DEPROVISION_OK"):
        assert world.report(made["uuid"], status).status_code == 200
    assert world.room(made["uuid"])["uriWithoutDomain"] is None
    at = world.clock.now.replace(hour=13)
    found = world.change(lambda connection: store.called(connection, room, at))
    assert found is not None
    assert str(found.meeting) == made["uuid"]


@pytest.mark.usefixtures("told")
def test_a_month_is_reported(world: World) -> None:
    path = "/services/v2/usage?month=2026-11"
    rows = world.ask("GET", path, "meeting-admin").json()
    assert [
        (each["use"], each["meetings"], each["participants"], each["minutes"], each["peakPorts"]) for each in rows
    ] == [
        (None, 1, 2, 31, 2),
        ("administrative", 1, 2, 31, 2),
    ]
    table = world.ask("GET", path.replace("usage", "usage.csv"), "meeting-admin")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.content.decode("utf-8-sig").splitlines()[1] == "north;The north;;;1;2;31;2"
    assert world.ask("GET", path, "meeting-planner").status_code == 403
    assert world.ask("GET", "/services/v2/usage?month=2026-13", "meeting-admin").status_code == 400
    outside = world.ask("GET", f"{path}&organisationCode=south", "meeting-admin")
    assert outside.status_code == 401


@pytest.mark.usefixtures("told")
def test_the_page_of_a_month(world: World) -> None:
    browser = world.sign_in("meeting-admin") | {"accept-language": "en"}
    shown = world.client.get("/reports/usage?month=2026-11", headers=browser)
    assert shown.status_code == 200
    assert 'lang="en"' in shown.text
    assert '<rect width="100"' in shown.text
    assert "The north" in shown.text
    for month in ("x", "2026-13", "9999-12", "0000-01"):
        assert world.client.get(f"/reports/usage?month={month}", headers=browser).status_code == 400
    nothing = world.client.get("/reports/usage?month=2026-01", headers=world.sign_in("meeting-admin"))
    assert "Intet forbrug" in nothing.text
    table = world.client.get("/reports/usage?month=2026-11", headers=browser | {"accept": "text/csv"})
    assert table.headers["content-disposition"] == 'attachment; filename="usage-2026-11.csv"'
    as_json = world.client.get("/reports/usage?month=2026-11&as=json", headers=browser)
    assert as_json.json() == world.ask("GET", "/services/v2/usage?month=2026-11", "meeting-admin").json()
    assert world.client.get("/reports/usage", headers=world.sign_in("meeting-user")).status_code == 403


STANDING = {
    "organisation": "north",
    "name": "Ward 7",
    "aliases": ["Ward7"],
    "domain": "rooms.example",
    "use": "clinical",
    "hostPin": 123456,
}


def test_a_room_that_is_always_there_has_a_history(world: World) -> None:
    world.organisation("root")
    world.organisation("north", "root")
    made = world.ask("POST", "/services/v2/room", "meeting-admin", organisation="root", json=STANDING)
    assert made.status_code == 200, made.text
    history = History(world.database)
    world.run(partial(history.take, "edge1", record(1, "ward7@rooms.example", DURING["begin"], DURING["end"])))
    (found,) = conferences(world, key(world, "north"))["objects"]
    assert (found["organisation_code"], found["use"], found["meeting_uuid"]) == ("north", "clinical", None)
    uuid = made.json()["uuid"]
    room = world.change(lambda connection: store.of_room(connection, UUID(uuid)))
    assert room is not None
    assert room.room == f"standing-{uuid}"


def test_calls_of_room_systems_are_their_organisations(world: World) -> None:
    world.organisation("root")
    world.organisation("north", "root", use=Use.CLINICAL)
    world.organisation("south", "root")
    system = {"organisation": "north", "name": "Ward 7", "alias": "Cart7", "username": "cart-7"}
    made = world.ask("POST", "/services/v2/room-system", "meeting-admin", organisation="root", json=system)
    assert made.status_code == 200, made.text
    history = History(world.database, "systems")
    own = PartyRecord("sdn", "systems", "cart-7", "tls")
    calls = [
        record(1, "cart7", DURING["begin"], DURING["end"]),
        msgspec.structs.replace(record(2, "elsewhere", DURING["begin"], DURING["end"]), caller=own),
        msgspec.structs.replace(
            record(3, "elsewhere", DURING["begin"], DURING["end"]),
            caller=msgspec.structs.replace(own, peer="hospital"),  # only bears the name
        ),
    ]
    for each in calls:
        world.run(partial(history.take, "edge1", each))
    found = conferences(world, key(world, "north"))["objects"]
    assert [(each["name"], each["use"], each["participant_count"]) for each in found] == [
        ("cart7", "clinical", 1),
        ("elsewhere", "clinical", 1),
    ]
    assert conferences(world, key(world, "south"))["objects"] == []
    (total, clinical) = world.ask("GET", "/services/v2/usage?month=2026-11", "meeting-admin").json()
    assert (total["participants"], clinical["use"], clinical["participants"]) == (2, "clinical", 2)


def heard(room: str, begin: str = "2026-11-02T13:00:05+00:00", **fields: Any) -> QualityReport:
    """Make what a mixing server tells of a participation."""
    at = datetime.fromisoformat(begin).timestamp()
    streams = (StreamQuality("audio", "opus", received=900, lost=100, jitter=2.5, encrypted=True),)
    values = {"node": "mix1", "room": room, "participant": "p1", "domain": "north.example", "streams": streams}
    return QualityReport(**(values | {"began": at, "ended": at + 600.0} | fields))


def test_a_conference_tells_how_its_media_was(world: World, told: Any) -> None:
    history = History(world.database)
    reports = [
        heard(told["uuid"]),
        heard(told["uuid"]),  # the bus says it twice
        heard(told["uuid"], "2026-11-02T15:00:00+00:00"),  # not while they were there
        heard("00000000-0000-4000-8000-000000000000"),  # a bridge's
        heard("nothing"),
        heard(told["uuid"], participant="p2", began=1e300, ended=1e300),
    ]
    for each in reports:
        world.run(partial(history.take_media, "mix1", each))
    (found,) = conferences(world, key(world, "north"))["objects"]
    (media,) = found["media"]
    assert (media["domain"], media["start_time"]) == ("north.example", "2026-11-02T13:00:05Z")
    (stream,) = media["streams"]
    assert (stream["received"], stream["lost"], stream["jitter"], stream["encrypted"]) == (900, 100, 2.5, True)
    assert conferences(world, key(world, "south"))["objects"] == []
