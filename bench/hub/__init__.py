"""What the hub does with a million meetings in its database: PostgreSQL with two worker processes, SQLite with one.

- *create*, *read*, *search*, *pick* (a room of a pool): answers a second that a client gets on 16 connections, and how
  long 99 of 100 take at a steady rate, counted from when they were due.
- *dialable*: from the POST of a meeting that begins now until the record of its room is in the memory of an edge.

Client, workers, provisioner, bus and database share the machine. The database writes to disk as in production.
"""

from __future__ import annotations

import asyncio
import gc
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import uvloop

from bench.hub import dialable
from bench.hub.load import Answers, Request, at_rate, most
from bench.hub.million import POOL, Known, Million, into_postgresql, into_sqlite
from bench.report import Aim, Report
from hub import program
from tests.hub import postgresql
from tests.hub.issuer import Issuer
from tests.hub.running import hub
from tests.hub.world import settings

SERVER = ("listen_addresses=", "max_connections=200", "shared_buffers=512MB", "max_wal_size=4GB")
"""A server of its own, as small as Debian's default but for its cache; what is committed is on disk."""

WORKERS = 2
CALLERS = 40
FREE = 20_000
"""Rooms in the pool: more than are picked."""

CREATES, CREATE_MS, SEARCH_MS = Aim("at least", 300), Aim("at most", 50), Aim("at most", 30)


@dataclass(frozen=True, slots=True)
class Load:
    """How an operation is asked for: its steady rate on each database, and what is aimed at on PostgreSQL."""

    rate: float
    alone: float
    most: Aim | None = None
    slowest: Aim | None = None


LOADS = {
    "create": Load(300, 100, CREATES, CREATE_MS),
    "read": Load(200, 200),
    "search": Load(50, 5, None, SEARCH_MS),
    "pick": Load(50, 50),
}


class Asking:
    """Writes requests of callers whose tokens were signed beforehand."""

    def __init__(self, issuer: Issuer, known: list[Known], host: str) -> None:
        self._chance = random.Random(1)  # noqa: S311 - the same questions each time
        self._host = host
        self._known = self._chance.sample(known, min(len(known), 2000))
        self._tokens = {code: issuer.token(["meeting-planner"], code, f"booker@{code}.example") for code in self._codes}
        self._tokens[POOL] = issuer.token(["meeting-planner"], POOL, "booker@pool.example")

    @property
    def _codes(self) -> set[str]:
        return {each.code for each in self._known}

    def create(self) -> bytes:
        """Book a meeting in some hours."""
        at = datetime.now(UTC) + timedelta(minutes=self._chance.randrange(60, 10_000))
        known = self._chance.choice(self._known)
        return self._post(known.code, at, {"subject": f"Kontrol {known.name}", "labels": ["ward-7"]})

    def pick(self) -> bytes:
        """Book a meeting that begins now in a room of the pool."""
        return self._post(POOL, datetime.now(UTC), {"subject": "Straks", "meetingType": "POOL"})

    def read(self) -> bytes:
        """Read a meeting."""
        known = self._chance.choice(self._known)
        return self._get(known.code, f"/v2/meetings/{known.uuid}")

    def search(self) -> bytes:
        """Search for a name among an organisation's meetings of all years."""
        known = self._chance.choice(self._known)
        return self._get(known.code, f"/v2/meetings?search={quote(known.name)}")

    def _post(self, code: str, at: datetime, fields: dict[str, object]) -> bytes:
        times = {"startTime": _text(at), "endTime": _text(at + timedelta(minutes=30))}
        body = msgspec.json.encode(fields | times)
        head = f"{self._head('POST', '/v2/meetings', code)}Content-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _get(self, code: str, path: str) -> bytes:
        return f"{self._head('GET', path, code)}\r\n".encode()

    def _head(self, method: str, path: str, code: str) -> str:
        return f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {self._tokens[code]}\r\n"


def run(*, short: bool) -> Report:
    """Measure; `short` puts fewer meetings into the databases and asks for less."""
    meetings, seconds = (20_000, 3.0) if short else (1_000_000, 8.0)
    report = Report("hub")
    with filled_postgresql(meetings) as (url, million):
        _serve(report, "PostgreSQL", url, million, WORKERS, seconds)
        milliseconds = dialable.measure(url, rooms=20 if short else 100)
    report.add("POST to dialable, half of them", [_part(milliseconds, 0.5)], "ms")
    report.add("POST to dialable, 99 of 100", [_part(milliseconds, 0.99)], "ms", Aim("at most", 2000))
    with tempfile.TemporaryDirectory(prefix="vdx-hub-bench-") as folder:
        million = Million(meetings, FREE)
        url = f"sqlite:///{folder}/hub.sqlite"
        program.prepare(settings(url, Path("unused")))
        into_sqlite(f"{folder}/hub.sqlite", million)
        _serve(report, "SQLite", url, million, 1, seconds)
    report.notes.append(f"{meetings:,} meetings in each database; {WORKERS} workers on PostgreSQL, 1 on SQLite")
    return report


@contextmanager
def filled_postgresql(meetings: int) -> Iterator[tuple[str, Million]]:
    """Run a PostgreSQL server with so many meetings."""
    with postgresql.server(SERVER) as url:
        program.prepare(settings(url, Path("unused")))
        million = Million(meetings, FREE)
        asyncio.run(into_postgresql(url, million))
        yield url, million


def _serve(report: Report, what: str, url: str, million: Million, workers: int, seconds: float) -> None:
    issuer = Issuer()
    with (
        tempfile.TemporaryDirectory(prefix="vdx-hub-bench-") as folder,
        hub(url, issuer, Path(folder), workers, pools={"minimum_age_seconds": 60}) as address,
    ):
        asking = Asking(issuer, million.known, urlsplit(address).netloc)
        gc.collect()
        gc.freeze()  # the client's own pauses are not the hub's
        for name, load in LOADS.items():
            request: Request = getattr(asking, name)
            fast = uvloop.run(_most(address, request, seconds))
            aimed = what == "PostgreSQL"
            rate = load.rate if aimed else load.alone
            steady = uvloop.run(_at_rate(address, request, rate, seconds))
            for answers in (fast, steady):
                _note(report, f"{what}: {name}", answers)
            report.add(f"{what}: {name}, most", [fast.rate], "/s", load.most if aimed else None)
            report.add(f"{what}: {name}, half of them at {rate:g}/s", [steady.part(0.5)], "ms")
            slowest = load.slowest if aimed else None
            report.add(f"{what}: {name}, 99 of 100 at {rate:g}/s", [steady.part(0.99)], "ms", slowest)


async def _most(address: str, request: Request, seconds: float) -> Answers:
    port = urlsplit(address).port or 0
    await most(port, request, 1.0)  # statements prepared, caches full
    return await most(port, request, seconds)


async def _at_rate(address: str, request: Request, rate: float, seconds: float) -> Answers:
    return await at_rate(urlsplit(address).port or 0, request, rate, seconds)


def _note(report: Report, what: str, answers: Answers) -> None:
    if not answers.seconds:
        raise RuntimeError(f"{what}: every request was refused, the first: {answers.bad[:1]}")
    if answers.bad:
        report.notes.append(f"{what}: {len(answers.bad)} of {len(answers.bad) + len(answers.seconds)} were refused")


def _part(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
