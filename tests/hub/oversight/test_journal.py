"""The journal: everything that is changed or looked at is in it, once, whoever tampers with it shows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import delete, select, update

from hub import __main__ as program
from hub.booking.journal import verify
from hub.provision.journal import Journal
from hub.settings import People, Personal
from hub.store.tables import audit, outbox, persons
from tests.hub.issuer import ISSUER
from tests.hub.world import World

BASE = "/services/v2"


def write(world: World, *, told: bool = False) -> int:
    """Let the journal be written."""
    return world.run(Journal(world.database, world.office, told=told).round)


def read(world: World, organisation: str = "north", **asked: Any) -> list[dict[str, Any]]:
    query = {"organisationCode": organisation, **asked}
    found = world.ask("GET", f"{BASE}/audit", "meeting-admin", organisation=organisation, params=query)
    assert found.status_code == 200, found.text
    listed: list[dict[str, Any]] = found.json()
    return listed


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(each["operation"], each["resource"], each["user"]) for each in entries]


@pytest.fixture(autouse=True)
def tree(world: World) -> None:
    world.organisation("north")
    world.organisation("ward", above="north")
    world.organisation("south")


def test_changes_and_looks_are_in_it(world: World) -> None:
    uuid = world.book(organisation="ward")["uuid"]
    period = "from-start-time=2026-11-01T00:00:00Z&to-end-time=2026-12-01T00:00:00Z"
    for path in (f"/v2/scheduling-info/{uuid}", f"/v2/scheduling-info?{period}", "/v2/scheduling-info?" + period):
        assert world.ask("GET", path, "meeting-planner").status_code == 200
    world.ask("GET", f"/v2/scheduling-info/{uuid}", "meeting-planner", organisation="south")  # refused: not a look
    world.book(organisation="south")
    assert write(world) == 5
    assert write(world) == 0
    planner, booker = "planner@north.example", "planner@ward.example"
    looked = ("read", "schedulingInfo", planner)
    assert told(read(world)) == [("create", "meeting", booker), looked, looked, looked]
    assert {each["identifier"] for each in read(world, identifier=uuid)} == {uuid}
    assert [each["number"] for each in read(world, after=2, limit=1)] == [3]
    write(world)
    assert told(read(world))[4:] == [("read", "journal", "admin@north.example")] * 3
    later = "2026-11-02T12:00:01Z"
    assert read(world, **{"from-time": later}) == []
    assert len(read(world, **{"to-time": later})) == 7
    assert read(world, "ward") == read(world)[:4]  # also who looked from above
    refused = world.ask("GET", f"{BASE}/audit?organisationCode=north", "meeting-admin", organisation="ward")
    assert refused.status_code == 401


def test_lists_are_one_entry_for_each_organisation(world: World) -> None:
    uuids = [world.book(organisation=code)["uuid"] for code in ("north", "north", "south")]
    world.clock.turn(hours=1)
    found = world.ask("GET", "/v2/scheduling-info-provision", "meeting-provisioner-user")
    assert len(found.json()) == 3
    write(world)
    (entry,) = [each for each in read(world) if each["operation"] == "read"]
    assert entry["identifier"] is None
    assert entry["data"]["count"] == 2
    assert sorted(entry["data"]["which"]) == sorted(uuids[:2])


def test_rosters_and_rooms_that_are_always_there_are_looked_at(world: World) -> None:
    uuid = world.book()["uuid"]
    room = {"organisation": "north", "name": "Ward", "aliases": ["ward7"], "domain": "rooms.example", "hostPin": 12345}
    made = world.ask("POST", f"{BASE}/room", "meeting-admin", json=room).json()["uuid"]
    for path in ("room", f"room/{made}", f"meeting/{uuid}/invitation"):
        assert world.ask("GET", f"{BASE}/{path}", "meeting-admin").status_code == 200
    write(world)
    looks = [(each["resource"], each["identifier"]) for each in read(world) if each["operation"] == "read"]
    assert looks == [("room", made), ("room", made), ("invitation", uuid)]


def test_without_a_bus_the_outbox_is_emptied(world: World) -> None:
    world.book()
    write(world)

    async def left(connection: Any) -> int:
        return len(list(await connection.execute(select(outbox))))

    assert world.change(left) == 0


def test_it_is_written_in_the_same_order_that_things_were_done(world: World) -> None:
    for _ in range(3):
        world.book()
    write(world, told=True)
    world.book()
    assert write(world, told=True) == 1
    assert write(world, told=True) == 0
    verifier = world.run(lambda: verify(world.database))
    assert (verifier.number, verifier.fault) == (4, None)


def test_two_writers_at_once_write_one_journal(world: World) -> None:
    for _ in range(6):
        world.book()

    async def both() -> int:
        writers = [Journal(world.database, world.office, told=True) for _ in range(3)]
        return sum(await asyncio.gather(*(each.round() for each in writers)))

    assert world.run(both) == 6
    verifier = world.run(lambda: verify(world.database))
    assert (verifier.number, verifier.fault) == (6, None)


def test_whoever_tampers_shows(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(4):
        world.book()
    write(world)
    config = tmp_path / "hub.yaml"
    url = world.office.settings.database
    config.write_text(yaml.safe_dump({"database": url, "tokens": {"issuer": ISSUER, "jwks": "unused"}}))
    assert program.main(["verify", "--config", str(config)]) == 0
    number, digest = capsys.readouterr().out.split()
    assert (number, digest) == ("4", read(world)[-1]["digest"])
    world.change(lambda connection: connection.execute(update(audit).where(audit.c.number == 2).values(person="me")))
    assert program.main(["verify", "--config", str(config)]) == 1
    assert "entry 2 was changed" in capsys.readouterr().err
    world.change(lambda connection: connection.execute(delete(audit).where(audit.c.number == 2)))
    assert program.main(["verify", "--config", str(config)]) == 1
    assert "after entry 1 comes 3" in capsys.readouterr().err


@pytest.mark.parametrize("world", [{"people": People(public="https://hub.example")}], indirect=True)
def test_who_opens_pins_rosters_and_reports_is_in_it(world: World) -> None:
    room = {"organisation": "north", "name": "Ward 7", "aliases": ["ward7"], "domain": "rooms.example", "hostPin": 1234}
    assert world.ask("POST", "/services/v2/room", "meeting-admin", json=room).status_code == 200
    uuid = world.book()["uuid"]
    period = "from-start-time=2026-11-01T00:00:00Z&to-start-time=2026-12-01T00:00:00Z"
    browser = world.sign_in("meeting-admin", "meeting-planner")
    for path, resource in (
        (f"/v2/scheduling-info/{uuid}", "schedulingInfo"),
        (f"/web/meetings/{uuid}", "schedulingInfo"),
        ("/services/v2/room", "room"),
        ("/web/rooms", "room"),
        (f"/services/v2/meeting/{uuid}/invitation", "invitation"),
        ("/services/v2/usage?month=2026-11", "usage"),
        ("/services/v2/usage.csv?month=2026-11", "usage"),
        ("/reports/usage?month=2026-11", "usage"),
        (f"/services/v2/clinical-share?organisationCode=north&{period}", "clinicalShare"),
        ("/web/share", "clinicalShare"),
    ):
        write(world)
        before = len(read(world))
        ours = path.startswith(("/web", "/reports"))
        headers = browser if ours else world.headers("meeting-admin", email="admin@north.example")
        assert world.client.get(path, headers=headers).status_code == 200, path
        write(world)
        noted = [(each["operation"], each["resource"]) for each in read(world)[before:]]
        assert ("read", resource) in noted, path


def test_people_stand_in_it_by_pseudonym(world: World) -> None:
    world.book()
    write(world)

    async def kept(connection: Any) -> list[Any]:
        return list((await connection.execute(select(audit))).mappings())

    (row,) = world.change(kept)
    assert "planner@north.example" not in str(dict(row))
    assert told(read(world))[0][2] == "planner@north.example"
    world.change(lambda connection: connection.execute(delete(persons)))
    (entry,) = read(world)
    assert entry["user"] == row["person"]
    assert world.run(lambda: verify(world.database)).fault is None


@pytest.mark.parametrize("world", [{"personal": Personal(addresses_on_bus=True)}], indirect=True)
def test_audit_events_name_addresses_where_that_is_wanted(world: World) -> None:
    world.book()
    world.run(Journal(world.database, world.office, told=True).round)

    async def waiting(connection: Any) -> list[Any]:
        found = await connection.execute(select(outbox.c.message).where(outbox.c.chained))
        return list(found.scalars())

    (message,) = world.change(waiting)
    assert message["auditEvent"]["user"] == "planner@north.example"
    assert message["journal"]["number"] == 1
