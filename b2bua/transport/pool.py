"""Which connection serves whom: those that are open, by number, by where they were opened to, and by whose they are.

A connection is used again only for the one whose certificate it showed (RFC 5923 9): for the address it came from, or,
where a dialog lost the connection it had, from wherever they come now. One without a certificate is used for its own
flow and for the target it was opened to.
"""

from __future__ import annotations

from collections.abc import Iterator

from b2bua.sip import Flow, Target, Wanted
from b2bua.transport.connection import Connection

MAX_SERVED = 64
"""Places remembered of a connection that serves others than its own: each is a port in a Contact of one peer."""

Named = tuple[str, str, str]
"""Zone, transport, and a name of a certificate."""


class Pool:
    """Open connections, and those that are being opened."""

    def __init__(self) -> None:
        self._open: dict[int, Connection] = {}
        self._targets: dict[Target, Connection] = {}
        self._named: dict[Named, dict[int, Connection]] = {}

    def __len__(self) -> int:
        """Count the connections that are connected."""
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        """Go through the connections that are connected."""
        return iter(tuple(self._open.values()))

    def connected(self, connection: Connection) -> None:
        """Take in a connection whose socket is connected."""
        self._open[connection.id] = connection

    def opening(self, target: Target, connection: Connection) -> None:
        """Take in a connection that is being opened to `target`."""
        self._targets[target] = connection

    def opened(self, connection: Connection) -> None:
        """Note that it is known whose the connection is."""
        for name in _names(connection):
            self._named.setdefault(name, {})[connection.id] = connection

    def closed(self, connection: Connection) -> bool:
        """Forget a connection under all its names; tells whether it was connected."""
        if connection.target is not None and self._targets.get(connection.target) is connection:
            del self._targets[connection.target]
        for name in _names(connection):
            held = self._named.get(name, {})
            held.pop(connection.id, None)
            if not held:
                self._named.pop(name, None)
        return self._open.pop(connection.id, None) is not None

    def find(self, to: Flow | Target) -> Connection | None:
        """Give the connection for a message: its own, or another one of the same identity."""
        if isinstance(to, Target):
            return self._targets.get(to) or self._of(to, to.wanted)
        found = self._open.get(to.id)
        if found is not None or to.identity is None:
            return found
        candidates = self._candidates(to.zone, to.transport, to.identity.names)
        return next((one for one in candidates if one.flow and one.flow.identity == to.identity), None)

    def _of(self, to: Target, wanted: Wanted | None) -> Connection | None:
        if wanted is None:
            return None
        candidates = self._candidates(to.zone, to.transport, wanted.names)
        found = next((one for one in candidates if _serves(one, to, wanted)), None)
        if found is not None and len(found.served) < MAX_SERVED:
            found.served.add((to.host, to.port))
        return found

    def _candidates(self, zone: str, transport: str, names: frozenset[str]) -> Iterator[Connection]:
        """Give the connections of any of these names, the youngest first: the older may be dead already."""
        found = {ident: one for name in names for ident, one in self._named.get((zone, transport, name), {}).items()}
        return (found[ident] for ident in sorted(found, reverse=True))


def _serves(connection: Connection, to: Target, wanted: Wanted) -> bool:
    flow = connection.flow
    if flow is None or not wanted.met_by(flow.identity) or to.source not in {"", flow.local[0]}:
        return False
    if wanted.anywhere:
        return True
    return flow.remote[0] == to.host and (connection.accepted or flow.remote[1] == to.port)


def _names(connection: Connection) -> Iterator[Named]:
    flow = connection.flow
    if flow is not None and flow.identity is not None:
        for name in flow.identity.names:
            yield flow.zone, flow.transport, name
