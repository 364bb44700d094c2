"""SIP over UDP: one non-blocking socket per listener, read in batches."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Protocol

from b2bua.sip import Flow
from b2bua.transport.errors import ListenError
from b2bua.transport.limits import BATCH, MAX_UDP_FLOWS, RECEIVE_BUFFER
from b2bua.transport.listener import Listener
from b2bua.transport.mark import mark
from b2bua.transport.stun import answer as stun_answer
from b2bua.transport.stun import is_stun

_LARGEST = 65_535


class Receiver(Protocol):
    """Who takes what arrives."""

    def __call__(self, data: bytes, flow: Flow) -> None:
        """Take one message."""
        ...


class UdpSocket:
    """A bound socket."""

    def __init__(self, listener: Listener, ident: int, receive: Receiver) -> None:
        """Bind. Raises ListenError."""
        self.listener = listener
        self.id = ident
        self._receive = receive
        self._flows: dict[tuple[str, int], Flow] = {}
        family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            if family == socket.AF_INET6:
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            mark(self.socket)
            self.socket.bind((listener.address, listener.port))
        except OSError as error:
            self.socket.close()
            raise ListenError(listener, error) from error
        self.local: tuple[str, int] = self.socket.getsockname()[:2]
        self._sent_by = listener.advertise or (listener.address, self.local[1])

    def read(self) -> int:
        """Hand over what waits, at most one batch; gives how many datagrams were read."""
        receive, flows, read = self._receive, self._flows, self.socket.recvfrom
        for count in range(BATCH):
            try:
                data, address = read(_LARGEST)
            except OSError:  # nothing more, or the echo of an ICMP error to something we sent
                return count
            if data[:1] < b"\4" and is_stun(data):
                self._keep_alive(data, address)
                continue
            flow = flows.get(address)
            if flow is None:
                flow = self._flow(address)
            receive(data, flow)
        return BATCH

    def _keep_alive(self, data: bytes, address: tuple[str, int]) -> None:
        told = stun_answer(data, address[:2])
        if told is not None:
            with suppress(OSError):  # it is a keepalive: the next one comes
                self.socket.sendto(told, address)

    def _flow(self, address: tuple[str, int]) -> Flow:
        if len(self._flows) >= MAX_UDP_FLOWS:
            self._flows.clear()
        flow = Flow("udp", self.local, address[:2], self.listener.zone, self.id, self._sent_by)
        self._flows[address] = flow
        return flow

    def serves(self, flow: Flow) -> bool:
        """Tell whether a flow came to this address and port."""
        return flow.zone == self.listener.zone and flow.local == self.local

    def send(self, data: bytes, host: str, port: int) -> str:
        """Send; gives "" or why it could not be sent. A full buffer loses the datagram, as UDP may."""
        try:
            self.socket.sendto(data, (host, port))
        except BlockingIOError:
            return ""
        except OSError as error:
            return error.strerror or "it could not be sent"
        return ""

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
