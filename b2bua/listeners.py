"""The SIP listeners of a site version: bound when it is prepared, served when it is active, closed when another one is.

Their certificates are read at the same time, and from then on whenever a file of them changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from b2bua.transport import Credentials, Listener, ListenError, Shell
from b2bua.transport.limits import CREDENTIALS_SECONDS
from vdx.control import SipListener, SipPeer


class SiteListeners:
    """What the shell listens on, by site version."""

    def __init__(self, shell: Shell, credentials: Credentials | None = None) -> None:
        self._shell = shell
        self._credentials = credentials or Credentials()
        self._served: set[Listener] = set()
        self._prepared: set[Listener] = set()

    async def prepare(self, listeners: tuple[SipListener, ...], peers: tuple[SipPeer, ...] = ()) -> tuple[str, ...]:
        """Read certificates and bind what is not bound yet; gives what is wrong, then nothing new stays bound."""
        await self.revert()
        if errors := await asyncio.to_thread(self._credentials.prepare, listeners, peers):
            self._credentials.revert()
            return errors
        wanted = {_listener(listener) for listener in listeners}
        try:
            await self._shell.open(wanted - self._served, ahead=True)
        except ListenError as error:
            return (str(error),)
        self._prepared = wanted
        return ()

    async def activate(self) -> None:
        """Serve what was prepared, who is waiting there first, and close what the prepared version does not have."""
        self._credentials.activate()
        await self._shell.begin()
        old, self._served, self._prepared = self._served, self._prepared, set()
        await self._shell.shut(old - self._served)

    async def revert(self) -> None:
        """Close what was prepared and is not served."""
        self._credentials.revert()
        fresh, self._prepared = self._prepared - self._served, set()
        await self._shell.shut(fresh)

    async def watch(self) -> None:
        """Read certificates again when they change, and tell which end soon; runs until cancelled."""
        while True:
            await asyncio.to_thread(self._credentials.refresh)  # a long list takes a second to read
            await asyncio.sleep(CREDENTIALS_SECONDS)

    def facts(self) -> Mapping[str, str | int]:
        """Say for operators how many connections there are, and which certificates end soon or cannot be used."""
        return {"connections": self._shell.connections, **self._credentials.facts()}


def _listener(listener: SipListener) -> Listener:
    advertise = (listener.advertise, listener.advertise_port)
    return Listener(listener.zone, listener.transport, listener.address, listener.port, advertise)
