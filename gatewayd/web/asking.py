"""Questions in somebody's name."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct, structs

from gatewayd.web import answers
from gatewayd.web.errors import AwayError
from gatewayd.web.gateway import Gateway
from vdx import versions
from vdx.versions import Asking, Principal

T = TypeVar("T", bound=Struct)


class Asker:
    """Asks `gatewayd` for one who was recognised."""

    def __init__(self, gateway: Gateway, principal: Principal) -> None:
        self._gateway = gateway
        self.principal = principal

    async def ask(self, request: Asking) -> Struct:
        """Give the answer; raises `DeclinedError` or `AwayError`."""
        named: Any = structs.replace(request, principal=self.principal)
        return answers.accepted(request, await self._gateway.ask(named))

    async def get(self, request: Asking, kind: type[T]) -> T:
        """Give the answer of a kind."""
        found = await self.ask(request)
        if not isinstance(found, kind):
            raise AwayError(f"gatewayd gave an odd answer: {type(found).__name__}")
        return found

    async def fragment(self, name: str) -> tuple[versions.FragmentContent, str]:
        """Give the content of a fragment that runs; one that was never pushed is empty, and expected as nothing."""
        found = await self.get(versions.ShowFragment(1, name), versions.FragmentContent)
        return found, found.ref
