"""Name servers in memory: records by name, what was asked, and silence where it is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from b2bua.locate import Answer, Naptr, Srv, UnavailableError


@dataclass
class Zone:
    """Answers from its tables; what is not in them does not exist. A name in `silent` is not answered for."""

    naptrs: dict[str, list[Naptr]] = field(default_factory=dict)
    srvs: dict[str, list[Srv]] = field(default_factory=dict)
    hosts: dict[str, list[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    ttl: float = 60.0
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def naptr(self, name: str) -> Answer[Naptr]:
        self._ask("NAPTR", name)
        return Answer(tuple(self.naptrs.get(name, ())), self.ttl)

    async def srv(self, name: str) -> Answer[Srv]:
        self._ask("SRV", name)
        return Answer(tuple(self.srvs.get(name, ())), self.ttl)

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Answer[str]:
        self._ask(kind, name)
        fitting = [one for one in self.hosts.get(name, ()) if (":" in one) == (kind == "AAAA")]
        return Answer(tuple(fitting), self.ttl)

    def _ask(self, kind: str, name: str) -> None:
        self.asked.append((kind, name))
        if name in self.silent:
            raise UnavailableError(f"{name} is silent")
