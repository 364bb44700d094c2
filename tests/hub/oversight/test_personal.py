"""People's data: every field has its place in the table, is forgotten in time, and can be had and erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, String, insert, select, text
from sqlalchemy.exc import DBAPIError

from hub.booking.journal import verify
from hub.booking.personal import BY_DAYS, Retention
from hub.domain.personal import IMPERSONAL, KEPT, SETTINGS_OF_ROOMS, Lifetime
from hub.provision.journal import Journal
from hub.settings import Personal
from hub.store import personal
from hub.store.personal import TABLES
from hub.store.tables import audit, meetings, rooms
from tests.hub.world import World
from tests.hub.world import text as text_of

BASE = "/services/v2"


def test_every_text_has_its_place_in_the_table() -> None:
    # a new column needs an answer: is it about people, what for, whose is it, how long is it kept?
    placed = {(kept.table, name) for kept in KEPT for name in kept.columns}
    placed |= {(table, name) for table, names in IMPERSONAL.items() for name in names}
    there = {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if isinstance(column.type, String | JSON) and column.name not in SETTINGS_OF_ROOMS
    }
    assert there - placed == set()
    columns = {(table.name, column.name) for table in TABLES.values() for column in table.columns}
    assert placed - columns == set()


def test_every_lifetime_can_be_counted() -> None:
    for kept in KEPT:
        if kept.lifetime in BY_DAYS and kept.table != "audit":
            table = TABLES[kept.via.table if kept.via else kept.table]
            assert str(kept.after) in table.c, kept
        assert set(kept.emails) <= set(kept.columns)
        assert kept.purpose
    for lifetime in BY_DAYS:
        assert lifetime.value in Personal.model_fields


async def _kept(connection: Any) -> str:
    found = [str(dict(row)) for each in TABLES.values() for row in (await connection.execute(select(each))).mappings()]
    return "\n".join(found)


def forget(world: World) -> None:
    duty = Retention(world.database, world.office)
    while world.run(duty.round):
        pass
    world.run(Journal(world.database, world.office, told=False).round)


FIELDS: dict[str, Any] = {
    "subject": "Rounds with Mr Berg",
    "description": "his knee",
    "labels": ["bed 7"],
    "externalId": "case-77",
    "additionalInformation": [{"key": "who", "value": "Bodil"}],
    "organizedByEmail": "organiser@north.example",
}
SAID = ("Berg", "knee", "bed 7", "case-77", "Bodil", "organiser@", "planner@")


def test_names_go_after_their_time_and_counts_stay(world: World) -> None:
    world.organisation("north")
    uuid = world.book(**FIELDS)["uuid"]
    room = world.room(uuid)
    forget(world)
    world.clock.turn(days=31)
    forget(world)
    now = world.room(uuid)
    assert (room["hostPin"] is None, now["hostPin"], now["portalLink"]) == (False, None, None)
    assert now["meetingDetails"]["subject"] == FIELDS["subject"]
    world.clock.turn(days=60)
    forget(world)
    kept = world.change(_kept)
    assert [each for each in SAID[:-1] if each in kept] == []
    assert "planner@" in kept  # behind his pseudonym, as long as the journal
    found = world.room(uuid)["meetingDetails"]
    assert (found["subject"], found["startTime"], found["labels"]) == ("", "2026-11-02T13:00:00Z", [])
    world.clock.turn(days=5 * 365 + 1)
    forget(world)
    forget(world)
    assert "planner@" not in world.change(_kept)
    assert world.run(lambda: verify(world.database)).fault is None


def test_forgetting_is_proved_in_the_journal(world: World) -> None:
    world.organisation("north")
    for _ in range(3):
        world.book()
    world.clock.turn(days=91)
    forget(world)

    async def erased(connection: Any) -> list[Any]:
        found = await connection.execute(select(audit.c.identifier, audit.c.data).where(audit.c.operation == "erase"))
        return [(name, data) for name, data in found]

    proofs = world.change(erased)
    assert ("meetings", 3) in [(name, data["rows"]) for name, data in proofs]
    assert all(len(data["digest"]) == 64 for _, data in proofs)
    assert all("example" not in str(data) for _, data in proofs)


def test_more_than_one_transaction_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "AT_ONCE", 2)
    world.organisation("north")
    for _ in range(5):
        world.book()
    world.clock.turn(days=91)
    forget(world)

    async def left(connection: Any) -> int:
        return len(list(await connection.execute(select(meetings).where(meetings.c.organized_by.is_not(None)))))

    assert world.change(left) == 0


def test_what_is_old_is_looked_through_again(world: World) -> None:
    # between two looks at everything only what has grown old since is looked at: nothing is left out for longer
    world.organisation("north")
    duty = Retention(world.database, world.office)
    world.book()
    world.clock.turn(days=91)
    assert world.run(duty.round) > 0
    while world.run(duty.round):
        pass
    old = world.book(startTime="2026-11-02T13:00:00Z", endTime="2026-11-02T14:00:00Z")["uuid"]  # it was moved in
    recent = world.book(
        startTime=text_of(world.clock.now - timedelta(days=90)), endTime=text_of(world.clock.now - timedelta(days=89.9))
    )["uuid"]

    def subjects() -> tuple[str, str]:
        while world.run(duty.round):
            pass
        return tuple(world.room(each)["meetingDetails"]["subject"] for each in (old, recent))

    assert subjects() == ("Rounds", "Rounds")
    world.clock.turn(hours=3)
    assert subjects() == ("Rounds", "")
    world.clock.turn(days=1)
    assert subjects() == ("", "")


def ask(world: World, method: str, email: str, organisation: str = "north") -> Any:
    found = world.ask(method, f"{BASE}/person", "meeting-admin", organisation=organisation, params={"email": email})
    assert found.status_code == 200, found.text
    return found.json()


def test_a_person_is_told_everything_and_forgotten(world: World) -> None:
    world.organisation("vdx")
    world.organisation("north", above="vdx")
    world.organisation("south", above="vdx")
    email = "anna@example.org"
    for code in ("north", "south"):
        world.book(organisation=code, email=email)
    world.run(Journal(world.database, world.office, told=False).round)
    found = ask(world, "GET", email.upper())
    assert {each["table"] for each in found["rows"]} == {"meetings", "scheduling_infos", "scheduling_status"}
    own = ask(world, "GET", email)
    assert [each["operation"] for each in own["journal"]] == ["create"]
    proof = ask(world, "DELETE", email)
    assert ("meetings", 1) in [(each["table"], each["rows"]) for each in proof]
    assert ask(world, "GET", email)["rows"] == []
    assert len(ask(world, "GET", email, "south")["rows"]) == 3  # another part of the tree
    assert ask(world, "DELETE", email, "vdx")
    assert email not in world.change(_kept)
    assert ask(world, "DELETE", email, "vdx") == []

    async def made(connection: Any) -> int:
        return len(list(await connection.execute(select(rooms).where(rooms.c.created_by.is_(None)))))

    assert world.change(made) == 2


def test_who_has_no_mail_address_is_found_by_number(world: World) -> None:
    world.organisation("vdx")
    for code in ("north", "south"):
        world.organisation(code, above="vdx")
    number = "+4520304050"
    meetings_of = {code: UUID(world.book(organisation=code)["uuid"]) for code in ("north", "south")}
    now = world.clock.now

    async def kept(connection: Any) -> None:
        for code, uuid in meetings_of.items():
            invited = {"token": code, "meeting_uuid": uuid, "channel": "sms", "recipient": number, "name": "Per"}
            told = {"language": "da", "sequence": 0, "created_time": now}
            await connection.execute(insert(TABLES["invitations"]), invited | told)
            call = {"ident": code, "organisation_id": world.made[code].id, "dialled": "1234", "caller": number}
            way = {"zone": "internet", "peer": "pstn", "transport": "tls", "edge": "e", "video": False}
            times = {"began": now, "answered": now, "ended": now, "status": 200, "ended_by": "caller"}
            await connection.execute(insert(TABLES["calls"]), call | way | times)

    world.change(kept)

    def ask_for(method: str, organisation: str) -> Any:
        path = f"{BASE}/person"
        found = world.ask(method, path, "meeting-admin", organisation=organisation, params={"number": number})
        assert found.status_code == 200, found.text
        return found.json()

    found = ask_for("GET", "north")
    assert sorted((each["table"], each.get("name")) for each in found["rows"]) == [
        ("calls", None),
        ("invitations", "Per"),
    ]
    assert len(ask_for("GET", "vdx")["rows"]) == 4
    assert {(each["table"], each["rows"]) for each in ask_for("DELETE", "north")} == {("calls", 1), ("invitations", 1)}
    assert ask_for("GET", "north")["rows"] == []
    assert len(ask_for("GET", "south")["rows"]) == 2
    assert ask_for("DELETE", "vdx")
    assert number not in world.change(_kept)
    for asked in ({}, {"email": "a@b.example", "number": number}):
        assert world.ask("GET", f"{BASE}/person", "meeting-admin", params=asked).status_code == 400


def test_errors_of_the_database_name_nobody(world: World) -> None:
    async def fail(connection: Any) -> None:
        await connection.execute(text("SELECT missing FROM meetings WHERE subject = :said"), {"said": "Mr Berg"})

    with pytest.raises(DBAPIError) as caught:
        world.change(fail)
    assert "Berg" not in str(caught.value)


def test_citizens_numbers_are_refused(world: World) -> None:
    world.organisation("north")
    for fields, name in (
        ({"subject": "010170-1234"}, "subject"),
        ({"description": "cpr 0101701234"}, "description"),
        ({"labels": ["a", "010170 1234"]}, "labels"),
        ({"additionalInformation": [{"key": "cpr", "value": "010170-1234"}]}, "additionalInformation"),
        ({"projectCode": "010170-1234"}, "projectCode"),
    ):
        refused = world.ask("POST", "/v2/meetings", "meeting-planner", json=world.meeting(**fields))
        assert (refused.status_code, refused.json()["detailed_error_code"]) == (400, "10")
        assert refused.json()["detailed_error"].startswith(f"{name}: holds what looks like")
        assert "1234" not in refused.text
    path = f"/v2/meetings/{world.book()['uuid']}"
    refused = world.ask("PATCH", path, "meeting-planner", json={"description": "010170-1234"})
    assert refused.status_code == 400
    refused = world.ask("PUT", path, "meeting-planner", json=world.meeting(subject="010170-1234"))
    assert refused.status_code == 400


@pytest.mark.parametrize("world", [{"personal": Personal(refuse_personal_numbers=False)}], indirect=True)
def test_they_can_be_let_through(world: World) -> None:
    world.organisation("north")
    assert world.book(subject="010170-1234")["subject"] == "010170-1234"


def test_the_lifetimes_that_are_no_settings_have_their_own_ends() -> None:
    by_itself = {kept.table for kept in KEPT if kept.lifetime not in BY_DAYS}
    assert {"outbox", "sessions"} <= by_itself
    assert {kept.lifetime for kept in KEPT if kept.table == "audit"} == {Lifetime.JOURNAL}
