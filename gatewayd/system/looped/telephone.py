"""Two telephones in one process: one calls the other through a gateway, both send media, one hangs up.

No part of the gateway: it stands for the far ends, and knows of SIP what such a call takes (RFC 3261, UDP, one try).
"""

from __future__ import annotations

import re
import select
import socket
import time

from gatewayd.system.errors import CallError

SIP, RTP = 5060, 20000
PAYLOAD = 8
"""PCMA (RFC 3551, 6): twenty milliseconds are 160 octets."""

FRAME = 160
HEADER = 12
"""Octets of an RTP header without sources (RFC 3550, 5.1)."""

AGAIN_SECONDS = 2.0
"""Until a request that nobody answers is sent again: above T1, as a machine that has just started is slow."""

MAX_DATAGRAM = 65536


class Telephone:
    """One end: a socket for SIP and one for RTP on an address of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.sip.bind((address, SIP))
        self.rtp.bind((address, RTP))
        self.media: tuple[str, int] | None = None
        self.got = 0

    def close(self) -> None:
        """Close both sockets."""
        self.sip.close()
        self.rtp.close()

    def description(self) -> str:
        """Write what it can hear, and where (RFC 8866)."""
        lines = ["v=0", f"o=- 1 1 IN IP4 {self.address}", "s=-", f"c=IN IP4 {self.address}", "t=0 0"]
        return "\r\n".join([*lines, f"m=audio {RTP} RTP/AVP {PAYLOAD}", "a=rtpmap:8 PCMA/8000", ""])

    def hear(self, text: str) -> None:
        """Take where the other end is from its description; raises `CallError`."""
        host, port = re.search(r"c=IN IP4 (\S+)", text), re.search(r"m=audio (\d+)", text)
        if host is None or port is None or port[1] == "0":
            raise CallError(f"{self.address} was told of no place for media")
        self.media = host[1], int(port[1])

    def send(self, number: int) -> None:
        """Send a packet of media."""
        if self.media:
            head = bytes([0x80, PAYLOAD]) + (number & 0xFFFF).to_bytes(2) + (number * FRAME).to_bytes(4) + bytes(4)
            self.rtp.sendto(head + bytes(FRAME), self.media)


class Call:
    """A call from one telephone to the other, by way of `gateway`, dialled as `user`; `seconds` for all of it."""

    def __init__(self, caller: Telephone, callee: Telephone, gateway: str, user: str, seconds: float) -> None:
        self._caller, self._callee, self._gateway = caller, callee, gateway
        self._uri = f"sip:{user}@{gateway}"
        self._call_id = f"{time.monotonic_ns():x}@{caller.address}"
        self._end = time.monotonic() + seconds
        self._to, self._target = f"<{self._uri}>", self._uri

    def begin(self) -> None:
        """Set it up; raises `CallError`."""
        answer = self._exchange(self._request("INVITE", 1, self._caller.description()), answered=self._caller)
        self._caller.hear(answer)
        self._to = _header(answer, "To")[0]
        self._target = _header(answer, "Contact")[0].split(";")[0].strip("<> ")
        self._caller.sip.sendto(self._request("ACK", 1), (self._gateway, SIP))

    def talk(self, packets: int, pace: float, enough: int) -> int:
        """Send media both ways until both ends have `enough`, at most `packets`; gives how many each sent."""
        ends = (self._caller, self._callee)
        sent = 0
        while sent < packets and min(each.got for each in ends) < enough:
            for each in ends:
                each.send(sent)
            sent += 1
            self._listen(ends, time.monotonic() + pace)
        self._listen(ends, time.monotonic() + 0.5, until=sent)
        return sent

    def finish(self) -> None:
        """Hang up, and see that the other end hears of it; raises `CallError`."""
        self._exchange(self._request("BYE", 2), answered=None)

    def _listen(self, ends: tuple[Telephone, ...], end: float, until: int | None = None) -> None:
        while (left := end - time.monotonic()) > 0 and (until is None or min(each.got for each in ends) < until):
            for ready in select.select([each.rtp for each in ends], [], [], left)[0]:
                next(each for each in ends if each.rtp is ready).got += len(ready.recv(2048)) == HEADER + FRAME

    def _exchange(self, request: bytes, answered: Telephone | None) -> str:
        """Send a request until the caller has its answer, or, without `answered`, until the callee hears a BYE."""
        again = 0.0
        while (now := time.monotonic()) < self._end:
            if now >= again:
                self._caller.sip.sendto(request, (self._gateway, SIP))
                again = now + AGAIN_SECONDS
            wait = min(again, self._end) - now
            for ready in select.select([self._caller.sip, self._callee.sip], [], [], max(0.0, wait))[0]:
                octets, source = ready.recvfrom(MAX_DATAGRAM)
                text = octets.decode(errors="replace")
                if ready is self._callee.sip:
                    self._reply(text, source)
                    if answered is None and text.startswith("BYE"):
                        return text
                elif text.startswith("SIP/2.0 2") and answered is not None:
                    return text
                elif re.match(r"SIP/2.0 [3-6]", text):
                    raise CallError(f"the call was refused: {text.splitlines()[0]}")
                elif text.startswith("SIP/2.0 1"):
                    again = self._end
        what = "the call was not answered" if answered else "the other end never heard the end of the call"
        raise CallError(what)

    def _reply(self, text: str, source: tuple[str, int]) -> None:
        """Answer as the callee does: yes to everything."""
        method = text.split(" ", 1)[0]
        if method not in ("INVITE", "OPTIONS", "BYE"):
            return
        body = ""
        if method == "INVITE":
            self._callee.hear(text)
            body = self._callee.description()
        to = _header(text, "To")[0]
        lines = [
            "SIP/2.0 200 OK",
            *(f"{name}: {each}" for name in ("Via", "Record-Route") for each in _header(text, name)),
        ]
        lines += [f"From: {_header(text, 'From')[0]}", f"To: {to if ';tag=' in to else to + ';tag=callee'}"]
        lines += [f"{name}: {_header(text, name)[0]}" for name in ("Call-ID", "CSeq")]
        self._callee.sip.sendto(_message([*lines, f"Contact: <sip:{self._callee.address}:{SIP}>"], body), source)

    def _request(self, method: str, number: int, body: str = "") -> bytes:
        own = self._caller.address
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {own}:{SIP};branch=z9hG4bK{method}{number}{self._call_id.split('@')[0]};rport",
            f"From: <sip:caller@{own}>;tag=caller",
            f"To: {self._to}",
            f"Call-ID: {self._call_id}",
            "Max-Forwards: 70",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{own}:{SIP}>",
        ]
        return _message(lines, body)


def _message(lines: list[str], body: str) -> bytes:
    typed = ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, *typed, f"Content-Length: {len(body)}", "", body]).encode()


def _header(text: str, name: str) -> list[str]:
    found = re.findall(rf"(?im)^{name}:[ \t]*(.*?)\r?$", text)
    if not found and name not in ("Via", "Record-Route"):
        raise CallError(f"a message without {name} came")
    return found
