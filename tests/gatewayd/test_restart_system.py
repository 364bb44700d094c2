"""Restarts of either side cut nothing; what nobody owns any more closes."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time

import pytest

from nft.kernel import Kernel
from tests.gatewayd.edge import OTHER_OWNER, READY_SECONDS, Edge, Owner, arrives, eventually
from vdx.pinhole import (
    End,
    Held,
    Hold,
    Lease,
    Leased,
    List,
    Listed,
    Refused,
    Release,
    Remote,
    Renew,
    Renewed,
    Revoked,
    Stream,
)

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"
PACKETS = 400
INTERVAL = 0.005  # 200 packets/s: restarting takes about a second, the packets two
SO_RCVBUFFORCE = 33  # asm-generic/socket.h


def knock(machine: Edge) -> Owner:
    """Connect as an owner, as soon as anybody listens."""
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            return machine.owner()
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.005)


def open_stream(
    machine: Edge, owner: Owner, lease: str = LEASE
) -> tuple[socket.socket, socket.socket, tuple[str, int]]:
    """Open a stream between two sockets of known remotes; gives both and the port of the phone's side."""
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "198.51.100.2")
    a = End("sdn", "hospital", 4, Remote("10.0.0.2", room.getsockname()[1]))
    b = End("internet", "clinic", 4, Remote("198.51.100.2", phone.getsockname()[1]))
    opened = owner.ask(Lease(1, lease.partition(".")[0], (Stream(lease, "rtp", a, b),)))
    assert isinstance(opened, Leased), opened
    return room, phone, (opened.streams[0].b.address, opened.streams[0].b.port)


def test_a_killed_gatewayd_cuts_no_packet_and_adopts_what_the_kernel_holds(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room, phone, port = open_stream(machine, owner)

    def send() -> None:
        for number in range(PACKETS):
            phone.sendto(str(number).encode(), port)
            time.sleep(INTERVAL)

    room.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    sender = threading.Thread(target=send)
    sender.start()
    machine.stop(signal.SIGKILL)
    machine.start()
    back = machine.owner()
    assert back.ask(Hold(1, (LEASE, f"{CALL}.7"))) == Held(1, (LEASE,))
    sender.join()
    room.settimeout(1)
    assert [int(room.recv(100)) for _ in range(PACKETS)] == list(range(PACKETS))
    listed = back.ask(List(2))
    assert isinstance(listed, Listed)
    lease = listed.leases[0]
    assert (lease.owner, lease.kind, lease.zones, lease.peers) == (
        "b2bua", "rtp", ("sdn", "internet"), ("hospital", "clinic")
    )  # fmt: skip
    assert lease.usage.b.packets == PACKETS
    # its ports are taken: a second lease gets others, and the adopted one can be closed
    open_stream(machine, back, f"{CALL}.1")
    back.ask(Release(3, (LEASE,)))
    assert arrives(phone, port, room) is None


def test_an_owner_that_is_back_before_gatewayd_is_ready_keeps_its_calls(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    open_stream(machine, owner)
    machine.stop(signal.SIGKILL)
    answers: list[object] = []

    def come_back() -> None:
        back = knock(machine)
        answers.extend([back.ask(Hold(1, (LEASE,))), back.ask(List(2))])

    early = threading.Thread(target=come_back)
    early.start()
    machine.start()
    early.join()
    held, listed = answers
    assert held == Held(1, (LEASE,))
    assert isinstance(listed, Listed)
    assert [lease.lease for lease in listed.leases] == [LEASE]


def test_what_nobody_claims_after_a_restart_closes(machine: Edge) -> None:
    machine.start()
    room, phone, port = open_stream(machine, machine.owner())
    assert arrives(phone, port, room)
    machine.stop(signal.SIGKILL)
    machine.start("--lease-seconds", "6")  # counted from when it is ready: the kernel's own time is not over by then
    late = machine.owner()
    told = late.event()
    assert isinstance(told, Revoked)
    assert (told.leases, told.reason) == ((LEASE,), "nobody renewed it")
    assert [usage.lease for usage in told.usage] == [LEASE]
    assert told.usage[0].b.packets > 0, "what it carried before the restart too"
    assert arrives(phone, port, room) is None
    assert late.ask(Hold(1, (LEASE,))) == Held(1, ())


def test_pinholes_close_by_themselves_when_gatewayd_is_gone_for_good(machine: Edge) -> None:
    machine.start("--lease-seconds", "2")
    room, phone, port = open_stream(machine, machine.owner())
    machine.stop(signal.SIGKILL)
    assert arrives(phone, port, room)
    assert eventually(lambda: arrives(phone, port, room) is None)


def test_renewal_keeps_a_pinhole_open_and_its_counters(machine: Edge) -> None:
    machine.start("--lease-seconds", "2")
    owner = machine.owner()
    room, phone, port = open_stream(machine, owner)
    for count in range(1, 8):
        assert arrives(phone, port, room)
        renewed = owner.ask(Renew(count, (LEASE,)))
        assert isinstance(renewed, Renewed)
        assert renewed.usage[0].b.packets == count
        time.sleep(0.5)


def test_an_ordered_end_leaves_pinholes_rules_and_addresses(machine: Edge) -> None:
    machine.start()
    room, phone, port = open_stream(machine, machine.owner())
    assert machine.stop() == 0, machine.log()
    assert arrives(phone, port, room)


def test_an_owner_that_comes_back_with_less_loses_the_rest(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    open_stream(machine, owner)
    open_stream(machine, owner, f"{CALL}.1")
    owner.close()
    back = machine.owner()
    assert back.ask(Hold(1, (LEASE,))) == Held(1, (LEASE,))
    listed = back.ask(List(2))
    assert isinstance(listed, Listed)
    ends = {lease.lease: lease.expires for lease in listed.leases}
    assert ends[LEASE] > 80
    assert 20 < ends[f"{CALL}.1"] <= 30


def test_an_owner_cannot_touch_the_leases_of_another(machine: Edge) -> None:
    machine.start()
    room, phone, port = open_stream(machine, machine.owner())
    other = machine.owner(OTHER_OWNER)
    assert other.ask(Hold(1, (LEASE,))) == Held(1, ())
    other.ask(Release(2, (LEASE,)))
    assert arrives(phone, port, room)
    answer = other.ask(Renew(3, (LEASE,)))
    assert isinstance(answer, Renewed)
    assert answer.gone == (LEASE,)
    again = other.ask(Lease(4, CALL, (Stream(LEASE, "rtp", End("sdn", "hospital", 4), End("internet", "clinic", 4)),)))
    assert isinstance(again, Refused)


def test_nothing_is_left_in_the_kernel_after_a_call(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    open_stream(machine, owner)
    owner.ask(Release(2, (LEASE,)))

    def elements() -> dict[str, int]:
        kernel = Kernel()
        found = {name: len(listed) for name, listed in kernel.elements().items() if listed}
        kernel.close()
        return found

    left = machine.on("edge", elements)
    assert {name[:-1] for name in left} == {"media"}


def test_a_media_address_comes_and_goes_with_its_calls(machine: Edge) -> None:
    machine.start()
    owner = machine.owner()
    room, phone, port = open_stream(machine, owner)
    machine.site["zones"]["sdn"]["addresses"].insert(0, "10.0.0.9/24")
    machine.site["zones"]["sdn"]["media"]["addresses"].insert(0, "10.0.0.9")
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert arrives(phone, port, room)
    places = {LEASE: "10.0.0.1"}
    for number in range(1, 4):
        lease = f"{CALL}.{number}"
        streams = open_stream(machine, owner, lease)
        source = arrives(streams[1], streams[2], streams[0])[1]
        places[lease] = source[0]
    assert set(places.values()) == {"10.0.0.1", "10.0.0.9"}
    # a restart with the addresses in another order, and then without the first one
    machine.stop(signal.SIGKILL)
    machine.site["zones"]["sdn"]["media"]["addresses"].reverse()
    machine.start()
    owner = machine.owner()
    assert owner.ask(Hold(1, tuple(places))) == Held(1, tuple(places))
    assert arrives(phone, port, room)
    machine.site["zones"]["sdn"]["media"]["addresses"].remove("10.0.0.1")
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    gone = {lease for lease, place in places.items() if place == "10.0.0.1"}
    told: set[str] = set()
    while told < gone:
        event = owner.event()
        assert isinstance(event, Revoked)
        assert event.reason == "10.0.0.1 is no media address of zone 'sdn' any more"
        told |= set(event.leases)
    assert told == gone
    assert arrives(phone, port, room) is None


def test_sets_that_an_older_release_left_are_made_anew(machine: Edge) -> None:
    left = "add table inet media; add map inet media peer { type mark : inet_service; }"
    machine.on("edge", lambda: subprocess.run(["nft", left], check=True))
    machine.start()
    room, phone, port = open_stream(machine, machine.owner())
    assert arrives(phone, port, room)
