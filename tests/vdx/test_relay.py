from __future__ import annotations

import msgspec
import pytest

from vdx import wire
from vdx.pinhole import Remote
from vdx.relay import (
    Count,
    ListRelays,
    MediadClientCodec,
    MediadCodec,
    Pipe,
    Relay,
    Relaying,
    RelayOk,
    RelayRefused,
    Relays,
    Retarget,
    Stop,
)

LEASE = "abcdefghijklm.0"
PIPES = (Pipe("rtp", Remote("192.0.2.1", 1), None), Pipe("rtcp", None, Remote("2001:db8::1", 2)))


@pytest.mark.parametrize(
    "message", [Relay(1, LEASE, PIPES), Retarget(2, LEASE, PIPES), Stop(3, (LEASE,)), ListRelays(4)]
)
def test_what_mediad_is_told(message: msgspec.Struct) -> None:
    assert MediadCodec.decode(MediadClientCodec.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [RelayOk(1), RelayRefused(2, "no"), Relays(3, (Relaying(LEASE, (Count("rtp", 1, 2, 3, 4),)),))],
)
def test_what_mediad_answers(message: msgspec.Struct) -> None:
    assert MediadClientCodec.decode(MediadCodec.encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b'{"op":"relay","id":1,"lease":"x","pipes":[]}',
        b'{"op":"relay","id":1,"lease":"abcdefghijklm.0","pipes":[{"name":"rtp","a":null}]}',
        b'{"op":"relay","id":1,"lease":"abcdefghijklm.0","pipes":[{"name":"","a":null,"b":null}]}',
        b'{"op":"stop","id":1}',
        b"",
    ],
)
def test_what_mediad_does_not_take(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        MediadCodec.decode(line)
