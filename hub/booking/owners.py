"""Who owns the addresses that were dialled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from hub.domain.model import Organisation
from hub.domain.owners import by_domain, parsed
from hub.store import owners as store


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose address it is; `booked`: it is a meeting's room, or one that is held ready for meetings."""

    dialled: str
    organisation: Organisation
    booked: bool


async def find(connection: AsyncConnection, dialled: Sequence[str]) -> list[Owner]:
    """Find the owners of addresses, in their order; those that are nobody's are left out.

    Rooms of meetings come first, then rooms that are always there, then room systems (both are dialled under every
    domain of ours), then the domain the address stands under.
    """
    addresses = [parsed(each) for each in dict.fromkeys(dialled)]
    rooms = await store.booked(connection, addresses)
    domains = await store.domains(connection)
    standing, systems = await store.standing(connection, addresses, domains.keys())
    numbers = {
        each.dialled: rooms.get(each.dialled)
        or standing.get(each.dialled)
        or systems.get(each.dialled)
        or by_domain(each.domain, domains)
        for each in addresses
    }
    known = await store.by_ids(connection, (number for number in numbers.values() if number is not None))
    return [
        Owner(address, known[number], address in rooms) for address, number in numbers.items() if number is not None
    ]
