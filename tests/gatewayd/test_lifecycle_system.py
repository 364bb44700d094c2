"""A pinhole from its lease to its end, with packets."""

from __future__ import annotations

import socket

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
    Released,
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
    released = owner.ask(Release(3, (LEASE,)))
    assert isinstance(released, Released)
    assert (released.usage[0].a, released.usage[0].b) == (renewed.usage[0].a, renewed.usage[0].b)
    assert owner.ask(Release(3, (LEASE,))) == Released(3, ())
    assert arrives(room, (a.address, a.port), phone) is None
    owner.send(Release(0, (LEASE,)))  # nobody waits, so the next answer is that of the list
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


def test_ipv6_and_bfcp_and_rtcp(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room, phone = machine.udp("left", "2001:db8:a::2", 21000), machine.udp("right", "2001:db8:b::2", 22000)
    a = End("sdn", "hospital", 6, Remote("2001:db8:a::2", 20999), Remote("2001:db8:a::2", 21000))
    b = End("internet", "clinic", 6, Remote("2001:db8:b::2", 21999))  # RTCP is one above: 22000
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "rtp", a, b),)))
    assert isinstance(opened, Leased), opened
    ends = opened.streams[0]
    assert ends.b.rtcp_port
    assert arrives(phone, (ends.b.address, ends.b.rtcp_port), room)[1][:2] == (ends.a.address, ends.a.rtcp_port)
    renewed = owner.ask(Renew(2, (LEASE,)))
    assert isinstance(renewed, Renewed)
    assert (renewed.usage[0].b.packets, renewed.usage[0].b.rtcp_packets) == (0, 1)

    floor = f"{CALL}.1"
    a, b = (
        End("sdn", "hospital", 6, Remote("2001:db8:a::2", 21000)),
        End("internet", "clinic", 6, Remote("2001:db8:b::2", 22000)),
    )
    opened = owner.ask(Lease(3, CALL, (Stream(floor, "bfcp", a, b),)))
    assert isinstance(opened, Leased), opened
    ends = opened.streams[0]
    assert (ends.a.rtcp_port, ends.b.rtcp_port) == (None, None)
    assert arrives(room, (ends.a.address, ends.a.port), phone)[1][:2] == (ends.b.address, ends.b.port)


def test_both_ends_in_one_zone(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    one, two = machine.udp("left", "10.0.0.2"), machine.udp("left", "10.9.0.2")
    a = End("sdn", "hospital", 4, Remote("10.0.0.2", one.getsockname()[1]))
    b = End("sdn", "hospital", 4, Remote("10.9.0.2", two.getsockname()[1]))
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "rtp", a, b),)))
    assert isinstance(opened, Leased), opened
    ends = opened.streams[0]
    assert arrives(one, (ends.a.address, ends.a.port), two) == (b"media", ("10.0.0.1", ends.b.port))
    assert arrives(two, (ends.b.address, ends.b.port), one) == (b"media", ("10.0.0.1", ends.a.port))


def test_a_wrong_source_and_a_wrong_port_get_nothing_through(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "198.51.100.2")
    stranger, other_port = machine.udp("right", "198.51.100.3"), machine.udp("right", "198.51.100.2")
    a = hospital(Remote("10.0.0.2", room.getsockname()[1]))
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "rtp", a, citizen()),)))
    assert isinstance(opened, Leased), opened
    b = opened.streams[0].b
    assert arrives(stranger, (b.address, b.port), room) is None
    assert arrives(phone, (b.address, b.port), room)
    assert isinstance(owner.event(), Learned)
    assert arrives(other_port, (b.address, b.port), room) is None  # learned once, and kept
    assert arrives(phone, (b.address, b.port + 2), room) is None


def test_a_ban_holds(machine: Edge) -> None:
    machine.site["zones"]["internet"]["sip"] = [{"transport": "tcp", "address": "198.51.100.1"}]
    machine.start()
    listener = machine.on("edge", lambda: socket.create_server(("198.51.100.1", 5060)))
    machine.opened.append(listener)

    def answered() -> bool:
        with machine.on("right", socket.socket) as made:
            made.settimeout(1)
            try:
                made.connect(("198.51.100.1", 5060))
            except TimeoutError:
                return False
            return True

    assert answered()
    assert machine.ctl("ban", "198.51.100.2", "--seconds", "60").stdout == "done\n"
    assert not answered()
    refused = machine.ctl("ban", "10.0.0.2")
    assert (refused.returncode, refused.stderr) == (1, "10.0.0.2 belongs to peer 'hospital': peers are not banned\n")


def test_a_user_that_owns_nothing_is_refused(machine: Edge) -> None:
    machine.start()
    answer = machine.owner(STRANGER).receive()
    assert isinstance(answer, Refused)
    assert answer.reason == f"user {STRANGER} owns no pinholes on this appliance"
