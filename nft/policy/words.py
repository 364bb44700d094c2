"""Words that more than one part of the ruleset's text needs. Pure."""

from __future__ import annotations

import re
from typing import Final

MAX_COMMENT = 127  # bytes that nft keeps
_UNTOLD: Final = re.compile(r"[^\w ./:,()@+-]")


def flow_mark(source: int, target: int) -> int:
    """Return the connection mark of flows from one zone into another, by their numbers."""
    return source << 8 | target


def told(words: str) -> str:
    """Return words as a comment of nft can hold them: nothing that ends a quotation, and not too long."""
    return _UNTOLD.sub("_", words).encode()[:MAX_COMMENT].decode(errors="ignore")
