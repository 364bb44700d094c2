"""Names that nobody can guess, from the kernel's random numbers."""

from __future__ import annotations

import os

_POOL = 4096
_WIDTH = 8


class RandomIds:
    """`b2bua.sip.Ids` of a running program: 64 random bits in 16 hexadecimal digits, read from the kernel in blocks."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def _take(self) -> bytes:
        if self._used >= len(self._pool):
            self._pool = os.urandom(_POOL)
            self._used = 0
        self._used += _WIDTH
        return self._pool[self._used - _WIDTH : self._used]

    def token(self) -> str:
        """Give a new token."""
        return self._take().hex()

    def fraction(self) -> float:
        """Give a number from 0.0 up to 1.0."""
        return int.from_bytes(self._take()[:4]) / 2**32
