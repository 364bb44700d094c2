"""A ruleset in portions that an ordinary user may send.

The kernel takes a transaction as one message, and lets only root make the buffer of a socket as large as that. In a
throw-away network nobody is there yet, so nothing needs to be there at once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nftables

from nft.errors import ApplyError

WISHED = 16 << 20
"""Bytes of buffer asked for; the kernel gives what ``net.core.wmem_max`` allows."""

GROWTH = 7
"""By how much elements are longer as messages than as text: a port of a map is 13 characters and 80 bytes."""

_ELEMENTS = "add element"


def load(text: str) -> None:
    """Bring a ruleset into the kernel, a portion after the other; ``ApplyError`` where one is refused."""
    context, most = _context()
    for portion in divided(text, most // GROWTH):
        code, _, said = context.cmd(portion)
        if code:
            raise ApplyError(f"the ruleset was refused: {' | '.join(str(said).split(chr(10))[:3])}")


def divided(text: str, most: int) -> Iterator[str]:
    """Yield statements together, at most so many characters or one statement; long lists of elements are cut."""
    portion = ""
    for statement in _statements(text.split("\n"), most):
        if portion and len(portion) + len(statement) > most:
            yield portion
            portion = ""
        portion += statement
    if portion:
        yield portion


def _statements(lines: list[str], most: int) -> Iterator[str]:
    at = 0
    while at < len(lines):
        end = at
        if lines[at].endswith("{"):
            while lines[end] != "}":
                end += 1
        if lines[at].startswith(_ELEMENTS):
            yield from _cut(lines[at], lines[at + 1 : end], most)
        elif lines[at]:
            yield "\n".join(lines[at : end + 1]) + "\n"
        at = end + 1


def _cut(head: str, rows: list[str], most: int) -> Iterator[str]:
    listed: list[str] = []
    length = 0
    for row in rows:
        if listed and length + len(row) > most:
            yield _elements(head, listed)
            listed, length = [], 0
        listed.append(row)
        length += len(row)
    if listed:
        yield _elements(head, listed)


def _elements(head: str, rows: list[str]) -> str:
    return f"{head}\n" + "\n".join(rows).rstrip(",") + "\n}\n"


def _context() -> tuple[nftables.Nftables, int]:
    """Return a connection to the kernel and the bytes of a message that it takes."""
    before = _sockets()
    context = nftables.Nftables()
    return context, min(_widened(int(name)) for name in _sockets() - before)


def _sockets() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # what the listing itself was read by
            if str(entry.readlink()).startswith("socket:"):
                found.add(entry.name)
    return found


def _widened(descriptor: int) -> int:
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, WISHED)
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
