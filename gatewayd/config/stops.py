"""Freezes and cuts: what stops changes, or somebody, at once and until it is let go."""

from __future__ import annotations

import difflib

from gatewayd.config.errors import DeclineError
from gatewayd.config.events import CutOff, Froze, Restored, Thawed
from gatewayd.config.keeper import Keeper
from gatewayd.config.roles import Asker
from vdx import versions
from vdx.versions import Acknowledged


class Stops:
    """One for each appliance."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def freeze(self, request: versions.Freeze, asker: Asker) -> Acknowledged:
        """Hold all changes up."""
        await self._keeper.add(Froze(request.until), asker.name, request.why)
        return Acknowledged(request.id)

    async def unfreeze(self, request: versions.Unfreeze, asker: Asker) -> Acknowledged:
        """Let changes through again."""
        await self._keeper.add(Thawed(), asker.name, request.why)
        return Acknowledged(request.id)

    async def cut(self, request: versions.Cut, asker: Asker) -> Acknowledged:
        """Cut somebody off."""
        known = self._names(request.kind)
        if request.kind != "token" and request.name not in known:  # ids of tokens are known to who issued them alone
            close = difflib.get_close_matches(request.name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise DeclineError("unknown", f"there is no {request.kind} {request.name!r} here{hint}")
        async with self._keeper.changing:
            if (request.kind, request.name) not in self._keeper.state.cuts:
                await self._keeper.cut(CutOff(request.kind, request.name), asker.name, request.why)
        return Acknowledged(request.id)

    async def uncut(self, request: versions.Uncut, asker: Asker) -> Acknowledged:
        """Let somebody come back."""
        async with self._keeper.changing:
            if (request.kind, request.name) not in self._keeper.state.cuts:
                raise DeclineError("unknown", f"{request.kind} {request.name!r} is not cut off")
            await self._keeper.cut(Restored(request.kind, request.name), asker.name, request.why)
        return Acknowledged(request.id)

    def _names(self, kind: versions.CutKind) -> list[str]:
        site = self._keeper.running.site
        if kind == "peer":
            there = {name for (what, name) in self._keeper.state.cuts if what == "peer"}
            return [*site.peers, *there]
        if kind == "organisation":
            return [*site.delegations, *site.agreements.organisations]
        return []
