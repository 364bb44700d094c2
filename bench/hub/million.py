"""A database as it is after years: organisations of very different size, their meetings, rooms and labels, a full pool.

Everything is drawn from a seeded generator, so that two runs measure the same rows. PostgreSQL takes them by COPY.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

ORGANISATIONS = 500
PEOPLE = 40
"""Organisers of one organisation."""

NAMES = 3000
"""Family names in subjects: a search for one finds a handful of an organisation's meetings."""

POOL = "pool"
"""The code of the organisation whose pool is picked from."""

YEARS = 4
BATCH = 20_000
SEED = 4711
PARTS = "an ber dahl ek fris gaard holm ing kjaer lund mar nor ost riis sand".split()  # noqa: SIM905 - read like this
KINDS = ("Kontrol", "Samtale", "Opfølgning", "Vejledning", "Konference", "Visitation", "Tilsyn", "Undervisning")


@dataclass(frozen=True, slots=True)
class Known:
    """What the load asks for: an organisation's code, one of its organisers, a meeting and a name in its subject."""

    code: str
    email: str
    uuid: UUID
    name: str


def names(chance: random.Random) -> list[str]:
    """Make family names."""
    made: dict[str, None] = {}
    while len(made) < NAMES:
        made["".join(chance.choices(PARTS, k=3)).capitalize()] = None
    return list(made)


class Million:
    """The rows of `meetings` meetings, and of a pool with `free` rooms; `known` fills while they are made."""

    def __init__(self, meetings: int, free: int) -> None:
        self.meetings = meetings
        self.free = free
        self.known: list[Known] = []
        self.now = datetime.now(UTC).replace(microsecond=0)
        self._chance = random.Random(SEED)  # noqa: S311 - the same rows each time
        self._names = names(self._chance)

    def organisations(self) -> list[dict[str, Any]]:
        """Give the tree: one level under a root."""
        common = {"kind": "organisation", "allow_custom_uri_without_domain": False, "inherits": True}
        rows = [{"id": 1, "code": "root", "name": "Root", "parent_id": None, "pool_size": None, **common}]
        rows += [
            {"id": at, "code": f"org-{at}", "name": f"Organisation {at}", "parent_id": 1, "pool_size": None, **common}
            for at in range(2, ORGANISATIONS + 2)
        ]
        last = ORGANISATIONS + 2
        return [*rows, {"id": last, "code": POOL, "name": "Pool", "parent_id": 1, "pool_size": 500, **common}]

    def templates(self) -> list[dict[str, Any]]:
        """Give the template that all share, with addresses enough for ten times the rooms."""
        return [
            {
                "id": 1,
                "organisation_id": None,
                "conferencing_sys_id": 22,
                "uri_prefix": "",
                "uri_domain": "rooms.example",
                "uri_number_low": 100_000_000,
                "uri_number_high": 999_999_999,
                "host_pin_required": True,
                "host_pin_low": 10_000,
                "host_pin_high": 99_999,
                "guest_pin_required": True,
                "guest_pin_low": 10_000,
                "guest_pin_high": 99_999,
                "is_default_template": True,
                "is_pool_template": False,
                "created_time": self.now,
                **RULES,
            }
        ]

    def batches(self) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]]:
        """Give meetings, rooms and labels, some at a time; the rooms of the pool last."""
        chance = self._chance
        codes = range(2, ORGANISATIONS + 2)
        weights = [1 / (at - 1) for at in codes]  # the largest has a seventh of everything
        for begin in range(0, self.meetings, BATCH):
            count = min(BATCH, self.meetings - begin)
            owners = chance.choices(codes, weights, k=count)
            made = [self._meeting(begin + at, owner) for at, owner in enumerate(owners)]
            rooms = [self._room(begin + at + 1, meeting) for at, meeting in enumerate(made)]
            labels = [
                {"meeting_uuid": each["uuid"], "position": 0, "label": f"ward-{chance.randrange(5000)}"}
                for each in made[::3]
            ]
            yield made, rooms, labels
        yield [], [self._free(self.meetings + 1 + at) for at in range(self.free)], []

    def _meeting(self, number: int, owner: int) -> dict[str, Any]:
        chance = self._chance
        start = self.now + timedelta(minutes=15 * chance.randrange(-YEARS * 35_040, 2_880))
        name = chance.choice(self._names)
        email = f"person{chance.randrange(PEOPLE)}@org-{owner}.example"
        uuid = UUID(int=chance.getrandbits(128), version=4)
        if number % 200 == 0:
            self.known.append(Known(f"org-{owner}", email, uuid, name))
        return {
            "uuid": uuid,
            "organisation_id": owner,
            "subject": f"{chance.choice(KINDS)} {name}, {chance.randrange(1, 40)}. gang",
            "start_time": start,
            "end_time": start + timedelta(minutes=30),
            "description": f"Afdeling {chance.randrange(300)}, stue {chance.randrange(900)}" if number % 2 else None,
            "short_id": f"{number:012x}",
            "organized_by": email,
            "guest_microphone": "on",
            "guest_pin_required": False,
            "additional_information": "[]",
            "use": "administrative",
            "created_by_organisation": f"org-{owner}",
            "created_by": email,
            "created_time": start - timedelta(days=7),
        }

    def _room(self, number: int, meeting: dict[str, Any]) -> dict[str, Any]:
        past = meeting["end_time"] < self.now
        return {
            **ROOM,
            "id": number,
            "uuid": meeting["uuid"],
            "meeting_uuid": meeting["uuid"],
            "organisation_id": meeting["organisation_id"],
            "uri_without_domain": None if past else str(100_000_000 + number),
            "uri_domain": None if past else "rooms.example",
            "status": 6 if past else 0,
            "opens_time": meeting["start_time"] - timedelta(minutes=15),
            "end_time": meeting["end_time"],
            "created_time": meeting["created_time"],
        }

    def _free(self, number: int) -> dict[str, Any]:
        return {
            **ROOM,
            "id": number,
            "uuid": UUID(int=self._chance.getrandbits(128), version=4),
            "meeting_uuid": None,
            "organisation_id": ORGANISATIONS + 2,
            "uri_without_domain": str(100_000_000 + number),
            "uri_domain": "rooms.example",
            "status": 3,
            "provision_timestamp": self.now - timedelta(hours=1),
            "pool": True,
            "opens_time": None,
            "end_time": None,
            "created_time": self.now - timedelta(hours=1),
        }


RULES: dict[str, Any] = {
    "vmr_available_before": 15,
    "max_participants": 0,
    "end_meeting_on_end_time": False,
    "vmr_type": "conference",
    "host_view": "one_main_seven_pips",
    "guest_view": "one_main_seven_pips",
    "vmr_quality": "hd",
    "enable_overlay_text": True,
    "guests_can_present": True,
    "force_presenter_into_main": True,
    "force_encryption": False,
    "mute_all_guests": False,
    "direct_media": "never",
}
ROOM: dict[str, Any] = {
    **RULES,
    "template_id": 1,
    "host_pin": 12_345,
    "guest_pin": 54_321,
    "provision_timestamp": None,
    "portal_link": "https://portal.example/?conference=123456789@rooms.example&pin=54321&join=1",
    "pool": False,
    "pool_overflow": False,
}


async def into_postgresql(url: str, million: Million) -> None:
    """Fill an empty database whose tables are there; search indexes are built when the rows are in."""
    connection = await asyncpg.connect(url)
    try:
        built = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'meetings' AND indexdef LIKE '%USING gin%'"
        )
        for index in built:
            await connection.execute(f'DROP INDEX "{index["indexname"]}"')
        await _copy(connection, "organisations", million.organisations())
        await _copy(connection, "scheduling_templates", million.templates())
        for meetings, rooms, labels in million.batches():
            await _copy(connection, "meetings", meetings)
            await _copy(connection, "scheduling_infos", rooms)
            await _copy(connection, "meeting_labels", labels)
        for index in built:
            await connection.execute(index["indexdef"])
        for table, count in (("organisations", ORGANISATIONS + 2), ("scheduling_templates", 1)):
            await connection.execute("SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", table, count)
        rooms_made = million.meetings + million.free
        await connection.execute("SELECT setval(pg_get_serial_sequence('scheduling_infos', 'id'), $1)", rooms_made)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _copy(connection: asyncpg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        columns = list(rows[0])
        records = [tuple(row.values()) for row in rows]
        await connection.copy_records_to_table(table, records=records, columns=columns)


def into_sqlite(path: str, million: Million) -> None:
    """Fill an empty database whose tables are there."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, "organisations", million.organisations())
        _insert(connection, "scheduling_templates", million.templates())
        for meetings, rooms, labels in million.batches():
            _insert(connection, "meetings", meetings)
            _insert(connection, "scheduling_infos", rooms)
            _insert(connection, "meeting_labels", labels)
        connection.commit()
        connection.execute("ANALYZE")
        connection.commit()
    finally:
        connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        places = ", ".join("?" * len(rows[0]))
        statement = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({places})"  # noqa: S608 - our own names
        connection.executemany(statement, [[_plain(value) for value in row.values()] for row in rows])


def _plain(value: object) -> object:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return json.dumps(value) if isinstance(value, list) else value
