"""What the kernel keeps for a restarted `gatewayd`: the comment of a pinhole's element, in at most 64 bytes. Pure.

    abcdefghijklm.3/r/b2bua/k3v5xq/7dhw2a/02009c40
    lease           | owner peers' digests pinhole of side a
                    component: r (RTP), c (RTCP), b (BFCP), t (a connection)

Peers are named by a digest, because names may be as long as the comment; it is looked up among the site's peers.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

Component: TypeAlias = Literal["r", "c", "b", "t"]

MAX_OWNER = 16
"""Characters of an owner's name, so that a label fits."""

_LABEL = re.compile(r"([a-z2-7]{13}\.[0-9]{1,3})/([rcbt])/([a-z0-9-]{1,16})/([a-z2-7]{6})/([a-z2-7]{6})/([0-9a-f]{8})")


_COMPONENTS: dict[str, Component] = {"r": "r", "c": "c", "b": "b", "t": "t"}


@dataclass(frozen=True, slots=True)
class Label:
    """What a bridge belongs to; `first` is the number of side a's pinhole."""

    lease: str
    component: Component
    owner: str
    peers: tuple[str, str]
    first: int


@lru_cache(maxsize=65_536)
def digest(peer: str) -> str:
    """Give the six characters that stand for a peer."""
    return b32encode(hashlib.blake2b(peer.encode(), digest_size=5).digest())[:6].decode().lower()


def write(label: Label) -> str:
    """Write a label."""
    a, b = label.peers
    return f"{label.lease}/{label.component}/{label.owner}/{digest(a)}/{digest(b)}/{label.first:08x}"


def read(text: str, peers: Iterable[str]) -> Label | None:
    """Read a label back; a peer that is no more among `peers` has an empty name. None where it is not ours."""
    found = _LABEL.fullmatch(text)
    if not found:
        return None
    names = {digest(peer): peer for peer in peers}
    both = names.get(found[4], ""), names.get(found[5], "")
    return Label(found[1], _COMPONENTS[found[2]], found[3], both, int(found[6], 16))
