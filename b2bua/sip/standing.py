"""What stands on which connection, so that the end of one finds what it concerns without a look at everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from b2bua.sip.flow import Flow, Target

if TYPE_CHECKING:
    from b2bua.sip.leg import Leg
    from b2bua.sip.transaction import ClientTransaction

Path = tuple[str, str, str, int]
"""Zone, transport, and the far end's address and port."""


class Standing:
    """Legs by the connection their dialog stands on, our requests by the one they went over. UDP has none."""

    def __init__(self) -> None:
        self._legs: dict[int, dict[str, Leg]] = {}  # by the number of the flow
        self._of_leg: dict[str, int] = {}
        self._clients: dict[Path, dict[str, ClientTransaction]] = {}

    def __len__(self) -> int:
        """Count what is noted; 0 when nothing is going on."""
        return len(self._legs) + len(self._of_leg) + len(self._clients)

    def note_leg(self, leg: Leg) -> None:
        """Note where the dialog of a leg stands now."""
        to = leg.dialog.to if leg.dialog is not None else None
        number = to.id if isinstance(to, Flow) and to.reliable else None
        if self._of_leg.get(leg.id) == number:
            return
        self.forget_leg(leg)
        if number is not None:
            self._of_leg[leg.id] = number
            self._legs.setdefault(number, {})[leg.id] = leg

    def forget_leg(self, leg: Leg) -> None:
        """Forget a leg that ends."""
        number = self._of_leg.pop(leg.id, None)
        held = self._legs.get(number) if number is not None else None
        if held is not None and number is not None:
            held.pop(leg.id, None)
            if not held:
                del self._legs[number]

    def legs(self, flow: Flow) -> Iterator[Leg]:
        """Take out the legs that stand on a connection."""
        for leg in self._legs.pop(flow.id, {}).values():
            del self._of_leg[leg.id]
            yield leg

    def note_client(self, transaction: ClientTransaction) -> None:
        """Note which way a request of ours goes."""
        if transaction.to.reliable:
            self._clients.setdefault(_path(transaction.to), {})[transaction.key] = transaction

    def forget_client(self, transaction: ClientTransaction) -> None:
        """Forget a request that is over."""
        if not transaction.to.reliable:
            return
        path = _path(transaction.to)
        held = self._clients.get(path)
        if held is not None:
            held.pop(transaction.key, None)
            if not held:
                del self._clients[path]

    def clients(self, flow: Flow) -> list[ClientTransaction]:
        """Give the requests that went to the far end of a connection."""
        return list(self._clients.get(_path(flow), {}).values())


def _path(to: Flow | Target) -> Path:
    host, port = to.remote if isinstance(to, Flow) else (to.host, to.port)
    return to.zone, to.transport, host, port
