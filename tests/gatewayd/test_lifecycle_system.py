"""A pinhole from its lease to its end, with packets."""

from __future__ import annotations

import pytest

from tests.gatewayd.edge import STRANGER, Edge, arrives
from vdx.pinhole import (
    Change,
    Done,
    End,
    Learned,
    Lease,
    Leased,
    List,
    Listed,
    Refused,
    Release,
    Remote,
    Renew,
    Renewed,
    SetRemote,
    Stream,
)

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"


def hospital(remote: Remote | None = None) -> End:
    return End("sdn", "hospital", 4, remote)


def citizen(remote: Remote | None = None, signalled: str | None = "198.51.100.2") -> End:
    return End("internet", "citizen", 4, remote, signalled_from=signalled)


def test_media_flows_both_ways_until_the_lease_is_released(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room = machine.udp("left", "10.0.0.2")
    phone = machine.udp("right", "198.51.100.2")
    opened = owner.ask(
        Lease(1, CALL, (Stream(LEASE, "rtp", hospital(Remote("10.0.0.2", room.getsockname()[1])), citizen()),))
    )
    assert isinstance(opened, Leased), opened
    a, b = opened.streams[0].a, opened.streams[0].b
    assert (a.address, b.address) == ("10.0.0.1", "198.51.100.1")
    assert a.port % 2 == 0
    assert a.rtcp_port == a.port + 1
    assert arrives(room, (a.address, a.port), phone) is None  # nobody has answered: nothing is sent
    assert arrives(phone, (b.address, b.port), room) == (b"media", (a.address, a.port))
    learned = owner.event()
    assert learned == Learned(LEASE, "b", Remote("198.51.100.2", phone.getsockname()[1]))
    assert arrives(room, (a.address, a.port), phone) == (b"media", (b.address, b.port))
    renewed = owner.ask(Renew(2, (LEASE, f"{CALL}.9")))
    assert isinstance(renewed, Renewed)
    # the packet that had nowhere to go arrived too
    assert (renewed.usage[0].a.packets, renewed.usage[0].b.packets) == (2, 1)
    assert renewed.gone == (f"{CALL}.9",)
    assert owner.ask(Release(3, (LEASE,))) == Done(3)
    assert arrives(room, (a.address, a.port), phone) is None
    assert owner.ask(List(4)) == Listed(4, ())


def test_a_change_of_remote_takes_effect_on_the_next_packet(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room, other = machine.udp("left", "10.0.0.2"), machine.udp("left", "10.9.0.2")
    phone = machine.udp("right", "198.51.100.2")
    far = Remote("198.51.100.2", phone.getsockname()[1])
    end = End("internet", "clinic", 4, far)
    opened = owner.ask(
        Lease(1, CALL, (Stream(LEASE, "rtp", hospital(Remote("10.0.0.2", room.getsockname()[1])), end),))
    )
    assert isinstance(opened, Leased), opened
    b = opened.streams[0].b
    assert arrives(phone, (b.address, b.port), room)
    changed = owner.ask(SetRemote(2, (Change(LEASE, "a", Remote("10.9.0.2", other.getsockname()[1])),)))
    assert changed == Done(2)
    assert arrives(phone, (b.address, b.port), other)
    assert arrives(phone, (b.address, b.port), room) is None


def test_a_user_that_owns_nothing_is_refused(machine: Edge) -> None:
    machine.start()
    answer = machine.owner(STRANGER).receive()
    assert isinstance(answer, Refused)
    assert answer.reason == f"user {STRANGER} owns no pinholes on this appliance"
