"""One place on the bus, with everything that `b2bua` knows from there and sends there.

Imported where a site names a bus: its client takes longer to load than all of the calls.
"""

from __future__ import annotations

from pathlib import Path

from b2bua.backlog import Backlog, Past
from b2bua.call.rooms import BusRooms
from b2bua.going import Going
from b2bua.placing import Placing, Refusing, placed
from b2bua.vault import path_of
from vdx.bus import Address, Bus, Change, Gone, Happening, Outbox, Put, Watch
from vdx.dialplan import RoomBus
from vdx.nodes import NODES, Node
from vdx.placed import PlacedCall
from vdx.record import CallRecord
from vdx.rooms import ROOMS, Aliases, Room

RECORDS: Happening[CallRecord] = Happening("records", CallRecord)


class Link:
    """One place on the bus, and what is known from there."""

    def __init__(self, told: RoomBus, folder: Path | None, past: Past, going: Going) -> None:
        trust = Path(told.trust) if told.trust else None
        address = Address(told.servers, told.name, path_of(told.secrets), trust, told.server_name or None)
        self.told = told
        self.bus = Bus(address)
        self.watched = Watch(ROOMS, folder, self._room)
        self.nodes: Watch[Node] = Watch(NODES, folder)
        self.outbox = Outbox(self.bus, RECORDS, self._sent)
        self._going = going
        refusing = Refusing(self.bus, going.refused)
        placing = Placing(self.bus, self._placed)
        self.rooms = BusRooms(Aliases(self.watched.records.values()), self.nodes.records, self._age)
        for part in (self.watched, self.nodes, self.outbox, placing, refusing, refusing.outbox):
            self.bus.add(part)
        self.backlog = Backlog(folder / "records.mark", past, self.outbox, self.ident) if folder else None
        if self.backlog is not None:
            self.bus.add(self.backlog)

    def ident(self, record: CallRecord) -> str:
        """Name a record among those of all edges."""
        return f"{self.told.name}.{record.call}"

    def _sent(self, record: CallRecord) -> None:
        if self.backlog is not None:
            self.backlog.sent(record)

    def _placed(self) -> list[PlacedCall]:
        return placed(self._going.held(), self.watched.records, self.nodes.records)

    def _room(self, change: Change[Room]) -> None:
        if isinstance(change, Put):
            self.rooms.aliases.put(change.record)
        elif isinstance(change, Gone):
            self.rooms.aliases.drop(change.record.uuid)

    def _age(self) -> float | None:
        ages = (self.watched.age, self.nodes.age)
        return None if None in ages else max(age for age in ages if age is not None)
