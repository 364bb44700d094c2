"""An installation that moves out and in again is the same; what does not fit is refused whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub import program
from hub.booking.journal import verify
from hub.ctl import moving
from hub.ctl.__main__ import main
from hub.errors import InputError
from hub.provision.history import History
from hub.provision.journal import Journal
from hub.store.database import Database
from hub.store.moving import OTHERS, TABLES
from hub.store.tables import metadata
from tests.hub.api.test_pools import template
from tests.hub.history.test_history import DURING, STANDING, record
from tests.hub.world import World, settings


def fill(world: World) -> None:
    """Make an installation of everything that there is."""
    world.organisation("root", pool_size=2)
    world.organisation("north", "root", allow_custom_uri_without_domain=True, history_api_key="d" * 64)
    template(world, "north", isDefaultTemplate=True)
    deleted = template(world, "north")
    world.ask("DELETE", f"/v2/scheduling-templates/{deleted}", "meeting-admin")
    information = [{"key": "ward", "value": "7 \N{BEATING HEART}"}]
    world.book(labels=["b", "a"], externalId="x-1", additionalInformation=information, uriWithoutDomain="abc7")
    gone = world.book(subject="Gone")["uuid"]
    for status in ("PROVISIONED_OK", "DEPROVISION_OK"):
        world.report(gone, status)
    body = {"organizationId": "root", "schedulingTemplateId": template(world, "root")}
    free = world.ask("POST", "/v2/scheduling-info", "meeting-provisioner-user", json=body)
    assert free.status_code == 200, free.text
    standing = STANDING | {"owner": "ida@north.example", "kind": "person", "hostPin": 4711}
    use = {"use": "clinical", "rules": [{"part": "label", "pattern": "a*", "use": "clinical"}]}
    bodies = {("POST", "room"): standing, ("PUT", "organisation-classes?organisationCode=north"): use}
    for (method, path), sent in bodies.items():
        done = world.ask(method, f"/services/v2/{path}", "meeting-admin", organisation="root", json=sent)
        assert done.status_code == 200, done.text
    world.run(lambda: History(world.database).take("edge1", record(1, "ward7", DURING["begin"], DURING["end"])))
    world.run(Journal(world.database, world.office, told=False).round)


async def exported(database: Database) -> list[bytes]:
    lines: list[bytes] = []
    await moving.export(database, lines.append)
    return lines


def test_a_round_trip_keeps_everything(world: World, tmp_path: Path) -> None:
    fill(world)
    lines = world.run(lambda: exported(world.database))
    target = f"sqlite:///{tmp_path / 'other.sqlite'}"
    program.prepare(settings(target, tmp_path / "unused"))

    async def again() -> tuple[moving.Counts, list[bytes]]:
        database = Database(target)
        counts = await moving.take_in(database, lines)
        found = await exported(database)
        with pytest.raises(InputError, match="here already"):
            await moving.take_in(database, lines)
        await database.close()
        return counts, found

    counts, found = asyncio.run(again())
    assert {"organisation": 2, "template": 3, "room": 3}.items() <= counts.items()
    others = {"use_rules", "scheduling_status", "standing_rooms", "room_aliases", "calls", "audit", "persons"}
    assert others <= counts.keys()
    assert found == lines


def test_every_table_moves_or_is_known_to_stay() -> None:
    typed = {"organisations", "scheduling_templates", "scheduling_infos", "meetings", "meeting_labels"}
    stays = {"outbox", "messages", "sessions", "logins"}
    assert typed | stays | set(OTHERS) == set(TABLES)
    for at, name in enumerate(OTHERS):  # what a row refers to is there before it
        earlier = typed | set(OTHERS[:at])
        assert {each.column.table.name for each in TABLES[name].foreign_keys} <= earlier


def test_what_is_made_after_moving_in_has_new_numbers(world: World) -> None:
    fill(world)
    lines = world.run(lambda: exported(world.database))
    empty(world)
    world.run(lambda: moving.take_in(world.database, lines))
    assert world.run(lambda: exported(world.database)) == lines
    world.book(subject="New")
    assert len(world.run(lambda: exported(world.database))) == len(lines) + 2  # its room, and the room's history
    world.run(Journal(world.database, world.office, told=False).round)
    assert world.run(lambda: verify(world.database)).fault is None  # the chain goes on where it was


def empty(world: World) -> None:
    """Take everything out of the database."""

    async def clear(connection: Any) -> None:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())

    world.change(clear)


ORGANISATION = (
    b'{"what":"organisation","organisation":{"id":1,"code":"a","name":"A","kind":"organisation","parent_id":%b}}'
)


PERSON = b'{"what":"row","table":"%b","row":{"pseudonym":%b,"email":"a@b.example","seen_time":%b}}'
ALIAS = (
    b'{"what":"row","table":"room_aliases","row":{"alias":"a","position":0,'
    b'"room_uuid":"00000000-0000-4000-8000-000000000000"}}'
)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([b"{"], "line 1: "),
        ([b"\n", b'{"what":"cat"}'], "line 2: "),
        ([ORGANISATION % b"7"], "nobody has the parent's id 7"),
        ([b" " * (1 << 20) + b"x"], "longer than"),
        ([PERSON % (b"sessions", b"1", b"1")], "row of sessions: no such table moves"),
        ([PERSON % (b"calls", b"1", b"1")], "row of calls: answered, "),
        ([PERSON % (b"persons", b"null", b'"2026-11-02T12:00:00Z"')], "pseudonym: must not be null"),
        ([PERSON % (b"persons", b"1", b'"2026-11-02T12:00:00Z"')], "pseudonym: must be str"),
        ([PERSON % (b"persons", b'"p"', b'"2026-11-02T12:00:00"')], "seen_time: a time has no zone"),
        ([PERSON % (b"persons", b'"p"', b'"yesterday"')], "seen_time: Invalid isoformat"),
        ([ALIAS], "refuses something|names what is not"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_in(world: World, lines: list[bytes], why: str) -> None:
    with pytest.raises(InputError, match=why):
        world.run(lambda: moving.take_in(world.database, lines))
    assert world.run(lambda: exported(world.database)) == []


def test_an_unknown_organisation_of_a_room_is_named(world: World) -> None:
    fill(world)
    lines = world.run(lambda: exported(world.database))
    empty(world)
    rooms = [line for line in lines if b'"what":"room"' in line]
    with pytest.raises(InputError, match="no organisation has the code"):
        world.run(lambda: moving.take_in(world.database, [ORGANISATION % b"null", *rooms]))
    late = [ORGANISATION % b"null", b'{"what":"room"}']
    with pytest.raises(InputError, match="line 2"):
        world.run(lambda: moving.take_in(world.database, late))


def test_the_program_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "hub.yaml"
    tokens = {"issuer": "https://login.example", "jwks": str(tmp_path / "none")}
    config.write_text(yaml.safe_dump({"database": f"sqlite:///{tmp_path / 'a.sqlite'}", "tokens": tokens}))
    source = tmp_path / "in"
    source.write_bytes(ORGANISATION % b"null")
    out = tmp_path / "out"
    assert main(["import", "--config", str(config), str(source)]) == 0
    assert main(["export", "--config", str(config), str(out)]) == 0
    assert capsys.readouterr().out == "organisation: 1\norganisation: 1\n"
    assert out.stat().st_mode & 0o777 == 0o600
    assert b'"code":"a"' in out.read_bytes()
    for wrong in (["export", "--config", str(config), str(out)], ["import", "--config", str(config), str(source)]):
        assert main(wrong) == 2
        assert capsys.readouterr().err.startswith("hubctl: ")
    assert main(["no-such-verb"]) == 2
