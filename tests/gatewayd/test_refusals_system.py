"""What gatewayd refuses, and that a refusal leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gatewayd.edge import Owner, edge
from vdx.pinhole import Ban, Change, Done, End, Lease, Leased, List, Listed, Refused, Remote, SetRemote, Stream

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"
INSIDE = Remote("10.0.0.2", 20000)
OUTSIDE = Remote("198.51.100.2", 20000)


@pytest.fixture(scope="module")
def owner() -> Iterator[Owner]:
    with edge() as machine:
        machine.start()
        yield machine.owner()


def stream(a: End | None = None, b: End | None = None, lease: str = LEASE) -> Stream:
    return Stream(lease, "rtp", a or End("sdn", "hospital", 4, INSIDE), b or End("internet", "clinic", 4, OUTSIDE))


@pytest.mark.parametrize(
    ("end", "code", "reason"),
    [
        (End("dmz", "hospital", 4), "policy", "peer 'hospital' belongs to zone 'sdn', not to 'dmz'"),
        (End("internet", "hospital", 4), "policy", "peer 'hospital' belongs to zone 'sdn', not to 'internet'"),
        (End("sdn", "nobody", 4), "policy", "no peer is called 'nobody'"),
        (
            End("sdn", "hospital", 4, Remote("192.0.2.1", 20000)),
            "policy",
            "192.0.2.1 is outside the media prefixes of peer 'hospital'",
        ),
        (End("sdn", "hospital", 4, Remote("10.0.0.1", 20000)), "policy", "10.0.0.1 is an address of this appliance"),
        (
            End("sdn", "hospital", 4, Remote("198.51.100.1", 20000)),
            "policy",
            "198.51.100.1 is an address of this appliance",
        ),
        (End("sdn", "hospital", 4, Remote("10.0.0.2", 53)), "policy", "port 53 is below 1024: no media goes there"),
        (End("sdn", "hospital", 4, Remote("room.example", 20000)), "invalid", "'room.example' is not an address"),
        (
            End("sdn", "hospital", 4, Remote("2001:db8:a::2", 20000)),
            "policy",
            "2001:db8:a::2 is no IPv4 address, as this end of 'hospital' has to have",
        ),
        (
            End("sdn", "hospital", 4, INSIDE, Remote("10.0.0.2", 1)),
            "policy",
            "port 1 is below 1024: no media goes there",
        ),
    ],
)
def test_an_end_that_policy_does_not_allow(owner: Owner, end: End, code: str, reason: str) -> None:
    for one in (stream(a=end), stream(lease=f"{CALL}.1", a=end)):
        assert owner.ask(Lease(1, CALL, (stream(lease=f"{CALL}.2"), one))) == Refused(1, code, reason)  # type: ignore[arg-type]
    assert owner.ask(List(2)) == Listed(2, ())


def test_the_two_families_without_mediad(owner: Owner) -> None:
    answer = owner.ask(Lease(1, CALL, (stream(a=End("sdn", "hospital", 6)),)))
    assert isinstance(answer, Refused)
    assert answer.reason == "mediad, which relays between families and what runs over TCP, is away"


def test_too_many_streams_for_one_call(owner: Owner) -> None:
    answer = owner.ask(Lease(1, CALL, tuple(stream(lease=f"{CALL}.{n}") for n in range(5))))
    assert answer == Refused(1, "limit", f"call {CALL} would have more than 4 streams")


def test_a_lease_of_another_call(owner: Owner) -> None:
    answer = owner.ask(Lease(1, "bbbbbbbbbbbbb", (stream(),)))
    assert answer == Refused(1, "invalid", f"lease {LEASE} does not belong to call bbbbbbbbbbbbb")


def test_a_forbidden_change_leaves_the_stream_as_it_is(owner: Owner) -> None:
    call = "ccccccccccccc"
    assert isinstance(owner.ask(Lease(1, call, (stream(lease=f"{call}.0"),))), Leased)
    changes = (
        Change(f"{call}.0", "a", Remote("10.0.0.3", 30000)),
        Change(f"{call}.0", "b", Remote("192.0.2.9", 30000)),
    )
    answer = owner.ask(SetRemote(2, changes))
    assert answer == Refused(2, "policy", "192.0.2.9 is outside the media prefixes of peer 'clinic'")
    listed = owner.ask(List(3))
    assert isinstance(listed, Listed)
    assert listed.leases[0].remote == ("10.0.0.2:20000", "198.51.100.2:20000")


def test_a_peer_is_never_banned_and_a_stranger_is(owner: Owner) -> None:
    assert owner.ask(Ban(1, "10.9.1.1", 60, "scanner")) == Refused(
        1, "policy", "10.9.1.1 belongs to peer 'hospital': peers are not banned"
    )
    assert owner.ask(Ban(2, "198.51.100.77", 60, "scanner")) == Done(2)
    assert owner.ask(Ban(3, "198.51.100.77", 60, "scanner")) == Done(3)


def test_garbage_ends_the_connection_with_one_sentence(owner: Owner) -> None:
    owner.socket.sendall(b'{"op":"lease","id":-1}\n')
    answer = owner.receive()
    assert isinstance(answer, Refused)
    assert answer.code == "invalid"
    with pytest.raises(EOFError):
        owner.receive()
