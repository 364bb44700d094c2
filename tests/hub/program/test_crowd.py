"""Fifty clients at once on PostgreSQL: no room is given twice, no number either, and no deadlock comes to light."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.booking import rooms as work
from hub.booking.office import Office
from hub.domain.model import NumberRange, Organisation, Template
from hub.domain.words import Kind, ProvisionStatus
from hub.store import organisations, templates
from hub.store.database import Database
from hub.store.tables import rooms
from tests.hub.issuer import Issuer
from tests.hub.running import hub
from tests.hub.world import settings

CLIENTS = 50
ROOMS = 30
NUMBERS = 20

pytestmark = pytest.mark.system


async def settle(url: str) -> None:
    """Make an organisation with a pool of free rooms, and one with few numbers."""
    now = datetime.now(UTC)
    database, office = Database(url), Office(settings(url, Path("unused")))

    def template(prefix: str, numbers: int) -> Template:
        none = NumberRange(None, None)
        return Template(
            0,
            None,
            22,
            prefix,
            "rooms.example",
            NumberRange(1, numbers),
            host_pin_required=False,
            host_pins=none,
            guest_pin_required=False,
            guest_pins=none,
            created_time=now,
            is_default_template=True,
        )

    async with database.write() as connection:
        pool = await organisations.add(connection, Organisation(0, "pool", "Pool", Kind.ORGANISATION, None, ROOMS))
        few = await organisations.add(connection, Organisation(0, "few", "Few", Kind.ORGANISATION, None))
        made = await templates.add(connection, template("p", 999), pool)
        await templates.add(connection, template("f", NUMBERS), few)
        for _ in range(ROOMS):
            room = await work.make_for_pool(connection, office, pool, made, None)
            values = {"status": int(ProvisionStatus.PROVISIONED_OK), "provision_timestamp": now - timedelta(minutes=5)}
            await connection.execute(rooms.update().where(rooms.c.id == room.id).values(values))
    await database.close()


async def crowd(address: str, token: str, body: dict[str, Any]) -> list[httpx2.Response]:
    headers = {"authorization": f"Bearer {token}"}
    limits = httpx2.Limits(max_connections=CLIENTS)
    async with httpx2.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=120) as client:
        return await asyncio.gather(*(client.post("/v2/meetings", json=body) for _ in range(CLIENTS)))


def outcomes(answers: list[httpx2.Response]) -> Counter[str]:
    """Count answers by what they say."""
    good = [each for each in answers if each.status_code == 200]
    codes = Counter(each.json()["detailed_error_code"] for each in answers if each.status_code != 200)
    return Counter({"made": len(good)}) + codes


async def held(url: str, prefix: str) -> list[str]:
    """List the addresses of meetings."""
    database = Database(url)
    async with database.read() as connection:
        statement = rooms.select().where(
            rooms.c.meeting_uuid.is_not(None), rooms.c.uri_without_domain.startswith(prefix)
        )
        found = [row["uri_without_domain"] for row in (await connection.execute(statement)).mappings()]
    await database.close()
    return found


def test_a_crowd_is_served_without_doubles(postgresql_database: str, issuer: Issuer, tmp_path: Path) -> None:
    url = postgresql_database
    now = datetime.now(UTC)
    body = {"subject": "Now", "startTime": now.isoformat(), "endTime": (now + timedelta(hours=1)).isoformat()}
    later = body | {"startTime": (now + timedelta(minutes=30)).isoformat()}
    with hub(url, issuer, tmp_path, workers=2) as address:
        asyncio.run(settle(url))
        from_pool = asyncio.run(
            crowd(address, issuer.token(["meeting-user"], "pool", "a@b.example"), body | {"meetingType": "POOL"})
        )
        assert outcomes(from_pool) == {"made": ROOMS, "20": CLIENTS - ROOMS}
        of_few = asyncio.run(crowd(address, issuer.token(["meeting-user"], "few", "a@b.example"), later))
        assert outcomes(of_few) == {"made": NUMBERS, "15": CLIENTS - NUMBERS}
    for prefix, count in (("p", ROOMS), ("f", NUMBERS)):
        addresses = asyncio.run(held(url, prefix))
        assert len(addresses) == len(set(addresses)) == count
