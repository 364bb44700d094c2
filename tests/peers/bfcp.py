"""A floor control peer over UDP: asks Hello, answers what it is asked (RFC 8855 sections 5.1 and 6.2)."""

from __future__ import annotations

import select
import socket
import struct
from dataclasses import dataclass, field
from typing import Self

from tests.peers.host import Host, family

# RFC 8855 section 5.1: version and flags; primitive; length in 4 octets; conference; transaction; user
HEADER = struct.Struct("!BBHIHH")
VERSION_UDP = 2 << 5
RESPONDER = 1 << 4

FLOOR_REQUEST = 1
FLOOR_REQUEST_STATUS = 4
HELLO = 11
HELLO_ACK = 12
ERROR = 13
ANSWERS = {FLOOR_REQUEST: FLOOR_REQUEST_STATUS, HELLO: HELLO_ACK}


@dataclass(frozen=True, slots=True)
class Message:
    """The common header of a message and the octets of its attributes."""

    primitive: int
    conference: int = 1
    transaction: int = 1
    user: int = 1
    responder: bool = False
    attributes: bytes = b""

    def write(self) -> bytes:
        """Write the message; attributes are padded to 4 octets by whoever made them."""
        first = VERSION_UDP | (RESPONDER if self.responder else 0)
        words = len(self.attributes) // 4
        head = HEADER.pack(first, self.primitive, words, self.conference, self.transaction, self.user)
        return head + self.attributes

    @classmethod
    def read(cls, data: bytes) -> Message:
        """Read a message; raises ValueError where version or length are wrong."""
        if len(data) < HEADER.size:
            raise ValueError(f"shorter than a BFCP header: {data.hex()}")
        first, primitive, words, conference, transaction, user = HEADER.unpack_from(data)
        attributes = data[HEADER.size :]
        if first & 0xE0 != VERSION_UDP or len(attributes) != 4 * words:
            raise ValueError(f"not BFCP over UDP: {data[:16].hex()}")
        return cls(primitive, conference, transaction, user, bool(first & RESPONDER), attributes)


@dataclass(slots=True)
class Peer:
    """One end of a floor control stream; close it, or use it with ``with``."""

    host: Host
    address: str
    port: int
    socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.socket = self.host.socket(family(self.address), socket.SOCK_DGRAM)
        try:
            self.socket.bind((self.address, self.port))
        except OSError:
            self.socket.close()
            raise
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, address: str, port: int, message: Message) -> None:
        """Send a message."""
        self.socket.sendto(message.write(), (address, port))

    def receive(self, timeout: float = 3.0) -> tuple[Message, tuple[str, int]] | None:
        """Return the next message and its source, None if none comes."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        data, source = self.socket.recvfrom(65536)
        return Message.read(data), (source[0], source[1])

    def answer(self, timeout: float = 3.0) -> Message | None:
        """Answer the next request to where it came from and return the request, None if none comes."""
        got = self.receive(timeout)
        if got is None:
            return None
        request, source = got
        primitive = ANSWERS.get(request.primitive, ERROR)
        reply = Message(primitive, request.conference, request.transaction, request.user, responder=True)
        self.ask(*source, reply)
        return request
