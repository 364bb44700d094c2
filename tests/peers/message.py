"""SIP messages as text, on purpose without the code under test: just enough for a scripted peer (RFC 3261)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

COMPACT = {
    "v": "Via",
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "l": "Content-Length",
    "c": "Content-Type",
}
HEAD_END = b"\r\n\r\n"


@dataclass(slots=True)
class Message:
    """One message: its first line, its header fields in order, its body, and where it came from."""

    start: str
    fields: list[tuple[str, str]]
    body: str = ""
    source: tuple[str, int] = ("", 0)

    @property
    def status(self) -> int:
        """Return the status of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """Return the method of a request, or of the request that a response belongs to."""
        return self["CSeq"].split()[1] if self.status else self.start.split()[0]

    @property
    def uri(self) -> str:
        """Return the Request-URI."""
        return self.start.split()[1]

    @property
    def name(self) -> str:
        """Return what tests call it: ``INVITE`` or ``180 INVITE``."""
        return f"{self.status} {self.method}" if self.status else self.method

    @property
    def branch(self) -> str:
        """Return the branch of the topmost Via."""
        found = re.search(r"branch=([^;,\s]+)", self["Via"])
        return found[1] if found else ""

    @property
    def contact(self) -> str:
        """Return the URI of the Contact, without its angle brackets."""
        found = re.search(r"sips?:[^>\s]+", self["Contact"])
        assert found, f"no URI in Contact: {self}"
        return found[0]

    def __getitem__(self, name: str) -> str:
        for value in self.all(name):
            return value
        raise AssertionError(f"no {name} in:\n{self}")

    def __contains__(self, name: str) -> bool:
        return any(True for _ in self.all(name))

    def all(self, name: str) -> Iterable[str]:
        """Return the values of every field of that name."""
        return (value for known, value in self.fields if known.lower() == name.lower())

    def tag(self, name: str) -> str:
        """Return the tag of From or To, empty where there is none."""
        found = re.search(r";tag=([^;>\s]+)", self[name])
        return found[1] if found else ""

    def write(self) -> bytes:
        """Write the message; Content-Length is added unless a field says otherwise."""
        fields = self.fields
        if "Content-Length" not in self:
            fields = [*fields, ("Content-Length", str(len(self.body.encode())))]
        head = "".join(f"{line}\r\n" for line in (self.start, *(f"{name}: {value}" for name, value in fields)))
        return f"{head}\r\n{self.body}".encode()

    def __str__(self) -> str:
        return self.write().decode().replace("\r\n", "\n")


def read(data: bytes, source: tuple[str, int] = ("", 0)) -> Message:
    """Read a message; raises AssertionError for what is none."""
    head, end, body = data.partition(HEAD_END)
    assert end, f"not SIP: {data[:80]!r}"
    start, *lines = re.sub(r"\r\n[ \t]+", " ", head.decode()).split("\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon, f"not a header field: {line!r}"
        fields.append((COMPACT.get(name.strip().lower(), name.strip()), value.strip()))
    return Message(start, fields, body.decode(errors="surrogateescape"), source)


@dataclass(slots=True)
class Stream:
    """Messages out of the bytes of a connection (RFC 3261 section 18.3); keep-alives (RFC 5626) are skipped."""

    buffer: bytes = field(default=b"")

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the messages that are complete."""
        self.buffer += data
        complete: list[bytes] = []
        while True:
            self.buffer = self.buffer.lstrip(b"\r\n")
            head, end, _ = self.buffer.partition(HEAD_END)
            if not end:
                return complete
            length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
            assert length, f"no Content-Length over TCP: {head!r}"
            size = len(head) + len(HEAD_END) + int(length[1])
            if len(self.buffer) < size:
                return complete
            complete.append(self.buffer[:size])
            self.buffer = self.buffer[size:]
