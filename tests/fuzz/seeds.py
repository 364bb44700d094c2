"""Where fuzzing begins: messages that mean something, from which mutations reach far."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.peers.garbage import DATAGRAMS, STREAMS
from vdx import control, pinhole
from vdx.trace import Trace

ROOT = Path(__file__).parents[2]
VECTORS = Path(os.environ.get("VDX_CONFORMANCE", ROOT.parent / "shared" / "conformance"))
GOLDEN = ROOT / "tests" / "b2bua" / "sdp"

BODY = """v=0
o=- 1 1 IN IP4 198.51.100.10
s=-
c=IN IP4 198.51.100.10
t=0 0
m=audio 7000 RTP/AVP 96
a=rtpmap:96 opus/48000/2
m=video 7002 RTP/AVP 97
a=rtpmap:97 H264/90000
"""


def _message(start: str, *headers: str, body: str = "") -> str:
    lines = [start, *headers]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body.encode()) + body.count(chr(10))}")
    return "\n".join(lines) + "\n\n" + body


def request(method: str, host: str, number: int = 1, *more: str, body: str = "", to: str = "") -> str:
    """Write a request of the caller, in the dialog where `to` has a tag."""
    return _message(
        f"{method} sip:bob@{host} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.18.1.10:5060;branch=z9hG4bK{number}{'a' * (method == 'ACK')}",
        "Max-Forwards: 70",
        "From: <sip:alice@198.18.1.10>;tag=al",
        f"To: {to or '<sip:bob@x>'}",
        "Call-ID: a1@x",
        f"CSeq: {number} {method}",
        "Contact: <sip:alice@198.18.1.10>",
        *more,
        body=body,
    )


def response(status: str, *more: str, tag: str = ";tag=bo", body: str = "") -> str:
    """Write an answer to what the side was sent last."""
    return _message(
        f"SIP/2.0 {status}",
        "Via: {via}",
        "From: {from}",
        "To: {to}" + tag,
        "Call-ID: {call_id}",
        "CSeq: {cseq}",
        "Contact: <sip:bob@198.51.100.10>",
        *more,
        body=body,
    )


def _dialogue(*steps: str) -> bytes:
    return "\n--\n".join(steps).encode()


HOST = "198.18.0.10"
INVITE = request("INVITE", HOST, body=BODY)
GATEWAY = (
    _dialogue(
        f"a{INVITE}",
        f"b{response('180 Ringing')}",
        f"b{response('200 OK', body=BODY)}",
        f"a{request('ACK', HOST, to='{to}')}",
        f"a{request('INFO', HOST, 2, to='{to}')}",
        f"a{request('INVITE', HOST, 3, to='{to}', body=BODY)}",
        f"b{response('488 No', tag='')}",
        f"a{request('BYE', HOST, 4, to='{to}')}",
    ),
    _dialogue(f"a{INVITE}", f"b{response('183 On', 'Require: 100rel', 'RSeq: 1', body=BODY)}", "t3", "h"),
    _dialogue(f"a{INVITE}", f"a{request('CANCEL', HOST)}", f"b{response('200 OK', body=BODY)}", "t4"),
    _dialogue(f"a{request('INVITE', HOST)}", f"b{response('200 OK', body=BODY)}", "t2", "g", "t5"),
    _dialogue(f"a{request('OPTIONS', HOST)}", f"a{request('REGISTER', HOST)}", f"a{request('MESSAGE', HOST)}"),
    _dialogue(
        f"a{INVITE}",
        f"b{response('200 OK', body=BODY)}",
        f"a{request('ACK', HOST, to='{to}')}",
        f"a{request('UPDATE', HOST, 5, 'Session-Expires: 90', 'Supported: timer', to='{to}')}",
        f"a{request('REFER', HOST, 6, 'Refer-To: <sip:carol@x>', to='{to}')}",
        f"a{request('PRACK', HOST, 7, 'RAck: 1 1 INVITE', to='{to}')}",
        f"a{request('REFER', HOST, 8, 'Refer-To: <tel:112;phone-context=+47>', to='{to}')}",
        "t5",
    ),
    _dialogue(f"a{INVITE}", f"b{response('422 No', 'Min-SE: 3600')}", f"b{response('486 No', 'Retry-After: 9 (x);y')}"),
    _dialogue(f"a{request('INVITE', HOST, 1, 'Expires: 20')}", f"b{response('199 Over')}", "t3"),
    _dialogue("a" + INVITE.replace(f"sip:bob@{HOST}", "tel:+47-22;ext=1"), f"a{request('CANCEL', HOST)}"),
)
ENDPOINT = (
    _dialogue(f"m{request('INVITE', '192.0.2.1', body=BODY)}", "r", "a", f"m{request('ACK', '192.0.2.1', to='{to}')}"),
    _dialogue("i", f"m{response('180 Ringing')}", f"m{response('200 OK', body=BODY)}", "u", "t3", "b"),
    _dialogue("i", f"m{response('401 Who', tag=';tag=1')}", "in", f"n{response('200 OK', body=BODY)}", "fn", "t4"),
    _dialogue(
        f"n{request('INVITE', '192.0.2.1')}",
        "e",
        f"n{request('CANCEL', '192.0.2.1')}",
        f"n{request('OPTIONS', '192.0.2.1', 2)}",
        "s",
    ),
    _dialogue(
        "i",
        f"m{response('183 a', 'Require: 100rel', 'RSeq: 5', body=BODY)}",
        f"m{response('200 OK', tag='')}",
        "w",
        f"m{response('200 OK', body=BODY)}",
        f"m{request('UPDATE', '192.0.2.1', 9, 'Session-Expires: 90', to='{{to}}')}",
        "t4",
    ),
    _dialogue("i", f"m{response('183 a', tag=';tag=1')}", f"m{response('183 b', tag=';tag=2')}", "c", "t3"),
)
WIRE = tuple(
    msgspec.json.encode(one)
    for one in (
        control.Status(1),
        control.Calls(1),
        Trace(1, "a" * 13),
        pinhole.Hold(0, ("a" * 13 + ".0",)),
        pinhole.Ban(1, "192.0.2.1", 5, "why"),
        pinhole.Refused(1, "limit", "why"),
        pinhole.Release(1, ("a" * 13 + ".1",)),
    )
)


def _vectors() -> list[bytes]:
    return [path.read_bytes() for path in sorted(VECTORS.glob("rfc*/*.dat"))]


def _descriptions() -> list[bytes]:
    return [path.read_bytes() for path in sorted(GOLDEN.rglob("*.sdp"))]


def of(target: str) -> Iterator[bytes]:
    """Give the inputs that a target begins with."""
    if target in {"sip_message", "traced_message"}:
        yield from (*_vectors(), *DATAGRAMS.values(), INVITE.replace("\n", "\r\n").encode())
    elif target == "sip_stream":
        yield from (b"\x20" + data for data in (*_vectors(), *STREAMS.values()))
    elif target == "sdp_session":
        yield from (*_descriptions(), BODY.encode())
    elif target == "wire_message":
        yield from WIRE
    elif target == "gateway":
        yield from GATEWAY
        yield from (b"a" + data for data in _vectors())
    elif target == "endpoint":
        yield from ENDPOINT
        yield from (b"m" + data for data in _vectors())
    else:
        raise LookupError(f"no seeds for {target}")
