"""Nonces of our challenges: made without keeping anything, and each count of each taken once (RFC 7616 3.3, 3.4, 5.12).

A nonce says when it was made and carries a keyed hash over that, a random word and whom it was made for. So a flood of
requests that are challenged takes no room; only a nonce that was answered rightly is kept, until its time is over.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

NONCE_SECONDS = 300.0
"""How long a nonce may be answered: a client that registers every few minutes is asked anew each time, once."""

COUNT_WINDOW = 64
"""Counts below the highest that may still come, each once: requests over UDP overtake each other, by a few places."""

MAX_NONCES = 20_000
"""Nonces remembered: as many users as log in within NONCE_SECONDS on a large edge. Over it the oldest go stale."""

_MAC_BYTES = 16

Verdict = Literal["good", "stale", "forged"]


@dataclass(slots=True)
class _Used:
    """The counts of one nonce: the highest, and which of the COUNT_WINDOW up to it have come (bit 0 the highest)."""

    made: float
    highest: int = 0
    seen: int = 0


class Nonces:
    """Nonces under one secret `key` (32 octets); `token` gives unguessable words without a dot."""

    def __init__(self, key: bytes, token: Callable[[], str]) -> None:
        self._key = key
        self._token = token
        self._used: dict[str, _Used] = {}
        self._floor = -1.0  # nonces made up to here are good only where they are remembered

    def __len__(self) -> int:
        return len(self._used)

    def make(self, scope: str, now: float) -> str:
        """Make a nonce for `scope`, a word for whoever is asked; `now` in seconds of the clock that judges it later."""
        said = f"{int(now * 1000):x}.{self._token()}"
        return f"{said}.{self._mac(said, scope)}"

    def judge(self, nonce: str, scope: str, now: float) -> Verdict:
        """Tell whether a nonce is ours and may still be answered; `stale` ones deserve a new challenge that says so."""
        said, _, mac = nonce.rpartition(".")
        if not hmac.compare_digest(self._mac(said, scope).encode(), mac.encode()):
            return "forged"
        made = _made(said)
        if not 0 <= now - made <= NONCE_SECONDS or (made <= self._floor and nonce not in self._used):
            return "stale"
        return "good"

    def take(self, nonce: str, count: int, now: float) -> bool:
        """Note that a good nonce was answered rightly under `count`; False if that count came before, or long after."""
        if count < 1:
            return False
        used = self._used.get(nonce)
        if used is None:
            self._make_room(now)
            used = self._used[nonce] = _Used(_made(nonce))
        if count > used.highest:
            used.seen = (used.seen << min(count - used.highest, COUNT_WINDOW) | 1) & ((1 << COUNT_WINDOW) - 1)
            used.highest = count
            return True
        bit = 1 << (used.highest - count) if used.highest - count < COUNT_WINDOW else 0
        if not bit or used.seen & bit:
            return False
        used.seen |= bit
        return True

    def _make_room(self, now: float) -> None:
        """Forget what nobody may answer any more; over the limit also what was answered first."""
        for nonce in list(self._used):
            used = self._used[nonce]
            if len(self._used) < MAX_NONCES and now - used.made <= NONCE_SECONDS:
                break
            if now - used.made <= NONCE_SECONDS:
                self._floor = max(self._floor, used.made)
            del self._used[nonce]

    def _mac(self, said: str, scope: str) -> str:
        return hmac.digest(self._key, f"{said} {scope}".encode(), "sha256")[:_MAC_BYTES].hex()


def _made(nonce: str) -> float:
    return int(nonce.partition(".")[0], 16) / 1000
