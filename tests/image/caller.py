"""A call through an appliance from both its sides at once: prints, as JSON, the packets that each end got.

Run inside the namespace that holds both addresses: `caller.py CALLER CALLEE GATEWAY`.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time

PACKETS = 200
PACE = 0.01
SECONDS = 60.0
"""For everything; an emulated machine answers within two."""

SIP, RTP = 5060, 20000


class End:
    """One end: a SIP socket and an RTP socket on one address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.sip.bind((address, SIP))
        self.rtp.bind((address, RTP))
        self.media: tuple[str, int] | None = None
        self.got = 0

    def description(self) -> str:
        lines = ["v=0", f"o=- 1 1 IN IP4 {self.address}", "s=-", f"c=IN IP4 {self.address}", "t=0 0"]
        return "\r\n".join([*lines, f"m=audio {RTP} RTP/AVP 8", "a=rtpmap:8 PCMA/8000", ""])

    def hear(self, text: str) -> None:
        host, port = re.search(r"c=IN IP4 (\S+)", text), re.search(r"m=audio (\d+)", text)
        assert host, text
        assert port, text
        self.media = host[1], int(port[1])


def _header(text: str, name: str) -> list[str]:
    return re.findall(rf"(?im)^{name}:[ \t]*(.*?)\r?$", text)


def _answer(text: str, status: str, body: str, contact: str) -> bytes:
    lines = [f"SIP/2.0 {status}", *(f"Via: {each}" for each in _header(text, "Via"))]
    lines += [f"Record-Route: {each}" for each in _header(text, "Record-Route")]
    to = _header(text, "To")[0]
    lines += [f"From: {_header(text, 'From')[0]}", f"To: {to if ';tag=' in to else to + ';tag=callee'}"]
    lines += [
        f"Call-ID: {_header(text, 'Call-ID')[0]}",
        f"CSeq: {_header(text, 'CSeq')[0]}",
        f"Contact: <sip:{contact}>",
    ]
    lines += ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def _request(method: str, target: str, caller: End, to: str, number: int, body: str = "") -> bytes:
    lines = [
        f"{method} {target} SIP/2.0",
        f"Via: SIP/2.0/UDP {caller.address}:{SIP};branch=z9hG4bK{method}{number};rport",
    ]
    lines += [
        f"From: <sip:hospital@{caller.address}>;tag=caller",
        f"To: {to}",
        "Call-ID: image-test",
        "Max-Forwards: 70",
    ]
    lines += [f"CSeq: {number} {method}", f"Contact: <sip:{caller.address}:{SIP}>"]
    lines += ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def call(caller: End, callee: End, gateway: str) -> None:  # noqa: C901 - a call from top to bottom
    """Set the call up, send media both ways, end it."""
    ask = f"sip:clinic@{gateway}"
    caller.sip.sendto(_request("INVITE", ask, caller, f"<{ask}>", 1, caller.description()), (gateway, SIP))
    end = time.monotonic() + SECONDS
    established = ""
    while time.monotonic() < end and not established:
        for ready in select.select([caller.sip, callee.sip], [], [], 1)[0]:
            text, source = ready.recvfrom(65536)
            said = text.decode()
            if ready is callee.sip and said.startswith("INVITE"):
                callee.hear(said)
                callee.sip.sendto(_answer(said, "200 OK", callee.description(), f"{callee.address}:{SIP}"), source)
            elif ready is callee.sip and said.startswith("OPTIONS"):
                callee.sip.sendto(_answer(said, "200 OK", "", f"{callee.address}:{SIP}"), source)
            elif ready is caller.sip and said.startswith("SIP/2.0 2"):
                caller.hear(said)
                established = said
            elif ready is caller.sip and re.match(r"SIP/2.0 [3-6]", said):
                sys.exit(f"refused: {said}")
    if not established:
        sys.exit("no answer")
    to, target = _header(established, "To")[0], _header(established, "Contact")[0].split(";")[0].strip("<> ")
    caller.sip.sendto(_request("ACK", target, caller, to, 1), (gateway, SIP))
    _media(caller, callee)
    caller.sip.sendto(_request("BYE", target, caller, to, 2), (gateway, SIP))
    while time.monotonic() < end:
        for ready in select.select([caller.sip, callee.sip], [], [], 1)[0]:
            text, source = ready.recvfrom(65536)
            said = text.decode()
            if ready is callee.sip and said.startswith("BYE"):
                callee.sip.sendto(_answer(said, "200 OK", "", f"{callee.address}:{SIP}"), source)
                return
    sys.exit("the other end never heard the end of the call")


def _media(*ends: End) -> None:
    for number in range(PACKETS + 50):
        for each in ends:
            if number < PACKETS and each.media:
                head = bytes([0x80, 8]) + number.to_bytes(2) + (number * 160).to_bytes(4) + bytes([0, 0, 0, 1])
                each.rtp.sendto(head + bytes(160), each.media)
        until = time.monotonic() + PACE
        while (left := until - time.monotonic()) > 0:
            for ready in select.select([each.rtp for each in ends], [], [], left)[0]:
                next(each for each in ends if each.rtp is ready).got += len(ready.recv(2048)) == 172


if __name__ == "__main__":
    one, two = End(sys.argv[1]), End(sys.argv[2])
    call(one, two, sys.argv[3])
    print(json.dumps({"sent": PACKETS, "caller": one.got, "callee": two.got}))  # noqa: T201 - read by the test
