"""A telephone that dials a room, talks and hangs up: prints, as JSON, how many packets it has heard.

Run inside the namespace of its address, with Python alone: `caller.py ADDRESS GATEWAY NUMBER [PACKETS]`.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time

SIP, RTP = 5060, 20000
PACKETS = 150
PACE = 0.02
SECONDS = 40.0
"""For an answer: a room worker that has just been started takes some, on a busy machine more."""


class Telephone:
    """One call, from INVITE to BYE."""

    def __init__(self, address: str, gateway: str, number: str) -> None:
        self.address, self.gateway = address, gateway
        self.uri = f"sip:{number}@{gateway}"
        self.call = f"{time.time_ns()}.telephone"
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.sip.bind((address, SIP))
        self.rtp.bind((address, RTP))

    def request(self, method: str, number: int, *, uri: str = "", to: str = "", body: str = "") -> None:
        """Send a request of the dialog."""
        lines = [
            f"{method} {uri or self.uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{SIP};branch=z9hG4bK{method}{number}.{self.call};rport",
            f"From: <sip:hospital@{self.address}>;tag=telephone",
            f"To: {to or f'<{self.uri}>'}",
            f"Call-ID: {self.call}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:hospital@{self.address}:{SIP}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.sip.sendto("\r\n".join([*lines, "", body]).encode(), (self.gateway, SIP))

    def answer(self) -> str:
        """Wait for the final answer of a request; gives its text."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            if select.select([self.sip], [], [], 1)[0]:
                said = self.sip.recv(65536).decode()
                if re.match(r"SIP/2.0 [2-6]", said):
                    return said
        sys.exit("no answer")

    def talk(self, media: tuple[str, int], packets: int) -> int:
        """Send sound at its pace; gives how many packets came meanwhile."""
        heard = 0
        for number in range(packets):
            head = bytes([0x80, 8]) + (number % 65536).to_bytes(2) + (number * 160).to_bytes(4) + bytes([0, 0, 0, 1])
            self.rtp.sendto(head + bytes([0xD5]) * 160, media)
            ends = time.monotonic() + PACE
            while (left := ends - time.monotonic()) > 0:
                if select.select([self.rtp], [], [], left)[0]:
                    heard += len(self.rtp.recv(65536)) > len(head)
        return heard


def main(address: str, gateway: str, number: str, packets: str = str(PACKETS)) -> int:
    """Dial, talk, hang up; exit status 1 where the call is refused."""
    telephone = Telephone(address, gateway, number)
    lines = ["v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    body = "\r\n".join([*lines, f"m=audio {RTP} RTP/AVP 8", "a=rtpmap:8 PCMA/8000", ""])
    telephone.request("INVITE", 1, body=body)
    said = telephone.answer()
    to = _header(said, "To")
    if not said.startswith("SIP/2.0 200"):
        telephone.request("ACK", 1, to=to)
        sys.exit(f"refused: {said.splitlines()[0]}")
    uri = _header(said, "Contact").split(";")[0].strip("<> ")
    telephone.request("ACK", 1, uri=uri, to=to)
    host, port = re.search(r"c=IN IP4 (\S+)", said), re.search(r"m=audio (\d+)", said)
    if host is None or port is None:
        sys.exit(f"no sound in the answer: {said}")
    heard = telephone.talk((host[1], int(port[1])), int(packets))
    telephone.request("BYE", 2, uri=uri, to=to)
    telephone.answer()
    print(json.dumps({"sent": int(packets), "heard": heard}))  # noqa: T201 - what whoever started it reads
    return 0


def _header(text: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}:[ \t]*(.*?)\r?$", text)
    return found[1] if found else ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
