from __future__ import annotations

import itertools
from ipaddress import ip_address

import pytest

from gatewayd.errors import RefusalError
from gatewayd.pinholes.allocate import QUARANTINE_SECONDS, SHORTEST_REST_SECONDS
from gatewayd.pinholes.desk import Desk
from gatewayd.pinholes.layout import layout
from gatewayd.pinholes.policy import Policy
from nft import relay
from nft.kernel import Traffic
from nft.number import Number
from tests.gatewayd.pinholes.memory import MemoryKernel, MemoryRelays, remote_text
from tests.gatewayd.site import changed, load
from vdx.ids import ADOPTION_SECONDS, LEASE_SECONDS
from vdx.pinhole import Change, End, Learned, Lease, Local, Remote, SetRemote, Stream
from vdx.site.source import LoadedSite

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"
ROOM, HOME = Remote("10.1.2.3", 20000), Remote("192.168.1.2", 4000)
OUTSIDE = "198.51.100.77"


class Bench:
    """A desk on a kernel in memory."""

    def __init__(self, loaded: LoadedSite | None = None) -> None:
        self.kernel, self.relays = MemoryKernel(), MemoryRelays()
        self.desk = self.make(loaded or load())

    def make(self, loaded: LoadedSite) -> Desk:
        desk = Desk(self.kernel, self.relays, lambda count: 0 if count else -1)
        desk.follow(Policy(loaded.site), layout(loaded.site, {}))
        return desk

    def open(self, *streams: Stream, call: str = CALL, now: float = 0.0) -> tuple[Local, Local]:
        opened = self.desk.open("b2bua", Lease(1, call, streams or (stream(),)), now)
        return opened[0].a, opened[0].b

    def refused(self, *streams: Stream, call: str = CALL) -> tuple[str, str]:
        before = self.everything()
        with pytest.raises(RefusalError) as refusal:
            self.open(*streams, call=call)
        assert self.everything() == before
        return refusal.value.code, str(refusal.value)

    def everything(self) -> tuple[object, ...]:
        free = {key: ports.free for key, ports in self.desk._ports._ports.items()}
        return dict(self.kernel.elements), len(self.desk.leases), dict(self.relays.serving), free

    def remotes(self, lease: str = LEASE) -> list[tuple[str, str]]:
        held = self.desk.leases.get(lease)
        assert held
        return [(remote_text(bridge.a.remote), remote_text(bridge.b.remote)) for bridge in held.bridges]

    def number(self, side: str, bridge: int = 0) -> int:
        held = self.desk.leases.get(LEASE)
        assert held
        return (held.bridges[bridge].a if side == "a" else held.bridges[bridge].b).number


def stream(lease: str = LEASE, kind: str = "rtp", a: End | None = None, b: End | None = None) -> Stream:
    return Stream(
        lease,
        kind,  # type: ignore[arg-type]
        a or End("sdn", "hospital", 4, ROOM),
        b or End("internet", "citizen", 4, HOME, signalled_from=OUTSIDE),
    )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_opened_stream_has_the_ports_that_peers_see(bench: Bench) -> None:
    a, b = bench.open()
    assert a == Local("10.0.0.1", 40000, 40001)
    assert b == Local("203.0.113.1", 50000, 50001)
    assert len(bench.kernel.batches) == 1


def test_bfcp_takes_one_port_of_each_end(bench: Bench) -> None:
    a, b = bench.open(stream(kind="bfcp"))
    assert (a.rtcp_port, b.rtcp_port) == (None, None)
    assert bench.open(stream(f"{CALL}.1", kind="bfcp"))[0].port == a.port + 1


def test_a_released_stream_leaves_nothing_and_its_ports_rest(bench: Bench) -> None:
    a, _ = bench.open(stream(), stream(f"{CALL}.1"), stream(f"{CALL}.2", kind="bfcp"))
    bench.desk.release("b2bua", (LEASE, f"{CALL}.1", f"{CALL}.2", "zzzzzzzzzzzzz.0"), 1.0)
    assert bench.kernel.elements == {}
    assert (len(bench.desk.leases), bench.desk.leases.calls) == (0, 0)
    seen = {bench.open(stream(f"{CALL}.{number}"), now=2.0)[0].port for number in range(4)}
    assert a.port not in seen


def test_a_released_stream_tells_what_it_carried(bench: Bench) -> None:
    bench.open()
    bench.kernel.counted = {Number(bench.number("a")): Traffic(7, 700), Number(bench.number("b")): Traffic(9, 900)}
    (usage,) = bench.desk.release("b2bua", (LEASE, f"{CALL}.1"), 1.0)
    assert (usage.lease, usage.a.packets, usage.b.octets) == (LEASE, 7, 900)
    assert bench.desk.release("b2bua", (LEASE,), 1.0) == []


def test_a_lease_that_is_named_twice_is_released_once(bench: Bench) -> None:
    before = bench.everything()
    bench.open()
    bench.desk.release("b2bua", (LEASE, LEASE), 1.0)
    assert bench.kernel.elements == {}
    later = 1.0 + QUARANTINE_SECONDS
    given = [bench.open(stream(f"{CALL}.{number}"), now=later)[0].port for number in range(4)]
    assert len(set(given)) == len(given)
    bench.desk.release("b2bua", [f"{CALL}.{number}" for number in range(4)] * 2, later)
    for ports in bench.desk._ports._ports.values():
        ports._wake(later + QUARANTINE_SECONDS)
    assert bench.everything() == before  # and no port has come back twice


def test_a_lease_that_is_named_twice_is_renewed_once(bench: Bench) -> None:
    bench.open()
    usage, gone, _ = bench.desk.renew("b2bua", (LEASE, LEASE), 1.0)
    assert ([each.lease for each in usage], gone) == ([LEASE], [])


@pytest.mark.parametrize("which", range(3))
def test_one_bad_stream_opens_none(bench: Bench, which: int) -> None:
    streams = [stream(f"{CALL}.{number}") for number in range(3)]
    streams[which] = stream(f"{CALL}.{which}", a=End("sdn", "nobody", 4))
    assert bench.refused(*streams) == ("policy", "no peer is called 'nobody'")


def test_a_deaf_kernel_opens_nothing(bench: Bench) -> None:
    bench.kernel.deaf = True
    code, reason = bench.refused()
    assert code == "kernel"
    assert "No space left" in reason
    bench.kernel.deaf = False
    bench.open()


def test_limits(bench: Bench) -> None:
    five = [stream(f"{CALL}.{number}") for number in range(5)]
    assert bench.refused(*five) == ("limit", f"call {CALL} would have more than 4 streams")
    bench.open(*five[:3])
    assert bench.refused(*five[3:]) == ("limit", f"call {CALL} would have more than 4 streams")
    for name in ("bbbbbbbbbbbbb", "ccccccccccccc"):
        bench.open(stream(f"{name}.0"), call=name)
    name = "ddddddddddddd"
    assert bench.refused(stream(f"{name}.0"), call=name) == ("limit", "the appliance carries its 3 calls already")
    bench.open(five[3])  # a call that is up may go on growing


def test_a_lease_twice(bench: Bench) -> None:
    assert bench.refused(stream(), stream()) == ("invalid", "a lease stands twice in one request")
    bench.open()
    assert bench.refused() == ("invalid", f"lease {LEASE} is open already")
    assert bench.refused(call="bbbbbbbbbbbbb") == ("invalid", f"lease {LEASE} does not belong to call bbbbbbbbbbbbb")


def test_ports_run_out_and_the_other_end_gets_its_own_back() -> None:
    bench = Bench(changed(("ports: 50000-50099", "ports: 50000-50001"), ("streams_per_call: 4", "streams_per_call: 9")))
    bench.open(stream(f"{CALL}.1"), stream(f"{CALL}.2"))
    code, _ = bench.refused(stream(f"{CALL}.3"))
    assert code == "ports"
    assert bench.open(stream(f"{CALL}.4", b=End("sdn", "hospital", 4)))[0].port != 0


def test_new_sdp_moves_one_end_in_one_transaction(bench: Bench) -> None:
    bench.open()
    bench.desk.change("b2bua", SetRemote(2, (Change(LEASE, "a", Remote("10.9.9.9", 30000)),)), 5.0)
    assert bench.remotes() == [("10.9.9.9:30000", ""), ("10.9.9.9:30001", "")]
    assert len(bench.kernel.batches) == 2
    bench.desk.release("b2bua", (LEASE,), 6.0)
    assert bench.kernel.elements == {}


def test_both_ends_in_one_request(bench: Bench) -> None:
    bench.open()
    changes = (Change(LEASE, "a", Remote("10.9.9.9", 30000)), Change(LEASE, "b", Remote("9.9.9.9", 30000)))
    bench.desk.change("b2bua", SetRemote(2, changes), 5.0)
    assert bench.remotes() == [("10.9.9.9:30000", "9.9.9.9:30000"), ("10.9.9.9:30001", "9.9.9.9:30001")]


@pytest.mark.parametrize(
    ("owner", "lease", "remote", "code"),
    [
        ("mixer", LEASE, ROOM, "unknown"),
        ("b2bua", f"{CALL}.9", ROOM, "unknown"),
        ("b2bua", LEASE, Remote("192.0.2.9", 5000), "policy"),
        ("b2bua", LEASE, Remote("2001:db8:a::5", 5000), "policy"),
    ],
)
def test_a_change_that_is_refused(bench: Bench, owner: str, lease: str, remote: Remote, code: str) -> None:
    bench.open()
    before = dict(bench.kernel.elements)
    with pytest.raises(RefusalError) as refusal:
        bench.desk.change(owner, SetRemote(2, (Change(lease, "a", remote),)), 5.0)
    assert refusal.value.code == code
    assert bench.kernel.elements == before


def test_a_learned_source_becomes_the_remote_and_is_told_once(bench: Bench) -> None:
    bench.open()
    source = (ip_address(OUTSIDE), 61000)
    taught = bench.desk.latched(bench.number("b"), source, 1.0)  # type: ignore[arg-type]
    assert taught == ("b2bua", Learned(LEASE, "b", Remote(OUTSIDE, 61000)))
    assert bench.remotes()[0] == ("10.1.2.3:20000", f"{OUTSIDE}:61000")
    assert bench.desk.latched(bench.number("b"), source, 1.0) is None  # type: ignore[arg-type]
    assert bench.desk.latched(bench.number("b", 1), source, 1.0) is None  # type: ignore[arg-type] # RTCP settles silently
    assert bench.remotes()[1][1] == f"{OUTSIDE}:61000"
    bench.desk.release("b2bua", (LEASE,), 6.0)
    assert bench.kernel.elements == {}


def test_what_a_pinhole_learned_by_goes_a_while_after_it_settled(bench: Bench) -> None:
    bench.open()
    bench.desk.latched(bench.number("b"), (ip_address(OUTSIDE), 61000), 1.0)  # type: ignore[arg-type]
    bench.desk.tidy(1.1)
    assert ("from4", (bench.number("b"), ip_address(OUTSIDE))) in bench.kernel.elements, "a packet may be on its way"
    bench.desk.tidy(2.0)
    assert ("from4", (bench.number("b"), ip_address(OUTSIDE))) not in bench.kernel.elements
    bench.kernel.batches.clear()
    bench.desk.tidy(3.0)
    assert bench.kernel.batches == []


def test_what_a_closed_pinhole_learns_is_forgotten(bench: Bench) -> None:
    assert bench.desk.latched(0x0200C350, (ip_address(OUTSIDE), 1), 1.0) is None  # type: ignore[arg-type]
    assert bench.kernel.batches == [relay.forget(Number(0x0200C350), 4)]


def test_a_source_that_new_sdp_no_longer_allows_is_not_settled(bench: Bench) -> None:
    bench.open()
    bench.desk.change("b2bua", SetRemote(2, (Change(LEASE, "b", HOME, signalled_from="9.9.9.9"),)), 1.0)
    assert bench.desk.latched(bench.number("b"), (ip_address(OUTSIDE), 61000), 1.0) is None  # type: ignore[arg-type]
    assert bench.remotes()[0][1] == ""


def test_new_sdp_makes_an_end_learn_anew(bench: Bench) -> None:
    bench.open()
    bench.desk.latched(bench.number("b"), (ip_address(OUTSIDE), 61000), 1.0)  # type: ignore[arg-type]
    bench.desk.change("b2bua", SetRemote(2, (Change(LEASE, "b", HOME, signalled_from=OUTSIDE),)), 2.0)
    assert bench.remotes()[0][1] == ""
    held = bench.desk.leases.get(LEASE)
    assert held
    assert held.bridges[0].b.sources == (ip_address(OUTSIDE),)


def test_renewal_moves_the_end_and_counts(bench: Bench) -> None:
    bench.open()
    bench.kernel.counted[bench.number("a")] = Traffic(7, 700)  # type: ignore[index]
    bench.kernel.counted[bench.number("b", 1)] = Traffic(2, 100)  # type: ignore[index]
    usage, gone, taught = bench.desk.renew("b2bua", (LEASE, "zzzzzzzzzzzzz.0"), 20.0)
    assert (usage[0].a.packets, usage[0].a.octets, usage[0].b.rtcp_packets) == (7, 700, 2)
    assert gone == ["zzzzzzzzzzzzz.0"]
    assert taught == []
    assert bench.desk.leases.ends_at(LEASE) == 20.0 + LEASE_SECONDS
    assert bench.desk.renew("mixer", (LEASE,), 21.0)[1] == [LEASE]


def test_renewal_finds_a_source_whose_event_got_lost(bench: Bench) -> None:
    bench.open()
    bench.kernel.waiting[bench.number("b")] = (ip_address(OUTSIDE), 61000)  # type: ignore[index]
    _, _, taught = bench.desk.renew("b2bua", (LEASE,), 20.0)
    assert [each.event for each in taught] == [Learned(LEASE, "b", Remote(OUTSIDE, 61000))]


def test_silence_is_measured_from_the_last_change(bench: Bench) -> None:
    bench.open()
    number = bench.number("a")
    assert bench.desk.renew("b2bua", (LEASE,), 20.0)[0][0].a.idle is None
    bench.kernel.counted[number] = Traffic(5, 500)  # type: ignore[index]
    assert bench.desk.renew("b2bua", (LEASE,), 40.0)[0][0].a.idle == 0.0
    assert bench.desk.renew("b2bua", (LEASE,), 60.0)[0][0].a.idle == 20.0


def test_two_families_are_local_ends_served_by_mediad(bench: Bench) -> None:
    a, b = bench.open(stream(b=End("internet", "citizen", 6, signalled_from="2a00::7")))
    assert (a.address, b.address) == ("10.0.0.1", "2001:db8:b::1")
    assert list(bench.relays.serving) == [LEASE]
    assert all(bridge.a.local and bridge.b.local for bridge in bench.relays.serving[LEASE].bridges)
    bench.desk.change("b2bua", SetRemote(2, (Change(LEASE, "a", Remote("10.9.9.9", 30000)),)), 5.0)
    assert remote_text(bench.relays.serving[LEASE].bridges[0].a.remote) == "10.9.9.9:30000"
    bench.desk.release("b2bua", (LEASE,), 6.0)
    assert bench.relays.serving == {}
    assert bench.kernel.elements == {}


def test_two_families_without_mediad_or_kernel(bench: Bench) -> None:
    both = stream(b=End("internet", "citizen", 6))
    bench.relays.away = True
    assert bench.refused(stream(f"{CALL}.1"), both) == ("kernel", "mediad is away")
    bench.relays.away, bench.kernel.deaf = False, True
    assert bench.refused(both)[0] == "kernel"


def test_a_new_desk_adopts_what_the_kernel_holds(bench: Bench) -> None:
    bench.open(stream(), stream(f"{CALL}.1", kind="bfcp"), stream(f"{CALL}.2", b=End("internet", "citizen", 6)))
    before = {held.lease: held for held in bench.desk.leases}
    again = bench.make(load())
    taken = again.adopt(bench.kernel.adopt(), 100.0)
    assert [over for _, over in taken] == [False] * 3
    assert {held.lease: held for held in again.leases} == before
    assert all(again.leases.ends_at(lease) == 100.0 + ADOPTION_SECONDS for lease in before)
    ports = again.open("b2bua", Lease(1, CALL, (stream(f"{CALL}.3"),)), 100.0)[0]
    assert ports.a.port not in {port for held in before.values() for port in held.ports("a")}
    again.release("b2bua", [*before, f"{CALL}.3"], 101.0)
    assert bench.kernel.elements == {}


def test_leases_of_an_address_that_left_the_file_meanwhile_are_adopted_and_can_be_closed(bench: Bench) -> None:
    bench.open()
    again = bench.make(changed(("        - {address: 198.51.100.1, advertise: 203.0.113.1}\n", "")))
    again.adopt(bench.kernel.adopt(), 0.0)
    ((held, reason),) = again.forbidden()
    assert reason == "198.51.100.1 is no media address of zone 'internet' any more"
    again.close([held], 0.0)
    assert bench.kernel.elements == {}


def test_what_an_owner_does_not_name_ends_soon(bench: Bench) -> None:
    bench.open(stream(), stream(f"{CALL}.1"))
    assert bench.desk.hold("b2bua", [LEASE, "zzzzzzzzzzzzz.0"], 10.0) == (LEASE,)
    assert bench.desk.hold("mixer", [LEASE], 10.0) == ()
    assert bench.desk.leases.ends_at(LEASE) == LEASE_SECONDS
    assert bench.desk.leases.ends_at(f"{CALL}.1") == 10.0 + ADOPTION_SECONDS
    assert [held.lease for held in bench.desk.leases.ended(10.0 + ADOPTION_SECONDS)] == [f"{CALL}.1"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("sources: [10.0.0.0/8,", "sources: [10.7.0.0/16,", "media of peer 'hospital' may no longer go to 10.1.2.3"),
        ("hospital: {zone: sdn", "hospital: {zone: mgmt", "peer 'hospital' belongs to zone 'mgmt', not to 'sdn'"),
        ("ports: 50000-50099", "ports: 50010-50099", "the media ports of zone 'internet' have changed"),
        (
            "        - {address: 198.51.100.1, advertise: 203.0.113.1}\n",
            "",
            "198.51.100.1 is no media address of zone 'internet' any more",
        ),
    ],
)
def test_a_new_version_forbids_what_it_forbids(bench: Bench, old: str, new: str, reason: str) -> None:
    bench.open()
    loaded = changed((old, new))
    bench.desk.follow(Policy(loaded.site), layout(loaded.site, bench.desk.indices))
    assert [(held.lease, why) for held, why in bench.desk.forbidden()] == [(LEASE, reason)]


def test_the_same_version_again_forbids_nothing_and_keeps_ports(bench: Bench) -> None:
    a, _ = bench.open()
    loaded = changed(("name: edge-1", "name: edge-2"))
    bench.desk.follow(Policy(loaded.site), layout(loaded.site, bench.desk.indices))
    assert bench.desk.forbidden() == []
    assert bench.open(stream(f"{CALL}.1"))[0].port != a.port


def test_nothing_is_given_before_a_site_is_there() -> None:
    desk = Desk(MemoryKernel(), MemoryRelays(), lambda _: 0)
    with pytest.raises(RefusalError, match="no site version is active yet"):
        desk.open("b2bua", Lease(1, CALL, (stream(),)), 0.0)


def test_thousands_of_leases_use_every_port_once() -> None:
    bench = Bench(changed(("calls: 3", "calls: 20000")))
    seen = set()
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    for one, two in itertools.islice(itertools.product(letters, letters), 100):
        call = "a" * 11 + one + two
        a, b = bench.open(stream(f"{call}.0"), call=call)
        seen |= {(a.address, a.port), (b.address, b.port)}
    assert len(seen) == 200
    assert len(bench.kernel.adopt()) == 200
    for lease in list(bench.desk.leases):
        bench.desk.close([lease], 1.0)
    assert bench.kernel.elements == {}
    call = "b" * 13
    with pytest.raises(RefusalError):
        bench.open(stream(f"{call}.0"), call=call, now=1.0 + SHORTEST_REST_SECONDS - 1)
    bench.open(stream(f"{call}.0"), call=call, now=1.0 + SHORTEST_REST_SECONDS)
