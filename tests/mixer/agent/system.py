"""A room system reduced to its signalling: INVITE with picture, content and floor control, and nothing sent."""

from __future__ import annotations

import re
import secrets
import socket
from types import TracebackType
from typing import Self

from mixer.bfcp import Message, parse, serialise
from mixer.bfcp.message import HEADER, length

PATIENCE = 10.0


class System:
    """One system, and its call."""

    def __init__(self, server: int, *, tcp: bool = False, user: str = "system") -> None:
        self.version = 1 if tcp else 2
        self.conference = self.user = 0
        self._tcp = tcp
        self._server = ("127.0.0.1", server)
        self._sip = self._bound()
        self._media = [self._bound() for _ in range(3)]
        self._floor = socket.socket(socket.AF_INET, socket.SOCK_STREAM) if tcp else self._bound()
        self._floor.settimeout(PATIENCE)
        self._number = 0
        self._call, self._tag, self._to = secrets.token_hex(8), secrets.token_hex(4), ""
        self._uri = ""
        self._user = user
        self._requests: list[str] = []

    @staticmethod
    def _bound() -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
        one.settimeout(PATIENCE)
        return one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._to:
            self.request("BYE")
        for one in (self._sip, self._floor, *self._media):
            one.close()

    def invite(self, uri: str, body: str | None = None, headers: str = "", *, answer: bool = False) -> str:
        """Call; gives the response. With `answer` the ACK answers the offer in it."""
        self._uri = uri
        response = self.request("INVITE", self.offer() if body is None else body, headers)
        assert response.startswith("SIP/2.0 200"), response
        found = re.search(r"^To: .*;tag=(\S+)", response, re.MULTILINE)
        assert found
        self._to = f";tag={found[1]}"
        self.send("ACK", self.offer() if answer else "")
        for name in ("confid", "userid"):
            value = re.search(rf"a={name}:(\d+)", response)
            if value:
                setattr(self, {"confid": "conference", "userid": "user"}[name], int(value[1]))
        return response

    def ended(self) -> None:
        """Take that the call is over; the next request begins another."""
        self._call, self._tag, self._to = secrets.token_hex(8), secrets.token_hex(4), ""

    def offer(self) -> str:
        audio, video, content = (one.getsockname()[1] for one in self._media)
        floor = 9 if self._tcp else self._floor.getsockname()[1]
        rows = [
            *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"),
            *(f"m=audio {audio} RTP/AVP 8", "a=rtpmap:8 PCMA/8000"),
            *(f"m=video {video} RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=fmtp:97 profile-level-id=42e01f"),
            *(f"m=video {content} RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=fmtp:97 profile-level-id=42e01f"),
            "a=content:slides",
            f"m=application {floor} {'TCP' if self._tcp else 'UDP'}/BFCP *",
            "a=floorctrl:c-only",
            *(("a=setup:active", "a=connection:new") if self._tcp else ()),
        ]
        return "\r\n".join(rows) + "\r\n"

    def request(
        self, method: str, body: str = "", headers: str = "", content_type: str = "application/sdp", uri: str = ""
    ) -> str:
        """Send a request and give its final response; requests that come meanwhile are answered 200."""
        self._uri = uri or self._uri
        number = self.send(method, body, headers, content_type)
        while True:
            answer = self.receive()
            if not answer.startswith("SIP/2.0"):
                self._requests.append(answer)
                continue
            if f"CSeq: {number} {method}" in answer and not answer.startswith("SIP/2.0 1"):
                return answer

    def next_request(self, method: str) -> str:
        """Give the next request of the server, that came already or is waited for."""
        while True:
            while self._requests:
                request = self._requests.pop(0)
                if request.startswith(method):
                    return request
            message = self.receive()
            if not message.startswith("SIP/2.0"):
                self._requests.append(message)

    def send(self, method: str, body: str = "", headers: str = "", content_type: str = "application/sdp") -> int:
        if method != "ACK":
            self._number += 1
        port = self._sip.getsockname()[1]
        kind = f"Content-Type: {content_type}\r\n" if body else ""
        head = [
            f"{method} {self._uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{secrets.token_hex(6)}",
            "Max-Forwards: 70",
            f'From: "{self._user.title()}" <sip:{self._user}@127.0.0.1>;tag={self._tag}',
            f"To: <{self._uri}>{self._to}",
            f"Call-ID: {self._call}",
            f"CSeq: {self._number} {method}",
            f"Contact: <sip:{self._user}@127.0.0.1:{port}>",
        ]
        text = "\r\n".join(head) + f"\r\n{headers}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        self._sip.sendto(text.encode(), self._server)
        return self._number

    def receive(self) -> str:
        """Give the next message; a request is answered."""
        text = self._sip.recv(65_536).decode()
        if not text.startswith("SIP/2.0"):
            lines = [line for line in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
            answer = "SIP/2.0 200 OK\r\n" + "\r\n".join(lines) + "\r\nContent-Length: 0\r\n\r\n"
            self._sip.sendto(answer.encode(), self._server)
        return text

    def floor_connect(self, port: int) -> None:
        self._floor.connect(("127.0.0.1", port))

    def say(self, message: Message) -> None:
        self._floor.sendall(serialise(message))

    def hear(self) -> Message:
        if not self._tcp:
            return parse(self._floor.recv(4096))
        head = self._read(HEADER.size)
        return parse(head + self._read(length(head) - HEADER.size))

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._floor.recv(size - len(data))
            assert more
            data += more
        return data
