"""NFLOG (linux/netfilter/nfnetlink_log.h): the kernel tells which source a pinhole has learned.

The events of dynamic sets are not sent to anyone, so the rule that learns also logs the packet. An event may get lost
when many come at once; the owner finds what it missed in ``Kernel.learned`` at the next renewal.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from types import TracebackType
from typing import Self

from nft import attributes as nl
from nft.errors import NftError, WireError
from nft.netlink import NETFILTER
from nft.number import Number
from nft.ruleset.media import LATCH_PREFIX, LOG_BYTES, LOG_GROUP
from nft.schema import IPAddress

SUBSYSTEM = 4  # NFNL_SUBSYS_ULOG
PACKET, CONFIG = SUBSYSTEM << 8, SUBSYSTEM << 8 | 1  # NFULNL_MSG_PACKET, NFULNL_MSG_CONFIG
MARK, PAYLOAD, PREFIX = 2, 9, 10  # NFULA_MARK, NFULA_PAYLOAD, NFULA_PREFIX
CONFIG_COMMAND, CONFIG_MODE, CONFIG_THRESHOLD = 1, 2, 5  # NFULA_CFG_CMD, NFULA_CFG_MODE, NFULA_CFG_QTHRESH
BIND, COPY_PACKET = 1, 2  # NFULNL_CFG_CMD_BIND, NFULNL_COPY_PACKET
UDP = 17
READ_AT_ONCE = 64  # datagrams per call of ``read``: the loop's other work goes on in a flood
DATAGRAM = 1 << 16
BUFFER = 1 << 20  # bytes: about 2,000 events


@dataclass(frozen=True, slots=True)
class Latched:
    """A pinhole took its first packet from this source."""

    number: Number
    address: IPAddress
    port: int


def configuration(group: int, sequence: int) -> bytes:
    """Encode the messages that bind a socket to a group: the start of each packet, delivered at once."""
    generic = struct.pack("!BBH", socket.AF_UNSPEC, 0, group)
    settings = (
        nl.attribute(CONFIG_COMMAND, bytes((BIND,))),
        nl.attribute(CONFIG_MODE, struct.pack("!IBx", LOG_BYTES, COPY_PACKET)),
        nl.attribute(CONFIG_THRESHOLD, struct.pack("!I", 1)),
    )
    return b"".join(
        nl.message(CONFIG, nl.REQUEST | nl.ACK, sequence + i, generic + setting) for i, setting in enumerate(settings)
    )


def decode(datagram: bytes) -> Iterator[Latched]:
    """Yield what the packets of a datagram tell; packets of other rules and what is no UDP are passed over."""
    for kind, _, _, payload in nl.messages(datagram):
        if kind != PACKET:
            continue
        found = nl.mapping(payload[nl.GENERIC.size :])
        if found.get(PREFIX, b"").rstrip(b"\0") != LATCH_PREFIX.encode() or len(found.get(MARK, b"")) != 4:
            continue
        source = _source(found.get(PAYLOAD, b""))
        if source is not None:
            yield Latched(Number(int.from_bytes(found[MARK], "big")), *source)


def _source(packet: bytes) -> tuple[IPAddress, int] | None:
    """Read the source of a UDP packet from its IPv4 or IPv6 header; extension headers are not walked."""
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        header = (packet[0] & 0xF) * 4
        if len(packet) >= header + 2 and header >= 20 and packet[9] == UDP:
            return IPv4Address(packet[12:16]), int.from_bytes(packet[header : header + 2], "big")
    if version == 6 and len(packet) >= 42 and packet[6] == UDP:
        return IPv6Address(packet[8:24]), int.from_bytes(packet[40:42], "big")
    return None


class LatchReader:
    """A non-blocking socket on the relay's log group, for an event loop to watch."""

    def __init__(self, group: int = LOG_GROUP) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETFILTER)
        self._socket.bind((0, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.send(configuration(group, 1))
        answered = 0
        while answered < 3:  # an acknowledgement for each setting; the kernel gave them before ``send`` returned
            for kind, _, _, payload in nl.messages(self._socket.recv(DATAGRAM)):
                if kind != nl.ERROR:
                    continue
                answered += 1
                code = -struct.unpack_from("=i", payload)[0]
                if code:
                    self.close()
                    raise NftError(f"NFLOG group {group} cannot be read: {os.strerror(code)}")
        self._socket.setblocking(False)
        self.lost = 0

    def fileno(self) -> int:
        """Return the descriptor to watch for reading."""
        return self._socket.fileno()

    def read(self) -> list[Latched]:
        """Return what has come, without waiting; ``lost`` counts the overflows of the socket's buffer."""
        latched: list[Latched] = []
        for _ in range(READ_AT_ONCE):
            try:
                latched += decode(self._socket.recv(DATAGRAM))
            except BlockingIOError:
                break
            except WireError:
                self.lost += 1
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise NftError(f"the log of learned sources cannot be read: {error.strerror}") from error
                self.lost += 1
        return latched

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
