"""PostgreSQL stops in the middle and comes back: 503 meanwhile, never a 500, and the same request works afterwards."""

from __future__ import annotations

import asyncio
import os
import pwd
import subprocess
from pathlib import Path

import httpx2
import pytest

from hub.domain.model import Organisation
from hub.domain.words import Kind
from hub.store import organisations
from hub.store.database import Database
from tests.hub import postgresql
from tests.hub.issuer import Issuer
from tests.hub.running import hub

pytestmark = pytest.mark.system

MEETING = {"subject": "Rounds", "startTime": "2030-01-07T08:00:00Z", "endTime": "2030-01-07T09:00:00Z"}


def control(home: str, *words: str) -> None:
    """Have the server stop or start."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    command = [postgresql.programs() / "pg_ctl", "-D", f"{home}/data", "-w", "-s", *words]
    log = Path(home, "again.log")
    done = subprocess.run(
        [str(each) for each in command],
        check=False,
        user=account.pw_uid,
        group=account.pw_gid,
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert done.returncode == 0, log


async def settle(url: str) -> None:
    database = Database(url)
    async with database.write() as connection:
        await organisations.add(connection, Organisation(0, "north", "North", Kind.ORGANISATION, None))
    await database.close()


async def crowd(address: str, token: str, home: str) -> list[int]:
    """Send bookings without end while the server stops; gives their statuses."""
    headers = {"authorization": f"Bearer {token}"}
    statuses: list[int] = []
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=60) as client:

        async def book() -> None:
            while 503 not in statuses:
                statuses.append((await client.post("/v2/meetings", json=MEETING)).status_code)

        booking = [asyncio.create_task(book()) for _ in range(8)]
        while 200 not in statuses:  # noqa: ASYNC110 - answers come from other tasks
            await asyncio.sleep(0.01)
        await asyncio.to_thread(control, home, "stop", "-m", "immediate")
        await asyncio.gather(*booking)
    return statuses


def test_the_database_goes_away_in_the_middle(issuer: Issuer, tmp_path: Path) -> None:
    with postgresql.server() as url:
        home = url.partition("host=")[2]
        with hub(url, issuer, tmp_path) as address:
            asyncio.run(settle(url))
            token = issuer.token(["meeting-planner"], "north", "a@north.example")
            assert set(asyncio.run(crowd(address, token, home))) == {200, 503}
            headers = {"authorization": f"Bearer {token}"}
            away = httpx2.get(f"{address}/v2/meetings?search=Rounds", headers=headers)
            assert (away.status_code, away.headers["retry-after"]) == (503, "2")
            options = f"-c listen_addresses= -k {home}"
            control(home, "start", "-o", options, "-l", f"{home}/again.log")
            try:
                answers = [httpx2.post(f"{address}/v2/meetings", headers=headers, json=MEETING) for _ in range(15)]
                assert answers[-1].status_code == 200
                assert {each.status_code for each in answers} <= {200, 503}
            finally:
                control(home, "stop", "-m", "immediate")
