"""The kernel's relay and mediad in memory, for tests of the desk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from gatewayd.errors import RefusalError
from gatewayd.pinholes.leases import Held
from nft import adoption, relay
from nft.elements import Element, Put, Remove
from nft.errors import Refusal, TransactionError
from nft.kernel import Traffic
from nft.number import Number
from nft.relay import Batch, Bridge, Discard, End, Forget, Refresh, Remote
from nft.schema import MEDIA, Key


class MemoryKernel:
    """Elements as the kernel would hold them; `deaf` refuses every transaction."""

    def __init__(self) -> None:
        self.elements: dict[tuple[str, Key], Put] = {}
        self.batches: list[Batch] = []
        self.deaf = False
        self.counted: dict[Number, Traffic] = {}
        self.waiting: dict[Number, Remote] = {}

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            if self.deaf:
                raise TransactionError((Refusal("ok4", "", 28, ""),))
            self.batches.append(batch)
            for step in batch:
                self._do(step)

    def _do(self, step: object) -> None:
        if isinstance(step, Put):
            held = self.elements.setdefault((step.shape.name, step.key), step)
            assert held.data == step.data, "the kernel keeps other data under this key"
        elif isinstance(step, Remove):
            del self.elements[step.shape.name, step.key]
        elif isinstance(step, Discard):
            self.elements.pop((step.shape.name, step.key), None)
        elif isinstance(step, Forget):
            self.elements.pop(("wait", (step.number,)), None)
            self.waiting.pop(step.number, None)
        else:
            assert isinstance(step, Refresh)

    def close_bridges(self, bridges: Sequence[Bridge]) -> dict[Number, Traffic]:
        self.commit(relay.close(bridges))
        return self.traffic(bridges)

    def traffic(self, bridges: Sequence[Bridge]) -> dict[Number, Traffic]:
        numbers = [end.number for bridge in bridges for end in (bridge.a, bridge.b)]
        return {number: self.counted[number] for number in numbers if number in self.counted}

    def learned(self, ends: Sequence[End]) -> dict[Number, Remote]:
        return {end.number: self.waiting[end.number] for end in ends if end.number in self.waiting}

    def adopt(self) -> list[adoption.Adopted]:
        dump: dict[str, list[Element]] = {name: [] for name in MEDIA}
        for (name, key), put in self.elements.items():
            if name in dump:
                expires = put.timeout if put.timeout is not None else None
                dump[name].append(Element(key, put.data, put.timeout, expires, comment=put.comment))
        return adoption.read(dump)


class MemoryRelays:
    """Keeps what mediad was told; `away` refuses."""

    def __init__(self) -> None:
        self.serving: dict[str, Held] = {}
        self.away = False
        self.stopped: list[tuple[str, str]] = []

    def serve(self, held: Held) -> None:
        if self.away:
            raise RefusalError("kernel", "mediad is away")
        self.serving[held.lease] = held

    def retarget(self, held: Held) -> None:
        self.serving[held.lease] = held

    def stop(self, leases: Iterable[str], pipe: str | None = None) -> None:
        for lease in leases:
            if pipe is None:
                self.serving.pop(lease, None)
            else:
                self.stopped.append((lease, pipe))


def remote_text(remote: tuple[IPv4Address | IPv6Address, int] | None) -> str:
    return f"{remote[0]}:{remote[1]}" if remote else ""
