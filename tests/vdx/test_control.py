from __future__ import annotations

import msgspec
import pytest

from vdx import wire
from vdx.control import (
    Activate,
    AdminClientCodec,
    AdminServerCodec,
    B2buaClientCodec,
    B2buaServerCodec,
    CallInfo,
    CallList,
    Calls,
    Hangup,
    LegInfo,
    Ok,
    Pinholes,
    Prepare,
    Prepared,
    Reload,
    Revert,
    Signalling,
    SipListener,
    SipPeer,
    Status,
    StatusReport,
    StreamInfo,
    Unban,
)
from vdx.dialplan import DialRule
from vdx.pinhole import Ban, Done, Listed, Refused

SIGNALLING = Signalling(
    (SipListener("sdn", "udp", "10.0.0.1", 5060, "10.0.0.1", 5060),),
    (SipPeer("hospital", "sdn", ("10.0.0.0/8",), 4, ("10.0.0.7", 5060, "tcp"), ("X-Room",), ("rtcp-fb",)),),
    (DialRule("site.yaml:3", "*", refuse=404),),
    100,
)
LEG = LegInfo("sdn", "hospital", "10.0.0.7:5060", "room", "up")
CALL = CallInfo("abcdefghijklm", "up", LEG, None, (StreamInfo("abcdefghijklm.0", "audio", "opus", "sendrecv"),), 1.5)
REPORT = StatusReport(1, "b2bua", "1", "serving", {"calls": 1, "load": 0.5, "name": "x"})


@pytest.mark.parametrize(
    "message",
    [Prepare(1, "v1", SIGNALLING), Activate(1, "v1"), Revert(1, "v1"), Calls(1), Hangup(1, "abcdefghijklm"), Status(1)],
)
def test_what_b2bua_is_told(message: msgspec.Struct) -> None:
    assert B2buaServerCodec.decode(B2buaClientCodec.encode(message)) == message


@pytest.mark.parametrize(
    "message", [Prepared(1, ("taken",)), Ok(1), CallList(1, (CALL,)), REPORT, Refused(1, "unknown", "no")]
)
def test_what_b2bua_answers(message: msgspec.Struct) -> None:
    assert B2buaClientCodec.decode(B2buaServerCodec.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Calls(1),
        Hangup(1, "abcdefghijklm"),
        Status(1),
        Pinholes(1),
        Reload(1),
        Ban(1, "192.0.2.1", 60, "by hand"),
        Unban(1, "192.0.2.1"),
    ],
)
def test_what_people_ask(message: msgspec.Struct) -> None:
    assert AdminServerCodec.decode(AdminClientCodec.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [Ok(1), Done(1), CallList(1, (CALL,)), Listed(1, ()), msgspec.structs.replace(REPORT, others=(REPORT,))],
)
def test_what_people_are_told(message: msgspec.Struct) -> None:
    assert AdminClientCodec.decode(AdminServerCodec.encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b'{"op":"prepare","id":1,"version":"","signalling":{}}',
        b'{"op":"hangup","id":1,"call":"x"}',
        b'{"op":"activate","id":1}',
        b'{"op":"pinholes","id":1}',
        b'{"op":"reload","id":1}',
    ],
)
def test_what_b2bua_does_not_take(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        B2buaServerCodec.decode(line)
