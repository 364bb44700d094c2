"""Bytes that no SIP element should send, each with a name: a server answers or ignores them and goes on (RFC 3261)."""

from __future__ import annotations

_HEAD = (
    "OPTIONS sip:edge@example.net SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.250:5099;branch=z9hG4bKgarbage\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:noise@example.net>;tag=1\r\n"
    "To: <sip:edge@example.net>\r\n"
    "Call-ID: garbage@example.net\r\n"
    "CSeq: 1 OPTIONS\r\n"
)

DATAGRAMS: dict[str, bytes] = {
    "zeros": bytes(1200),
    "every octet": bytes(range(256)) * 4,
    "keep-alive": b"\r\n\r\n",
    "half a keep-alive": b"\r\n",
    "first line only": b"INVITE sip:edge@example.net SIP/2.0",
    "no header end": _HEAD.encode(),
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.net\r\n\r\n",
    "another version": _HEAD.replace("SIP/2.0", "SIP/7.0", 1).encode() + b"\r\n",
    "no Via": _HEAD.replace("Via: SIP/2.0/UDP 192.0.2.250:5099;branch=z9hG4bKgarbage\r\n", "").encode() + b"\r\n",
    "no Call-ID": _HEAD.replace("Call-ID: garbage@example.net\r\n", "").encode() + b"\r\n",
    "CSeq of another method": _HEAD.replace("1 OPTIONS", "1 INVITE").encode() + b"\r\n",
    "CSeq too large": _HEAD.replace("1 OPTIONS", "99999999999 OPTIONS").encode() + b"\r\n",
    "no colon": f"{_HEAD}what is this\r\n\r\n".encode(),
    "not UTF-8": f"{_HEAD}Subject: ".encode() + b"\xff\xfe\r\n\r\n",
    "a NUL": f"{_HEAD}Subject: a\0b\r\n\r\n".encode(),
    "Content-Length beyond the datagram": f"{_HEAD}Content-Length: 500\r\n\r\nshort".encode(),
    "Content-Length negative": f"{_HEAD}Content-Length: -1\r\n\r\n".encode(),
    "Content-Length huge": f"{_HEAD}Content-Length: {'9' * 40}\r\n\r\n".encode(),
    "two Content-Lengths": f"{_HEAD}Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello".encode(),
    "a thousand Vias": _HEAD.encode() + b"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n" * 1000 + b"\r\n",
    "a header of 60 kB": f"{_HEAD}Subject: {'x' * 60_000}\r\n\r\n".encode(),
    "a response to nothing": _HEAD.replace("OPTIONS sip:edge@example.net SIP/2.0", "SIP/2.0 200 OK").encode() + b"\r\n",
    "an injected line": _HEAD.replace("sip:edge@", "sip:edge%0D%0AVia:%20x@").encode() + b"\r\n",
}

STREAMS: dict[str, bytes] = {
    "no Content-Length": f"{_HEAD}\r\n".encode(),
    "an endless header": b"OPTIONS sip:edge@example.net SIP/2.0\r\nSubject: " + b"x" * 200_000,
    "a body that never comes": f"{_HEAD}Content-Length: 1000\r\n\r\nstart".encode(),
    "a body beyond every limit": f"{_HEAD}Content-Length: 2000000000\r\n\r\n".encode(),
    "TLS where none is": bytes.fromhex("160301020001fc0303") + bytes(100),
    "blank lines": b"\r\n" * 50_000,
}
