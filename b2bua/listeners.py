"""The SIP listeners of a site version: bound when it is prepared, closed when another one is active."""

from __future__ import annotations

from b2bua.transport import Listener, ListenError, Shell
from vdx.control import SipListener


class SiteListeners:
    """What the shell listens on, by site version."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._served: set[Listener] = set()
        self._prepared: set[Listener] = set()

    async def prepare(self, listeners: tuple[SipListener, ...]) -> tuple[str, ...]:
        """Bind what is not bound yet; gives what went wrong, in which case nothing new stays bound."""
        await self.revert()
        wanted = {_listener(listener) for listener in listeners}
        try:
            await self._shell.open(wanted - self._served)
        except ListenError as error:
            return (str(error),)
        self._prepared = wanted
        return ()

    async def activate(self) -> None:
        """Close what the prepared version does not have."""
        old, self._served, self._prepared = self._served, self._prepared, set()
        await self._shell.shut(old - self._served)

    async def revert(self) -> None:
        """Close what was prepared and is not served."""
        fresh, self._prepared = self._prepared - self._served, set()
        await self._shell.shut(fresh)


def _listener(listener: SipListener) -> Listener:
    advertise = (listener.advertise, listener.advertise_port)
    return Listener(listener.zone, listener.transport, listener.address, listener.port, advertise)
