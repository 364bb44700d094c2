"""A way between a browser's WebSocket at home, behind NAT, and the hospital."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lab.host import Host
from lab.site import ROOT_FILE
from lab.topology import ORIGIN, SIP_PORT, WEB_PORT
from tests.peers.agent import Agent
from tests.peers.secure import Web
from tests.peers.wires import Place, Wire
from tests.system.access.room import Room
from tests.system.calls.crossing import HARDLY_ANY, Crossing
from tests.system.web.conftest import HOME, PASSWORD, USER


@dataclass(frozen=True, slots=True)
class Paged(Crossing):
    """A crossing whose end at home is a user agent in a page, which has registered as `user`."""

    user: str = USER

    @property
    def alias(self) -> str:
        """Return what the caller dials."""
        return self.user if self.callee == HOME else self.callee

    @property
    def hop(self) -> tuple[str, int]:
        """Return where the caller reaches the edge."""
        return self.edge_left, WEB_PORT if self.caller == HOME else SIP_PORT

    def stuck(self) -> Wire:
        """Place a wire that takes next to nothing: a page at home, or a connection in the hospital."""
        return self._page(HARDLY_ANY) if self.caller == HOME else Crossing.stuck(self)

    def agent(self, host: Host, address: str, name: str, shows: str | None = None) -> Agent:
        """Place a scripted agent; the one at home registers over its WebSocket."""
        if name != HOME:
            return Crossing.agent(self, host, address, name, shows)
        page = Agent(host, address, transport="wss", user=self.user, ready=self._page())
        room = Room(page, self._web, self.user, PASSWORD)
        room.call.call_id = f"{os.urandom(8).hex()}@{HOME}"  # each page begins anew, with a low CSeq (RFC 3261 10.3)
        try:
            room.register()
        except BaseException:
            page.wire.close()
            raise
        return page

    @property
    def _web(self) -> Place:
        return self.edge.address("internet"), WEB_PORT

    def _page(self, receive_buffer: int | None = None) -> Web:
        host = self.edge.host(HOME)
        return Web(host, self._web, self.edge.lab.state.keys / ROOT_FILE, ORIGIN, receive_buffer)
