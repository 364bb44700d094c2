"""The socket to nf_tables: transactions on elements, look-ups, dumps. Blocking; the kernel answers within microseconds.

Only single elements go this way. libnftables would read every set of the machine first: with 100,000 prefixes in a
table, 300 ms for one element.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from nft import attributes as nl
from nft import counters, declaration, elements
from nft.elements import Element, Operation, Run
from nft.errors import NftError, Refusal, TransactionError
from nft.schema import Key, Shape, show

NETFILTER = 12  # NETLINK_NETFILTER
SOL_NETLINK, CAP_ACK, EXT_ACK = 270, 10, 11
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
MESSAGE_TEXT, MESSAGE_OFFSET = 1, 2  # NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS
T = TypeVar("T")

SEND_BUFFER = 8 << 20  # bytes: a transaction is one datagram; 20,000 renewed pinholes are about 5 MB
RECEIVE_BUFFER = 8 << 20  # bytes: the answers to one datagram of look-ups come before the first is read
DATAGRAM = 1 << 18  # bytes read at once; the kernel fills at most 32 kB
LOOKUPS = 256  # keys asked for in one datagram: their answers fit the receive buffer many times over
DUMP_TRIES = 8  # a dump is started anew where a transaction came between
ANSWER_SECONDS = 5  # an answer that has not come by then will not come


class Netlink:
    """One netlink socket in the network namespace in which it was made. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETFILTER)
        self._socket.bind((0, 0))
        wait = struct.pack("@ll", ANSWER_SECONDS, 0)  # struct timeval; a timeout of Python's own costs a poll each time
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        for option, size in ((SO_SNDBUFFORCE, SEND_BUFFER), (SO_RCVBUFFORCE, RECEIVE_BUFFER)):
            with contextlib.suppress(PermissionError):  # without CAP_NET_ADMIN nothing below works either, and says so
                self._socket.setsockopt(socket.SOL_SOCKET, option, size)
        for option in (CAP_ACK, EXT_ACK):
            self._socket.setsockopt(SOL_NETLINK, option, 1)
        self._sequence = int.from_bytes(os.urandom(3), "big")
        self._buffer = memoryview(bytearray(DATAGRAM))  # of its own, because recv() would allocate as much each time

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def commit(self, operations: Iterable[Operation], echo: Collection[Shape] = ()) -> list[tuple[Shape, Element]]:
        """Do all operations in one transaction, or none: ``TransactionError`` says which the kernel refused and why.

        Returns what was deleted of the sets in ``echo``, as it was at its end. The kernel tells it before its verdict,
        into the receive buffer: some thousand elements fit.
        """
        told: list[tuple[Shape, Element]] = []
        listed = list(elements.runs(operations))
        if not listed:
            return told
        begin = self._take(len(listed) + 2)
        self._send(elements.batch(listed, begin, echo))
        refusals = self._verdict(listed, begin, echo, told)
        if refusals:
            raise TransactionError(tuple(refusals))
        return told

    def find(self, shape: Shape, keys: Sequence[Key]) -> list[Element | None]:
        """Return the elements of these keys, None where there is none, in the order asked for."""
        found: list[Element | None] = []
        for start in range(0, len(keys), LOOKUPS):
            found += self._find([(shape, key) for key in keys[start : start + LOOKUPS]])
        return found

    def find_each(self, wanted: Sequence[tuple[Shape, Key]]) -> list[Element | None]:
        """Return elements of different sets, None where there is none, in the order asked for."""
        found: list[Element | None] = []
        for start in range(0, len(wanted), LOOKUPS):
            found += self._find(wanted[start : start + LOOKUPS])
        return found

    def dump(self, shape: Shape) -> list[Element]:
        """Return every element of a set, as it was at one moment."""

        def read(payload: bytes) -> Iterator[Element]:
            return elements.decode_list(shape, payload)

        return self._dump(lambda sequence: elements.dump(shape, sequence), read, f"elements of {shape.name}")

    def declarations(self, table: str) -> dict[str, declaration.Declaration]:
        """Return how each set of a table is declared; empty where there is no such table."""

        def read(payload: bytes) -> Iterator[tuple[str, declaration.Declaration]]:
            of_table, name, declared = declaration.decode(payload)
            if of_table == table:
                yield name, declared

        return dict(
            self._dump(lambda sequence: declaration.ask(table, sequence), read, f"sets of {table}", absent=True)
        )

    def counters(self, table: str) -> dict[str, tuple[int, int]]:
        """Return packets and octets of each named counter of a table; empty where there is no such table."""

        def read(payload: bytes) -> Iterator[tuple[str, tuple[int, int]]]:
            of_table, name, packets, octets = counters.decode(payload)
            if of_table == table:
                yield name, (packets, octets)

        def ask(sequence: int) -> bytes:
            return counters.ask(table, sequence)

        return dict(self._dump(ask, read, f"counters of {table}", absent=True))

    def chains(self, table: str) -> list[str]:
        """Return the names of a table's chains; empty where there is no such table."""

        def read(payload: bytes) -> Iterator[str]:
            of_table, name = declaration.decode_chain(payload)
            if of_table == table:
                yield name

        return self._dump(declaration.ask_chains, read, f"chains of {table}", absent=True)

    def _take(self, count: int) -> int:
        first = self._sequence
        self._sequence = (self._sequence + count) & 0x3FFF_FFFF
        return first

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.send(datagram)
        except OSError as error:
            raise NftError(f"the kernel took no netlink message of {len(datagram)} bytes: {error.strerror}") from error

    def _receive(self) -> list[tuple[int, int, int, bytes]]:
        try:
            length = self._socket.recv_into(self._buffer)  # no call inside a slice: mypyc would make it twice
            return nl.messages(bytes(self._buffer[:length]))
        except BlockingIOError as error:
            raise NftError(f"the kernel did not answer within {ANSWER_SECONDS} s") from error
        except OSError as error:
            raise NftError(f"the kernel's answer was lost: {error.strerror}") from error

    def _verdict(
        self, listed: list[Run], begin: int, echo: Collection[Shape], told: list[tuple[Shape, Element]]
    ) -> list[Refusal]:
        """Read answers until the last run is acknowledged or the batch has failed; what was deleted is ``told``.

        The kernel queues every error of a batch before ``send`` returns, so the rest is read to the end.
        """
        refusals: list[Refusal] = []
        last = begin + len(listed)
        while True:
            for kind, flags, sequence, payload in self._receive():
                if kind == elements.DELETE_ELEMENT:  # without a sequence: whose it is, its set says
                    told += elements.decode_deleted(echo, payload)
                if kind != nl.ERROR or not begin <= sequence <= last + 1:
                    continue
                code = -struct.unpack_from("=i", payload)[0]
                if code:
                    refusals.append(_refusal(code, flags, payload, listed, sequence - begin - 1))
                elif sequence == last and not refusals:
                    return []
            if refusals and not self._pending():
                return refusals

    def _pending(self) -> bool:
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return False

    def _find(self, wanted: Sequence[tuple[Shape, Key]]) -> list[Element | None]:
        first = self._take(len(wanted))
        self._send(b"".join(elements.get(shape, key, first + i) for i, (shape, key) in enumerate(wanted)))
        found: list[Element | None] = [None] * len(wanted)
        waiting = len(wanted)
        while waiting:
            for kind, _, sequence, payload in self._receive():
                index = sequence - first
                if not 0 <= index < len(wanted):
                    continue
                waiting -= 1
                if kind == nl.ERROR:
                    _missing(payload, wanted[index])
                else:
                    found[index] = next(elements.decode_list(wanted[index][0], payload), None)
        return found

    def _dump(
        self, ask: Callable[[int], bytes], read: Callable[[bytes], Iterator[T]], what: str, *, absent: bool = False
    ) -> list[T]:
        for _ in range(DUMP_TRIES):
            found = self._dump_once(ask, read, what, absent=absent)
            if found is not None:
                return found
        raise NftError(f"{what}: transactions came between each of {DUMP_TRIES} readings")

    def _dump_once(
        self, ask: Callable[[int], bytes], read: Callable[[bytes], Iterator[T]], what: str, *, absent: bool
    ) -> list[T] | None:
        """Return what was read, None where the sets changed meanwhile."""
        asked = self._take(1)
        self._send(ask(asked))
        found: list[T] = []
        interrupted = False
        while True:
            for kind, flags, sequence, payload in self._receive():
                if sequence != asked:
                    continue
                interrupted |= bool(flags & nl.DUMP_INTERRUPTED)
                if kind in (nl.DONE, nl.ERROR):
                    code = -struct.unpack_from("=i", payload)[0]
                    if code == errno.EINTR:
                        return None
                    if code and not (absent and code == errno.ENOENT):
                        raise NftError(f"{what}: {os.strerror(code)}")
                    return None if interrupted else found
                found.extend(read(payload))


def _missing(payload: bytes, wanted: tuple[Shape, Key]) -> None:
    code = -struct.unpack_from("=i", payload)[0]
    if code != errno.ENOENT:
        raise TransactionError((Refusal(wanted[0].name, show(wanted[1]), code, ""),))


def _refusal(code: int, flags: int, payload: bytes, listed: list[Run], index: int) -> Refusal:
    """Read one error; the kernel's own words and the place of the element where it tells them."""
    reason, element = "", -1
    run = listed[index] if 0 <= index < len(listed) else None
    if flags & nl.ACK_TLVS:
        # after the code stands the header of the refused message, and all of it where the kernel did not cap it
        length = nl.MESSAGE.unpack_from(payload, 4)[0]
        start = 4 + (nl.MESSAGE.size if flags & nl.CAPPED else length + -length % 4)
        told = nl.mapping(payload[start:])
        reason = told.get(MESSAGE_TEXT, b"").rstrip(b"\0").decode(errors="replace")
        if run and MESSAGE_OFFSET in told:
            element = run.at(struct.unpack("=I", told[MESSAGE_OFFSET])[0])
    if run is None:
        return Refusal("batch", "", code, reason)
    if element < 0 and len(run.operations) == 1:
        element = 0
    return Refusal(run.shape.name, show(run.operations[element].key) if element >= 0 else "", code, reason, element)
