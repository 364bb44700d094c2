from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from vdx import ids, wire
from vdx.pinhole import (
    MAX_LEASES,
    MAX_STREAMS,
    Ban,
    Change,
    End,
    GatewayCodec,
    Held,
    Hold,
    Learned,
    Lease,
    Leased,
    List,
    Listed,
    Local,
    Opened,
    OpenLease,
    OwnerCodec,
    Refused,
    Release,
    Released,
    Remote,
    Renew,
    Renewed,
    Request,
    Revoked,
    SetRemote,
    Stream,
    Traffic,
    Usage,
)

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"
END = End("sdn", "hospital", 4, Remote("10.0.0.1", 20000), Remote("10.0.0.1", 20001), "10.0.0.9")
STREAM = Stream(LEASE, "rtp", END, End("internet", "citizen", 6))


@pytest.mark.parametrize(
    "message",
    [
        Lease(1, CALL, (STREAM,)),
        SetRemote(2, (Change(LEASE, "a", Remote("10.0.0.1", 1)), Change(LEASE, "b"))),
        Hold(3, (LEASE,)),
        Ban(4, "192.0.2.1", 60, "scanner"),
    ],
)
def test_requests_are_read_back(message: msgspec.Struct) -> None:
    assert GatewayCodec.decode(OwnerCodec.encode(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Leased(1, (Opened(LEASE, Local("192.0.2.1", 40000, 40001), Local("2001:db8::1", 40000)),)),
        Renewed(2, (Usage(LEASE, Traffic(1, 2, 3, 0.5), Traffic()),), (LEASE,)),
        Refused(3, "policy", "no"),
        Learned(LEASE, "b", Remote("192.0.2.1", 1)),
        Revoked((LEASE,), "policy changed"),
        Revoked((LEASE,), "policy changed", (Usage(LEASE, Traffic(1, 2, 3, 0.5), Traffic()),)),
        Released(4, (Usage(LEASE, Traffic(1, 2, 3, 0.5), Traffic()),)),
    ],
)
def test_answers_and_events_are_read_back(message: msgspec.Struct) -> None:
    assert OwnerCodec.decode(GatewayCodec.encode(message)) == message


def lease(**changes: object) -> bytes:
    """Write a lease request with some of its fields replaced, wherever they are."""
    request = msgspec.to_builtins(Lease(1, CALL, (STREAM,)))
    stream = request["streams"][0]
    for name, value in changes.items():
        for part in (request, stream, stream["a"], stream["a"]["remote"]):
            if name in part:
                part[name] = value
                break
        else:
            raise KeyError(name)
    return msgspec.json.encode(request)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": -1},
        {"id": 1.5},
        {"call": "short"},
        {"call": "ABCDEFGHIJKLM"},
        {"call": CALL + "\n"},
        {"streams": []},
        {"streams": "x"},
        {"lease": CALL},
        {"lease": f"{CALL}.1234"},
        {"lease": f"{CALL}.-1"},
        {"lease": f"{CALL}.0\n"},
        {"kind": "sctp"},
        {"zone": ""},
        {"zone": "x" * 65},
        {"peer": None},
        {"family": 5},
        {"family": "4"},
        {"port": 0},
        {"port": 65536},
        {"port": True},
        {"address": "1" * 46},
        {"rtcp": {"address": "10.0.0.1"}},
        {"signalled_from": 5},
    ],
)
def test_a_field_out_of_bounds(changes: dict[str, object]) -> None:
    assert GatewayCodec.decode(lease())
    with pytest.raises(wire.WireError):
        GatewayCodec.decode(lease(**changes))


def test_more_than_may_stand_in_one_message() -> None:
    many = tuple(msgspec.structs.replace(STREAM, lease=f"{CALL}.{number}") for number in range(MAX_STREAMS + 1))
    assert GatewayCodec.decode(OwnerCodec.encode(Lease(1, CALL, many[:MAX_STREAMS])))
    with pytest.raises(wire.WireError):
        GatewayCodec.decode(OwnerCodec.encode(Lease(1, CALL, many)))
    with pytest.raises(wire.WireError):
        GatewayCodec.decode(OwnerCodec.encode(Hold(1, (LEASE,) * (MAX_LEASES + 1))))


@pytest.mark.parametrize("seconds", [0, -1, 7 * 86400 + 1])
def test_a_ban_has_bounds(seconds: int) -> None:
    with pytest.raises(wire.WireError):
        GatewayCodec.decode(OwnerCodec.encode(Ban(1, "192.0.2.1", seconds, "scanner")))


def test_a_request_is_no_answer() -> None:
    with pytest.raises(wire.WireError):
        OwnerCodec.decode(OwnerCodec.encode(Hold(1, ())))


BUSY = Traffic(4_000_000_000, 4_000_000_000_000, 90_000_000, 86_400.1)  # packets of 1,000 octets, for months
USED = Usage(f"{CALL}.999", BUSY, BUSY)
FAR = "[2001:db8:1111:2222:3333:4444:5555:6666]:40000"
LISTED = OpenLease(
    USED.lease,
    "b2bua",
    "rtp",
    "kernel",
    ("internet",) * 2,
    ("hospital-of-town",) * 2,
    (FAR,) * 2,
    (FAR,) * 2,
    USED,
    89.9,
)


@pytest.mark.parametrize(
    "message",
    [
        Hold(10**9, (USED.lease,) * MAX_LEASES),
        Renew(10**9, (USED.lease,) * MAX_LEASES),
        Release(10**9, (USED.lease,) * MAX_LEASES),
        Held(10**9, (USED.lease,) * MAX_LEASES),
        Renewed(10**9, (USED,) * MAX_LEASES),
        Renewed(10**9, (), (USED.lease,) * MAX_LEASES),
        Released(10**9, (USED,) * MAX_LEASES),
        Revoked((USED.lease,) * MAX_LEASES, "nobody renewed it", (USED,) * MAX_LEASES),
        Listed(10**9, (LISTED,) * MAX_LEASES),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_lease_of_one_owner_fits_into_one_line(message: msgspec.Struct) -> None:
    assert len(OwnerCodec.encode(message)) < wire.MAX_LINE
    assert wire.MAX_LINE < wire.MAX_BACKLOG


def test_a_reader_gets_the_longest_list(tmp_path: Path) -> None:
    answer = Listed(1, (LISTED,) * MAX_LEASES)

    async def serve(connection: wire.Connection[Request]) -> None:
        assert await connection.receive() == List(1)
        connection.send(answer)

    async def job() -> int:
        server = await wire.serve(tmp_path / "socket", GatewayCodec, serve, mode=0o600)
        connection = await wire.connect(tmp_path / "socket", OwnerCodec)
        connection.send(List(1))
        got = await connection.receive()
        connection.close()
        server.close()
        assert isinstance(got, Listed)
        return len(got.leases)

    assert asyncio.run(job()) == MAX_LEASES


def test_a_lease_is_named_after_its_call() -> None:
    assert ids.lease_id(ids.CallId(CALL), 3) == f"{CALL}.3"
    assert ids.call_of(ids.lease_id(ids.CallId(CALL), 3)) == CALL


def test_an_owner_has_several_chances_to_renew() -> None:
    assert ids.LEASE_SECONDS >= 4 * ids.RENEW_SECONDS
    assert ids.ADOPTION_SECONDS < ids.LEASE_SECONDS
