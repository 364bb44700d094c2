"""What stands on which connection, so that the end of one finds what it concerns without a look at everything else."""

from __future__ import annotations

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
        self._legs: dict[Path, dict[str, Leg]] = {}
        self._of_leg: dict[str, Path] = {}
        self._clients: dict[Path, dict[str, ClientTransaction]] = {}

    def __len__(self) -> int:
        """Count what is noted; 0 when nothing is going on."""
        return len(self._legs) + len(self._of_leg) + len(self._clients)

    def note_leg(self, leg: Leg) -> None:
        """Note where the dialog of a leg stands now; when that connection ends it is still known where it stood."""
        to = leg.dialog.to if leg.dialog is not None else None
        path = path_of(to) if isinstance(to, Flow) and to.reliable else None
        if self._of_leg.get(leg.id) == path:
            return
        self.forget_leg(leg)
        if path is not None:
            self._of_leg[leg.id] = path
            self._legs.setdefault(path, {})[leg.id] = leg

    def forget_leg(self, leg: Leg) -> None:
        """Forget a leg that ends."""
        path = self._of_leg.pop(leg.id, None)
        held = self._legs.get(path) if path is not None else None
        if held is not None and path is not None:
            held.pop(leg.id, None)
            if not held:
                del self._legs[path]

    def legs(self, path: Path) -> list[Leg]:
        """Give the legs that stand, or stood last, on a connection."""
        return list(self._legs.get(path, {}).values())

    def note_client(self, transaction: ClientTransaction) -> None:
        """Note which way a request of ours goes."""
        if transaction.to.reliable:
            self._clients.setdefault(path_of(transaction.to), {})[transaction.key] = transaction

    def forget_client(self, transaction: ClientTransaction) -> None:
        """Forget a request that is over."""
        if not transaction.to.reliable:
            return
        path = path_of(transaction.to)
        held = self._clients.get(path)
        if held is not None:
            held.pop(transaction.key, None)
            if not held:
                del self._clients[path]

    def clients(self, flow: Flow) -> list[ClientTransaction]:
        """Give the requests that went to the far end of a connection."""
        return list(self._clients.get(path_of(flow), {}).values())


def path_of(to: Flow | Target) -> Path:
    """Give what tells a connection by its far end."""
    host, port = to.remote if isinstance(to, Flow) else (to.host, to.port)
    return to.zone, to.transport, host, port
