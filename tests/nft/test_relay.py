"""Batches of the relay against a model of the kernel's sets."""

from __future__ import annotations

import copy
from dataclasses import replace
from ipaddress import ip_address
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nft import adoption, relay
from nft.elements import Element, Put, Remove
from nft.errors import RelayError
from nft.number import LOCAL
from nft.relay import Address, Batch, Bridge, Discard, End, Forget, Refresh
from nft.schema import MEDIA

SDN = {4: Address(1, 0, ip_address("198.18.1.1"), "sdn0"), 6: Address(1, 1, ip_address("2001:db8:1::1"), "sdn0")}
NET = {4: Address(2, 0, ip_address("198.18.2.1"), "net0"), 6: Address(2, 1, ip_address("2001:db8:2::1"), "net0")}
FAR = {
    4: [ip_address(f"192.0.2.{n}") for n in range(1, 5)],
    6: [ip_address(f"2001:db8:ff::{n}") for n in range(1, 5)],
}


class Sets:
    """What the kernel holds: refuses what it would refuse."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, Any], Put] = {}

    def commit(self, *batches: Batch) -> None:
        for batch in batches:
            before = copy.copy(self.held)
            try:
                for step in batch:
                    self._do(step)
            except AssertionError:
                self.held = before
                raise

    def _do(self, step: relay.Step) -> None:
        if isinstance(step, Forget):
            for name in ("wait", f"lda{step.version}", "ldp", f"lok{step.version}"):
                self.held = {k: v for k, v in self.held.items() if k[0] != name or k[1][0] != step.number}
            return
        place = (step.shape.name, step.key)
        if isinstance(step, Put):
            assert place not in self.held or self.held[place].data == step.data, f"EEXIST {place}"
            self.held.setdefault(place, step)
        elif isinstance(step, Remove):
            assert place in self.held, f"ENOENT {place}"
            del self.held[place]
        elif isinstance(step, Discard):
            self.held.pop(place, None)
        elif isinstance(step, Refresh) and place in self.held:
            self.held[place] = structs.replace(self.held[place], timeout=step.timeout)

    def learn(self, end: End, host: Any, port: int) -> bool:
        """Do what the ruleset does with a first packet."""
        waits = self.held.pop(("wait", (end.number,)), None)
        if waits is None:
            return False
        for name, key, data in (
            (f"lda{end.version}", (end.number,), host),
            ("ldp", (end.number,), port),
            (f"lok{end.version}", (end.number, host, port), None),
        ):
            self._do(Put(MEDIA[name], key, data))
        return True

    def dump(self) -> dict[str, list[Element]]:
        listed: dict[str, list[Element]] = {name: [] for name in MEDIA}
        for (name, key), put in self.held.items():
            listed[name].append(Element(key, put.data, put.timeout, put.timeout, comment=put.comment))
        return listed


@st.composite
def ends(draw: st.DrawFn, addresses: dict[int, Address], version: int, *, local: bool, port: int | None = None) -> End:
    hosts = st.sampled_from(FAR[version])
    remote = draw(st.none() | st.tuples(hosts, st.integers(1024, 65535)))
    sources = draw(st.lists(hosts, max_size=3, unique=True))
    return End(addresses[version], port or draw(st.integers(40000, 40999)), remote, tuple(sorted(sources)), local)


@st.composite
def bridges(draw: st.DrawFn, like: Bridge | None = None) -> Bridge:
    versions = (like.a.version, like.b.version) if like else draw(st.sampled_from([(4, 4), (6, 6), (4, 6)]))
    local = (True, True) if versions == (4, 6) else draw(st.tuples(st.booleans(), st.booleans()))
    a = draw(ends(SDN, versions[0], local=local[0], port=like.a.port if like else None))
    b = draw(ends(NET, versions[1], local=local[1], port=like.b.port if like else None))
    return Bridge("call.1", a, b)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Bridge, list[tuple[str, Any]]]:
    first = draw(bridges())
    steps: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(0, 6))):
        verb = draw(st.sampled_from(["rebind", "rearm", "renew", "learn", "settle"]))
        steps.append((verb, draw(bridges(first)) if verb in ("rebind", "rearm") else draw(st.integers(0, 1))))
    return first, steps


@given(histories())
def test_whatever_happened_nothing_is_left_after_the_end(history: tuple[Bridge, list[tuple[str, Any]]]) -> None:
    now, steps = history
    sets = Sets()
    sets.commit(relay.open([now], 90))
    for verb, value in steps:
        if verb in ("rebind", "rearm"):
            sets.commit(relay.rebind(now, value, 90, rearm=verb == "rearm"))
            now = value
        elif verb == "renew":
            sets.commit(relay.renew([now], 90))
        else:
            end = (now.a, now.b)[value]
            if end.sources and sets.learn(end, end.sources[0], 7000) and verb == "settle":
                source = (end.sources[0], 7000)
                before, (now, batch, idle) = now, relay.settle(now, end.number, source, 90)
                assert all(isinstance(step, Put) for step in batch), "a packet on its way needs what is there"
                sets.commit(batch)
                (halfway,) = adoption.read(sets.dump())
                assert (halfway.bridge, halfway.learned[end.number]) == (before, source)
                sets.commit(idle)
        (adopted,) = adoption.read(sets.dump())
        assert adopted.bridge == now
    sets.commit(relay.close([now]))
    assert sets.held == {}


@given(st.data())
def test_a_rebind_leads_where_opening_would_have_led(data: st.DataObject) -> None:
    old = data.draw(bridges())
    new = data.draw(bridges(old))
    changed, fresh = Sets(), Sets()
    changed.commit(relay.open([old], 90), relay.rebind(old, new, 90))
    fresh.commit(relay.open([new], 90))
    assert changed.held == fresh.held


@given(bridges())
def test_a_rebind_to_the_same_does_nothing(bridge: Bridge) -> None:
    assert relay.rebind(bridge, bridge, 90) == ()


def test_a_first_remote_keeps_what_was_learned_and_a_second_does_not() -> None:
    sets, host = Sets(), FAR[4][0]
    first, second = bridge(remote=(host, 6000), sources=(host,)), bridge(remote=(host, 6002), sources=(host,))
    sets.commit(relay.open([bridge(sources=(host,))], 90))
    assert sets.learn(first.b, host, 7000)
    sets.commit(relay.rebind(bridge(sources=(host,)), first, 90))
    assert sets.held["eda4", (first.b.number,)].data == host
    assert ("lok4", (first.b.number, host, 7000)) in sets.held
    assert not sets.learn(first.b, host, 7002)
    sets.commit(relay.rebind(first, second, 90))
    assert ("lok4", (first.b.number, host, 7000)) not in sets.held
    assert sets.learn(second.b, host, 7002)


@given(bridges(), bridges())
def test_counters_are_never_touched_by_a_change(old: Bridge, other: Bridge) -> None:
    new = replace(
        old,
        a=replace(old.a, remote=other.a.remote if other.a.version == old.a.version else None),
        b=replace(old.b, sources=()),
    )
    touched = {
        step.shape.name for step in (*relay.rebind(old, new, 9), *relay.renew([new], 9)) if not isinstance(step, Forget)
    }
    assert not {"lport", "local4", "local6", "self4", "self6"} & touched


@given(bridges())
def test_a_close_forgets_what_was_learned_and_not_settled(bridge: Bridge) -> None:
    sets = Sets()
    sets.commit(relay.open([bridge], 90))
    for end in (bridge.a, bridge.b):
        if end.sources:
            sets.learn(end, end.sources[0], 7000)
    sets.commit(relay.close([bridge]))
    assert sets.held == {}


def bridge(**b: Any) -> Bridge:
    return Bridge("call.1", End(SDN[4], 40000, (FAR[4][0], 5004)), End(NET[4], 40002, **b))


def test_an_end_that_trusts_its_sdp_admits_exactly_its_remote() -> None:
    put = {p.shape.name: p for p in relay.open([bridge()], 30) if isinstance(p, Put)}["ok4"]
    assert put.key == ("sdn0", SDN[4].address, 40000, FAR[4][0], 5004)
    assert (put.data, put.timeout) == (bridge().b.number, 30)


def test_an_end_that_learns_admits_nobody_yet_and_sends_to_its_remote() -> None:
    opened = relay.open([bridge(remote=(FAR[4][1], 6000), sources=(FAR[4][2], FAR[4][3]))], 30)
    own = [(p.shape.name, p.key[1:], p.data) for p in opened if isinstance(p, Put) and p.key[0] == bridge().b.number]
    assert ("eda4", (), FAR[4][1]) in own
    assert ("edp", (), 6000) in own
    assert [key for name, key, _ in own if name == "from4"] == [(FAR[4][2],), (FAR[4][3],)]
    assert not {"rda4", "rdp"} & {name for name, _, _ in own}
    assert all(p.key[1] != NET[4].address for p in opened if isinstance(p, Put) and p.shape.name == "ok4")


def test_what_arrives_at_a_local_end_goes_to_a_socket() -> None:
    learns = End(NET[6], 40002, None, (FAR[6][0],), local=True)
    local = Bridge("call.1", End(SDN[4], 40000, (FAR[4][0], 5004), local=True), learns)
    targets = {p.shape.name: p.data for p in relay.open([local], 30) if isinstance(p, Put)}
    assert targets["ok4"] == targets["peer"] == LOCAL


def test_many_bridges_open_in_few_messages() -> None:
    many = [Bridge(f"c.{n}", End(SDN[4], 40000 + n), End(NET[4], 40000 + n)) for n in range(50)]
    names = [step.shape.name for step in relay.open(many, 30) if not isinstance(step, Forget)]
    changes = sum(a != b for a, b in pairwise(names))
    assert changes == len(set(names)) - 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: End(SDN[4], 40000, (FAR[6][0], 5004)), "another IP version"),
        (lambda: End(SDN[4], 40000, (FAR[4][0], 0)), "not in 1..65535"),
        (lambda: End(SDN[4], 40000, None, (FAR[6][0],)), "another IP version"),
        (lambda: Bridge("c", End(SDN[4], 40000), End(NET[6], 40000)), "between IPv4 and IPv6"),
        (lambda: Bridge("c", End(SDN[4], 40000), End(SDN[4], 40000)), "both ends are pinhole 0x01009c40"),
        (lambda: Bridge("", End(SDN[4], 40000), End(NET[4], 40000)), "lease id"),
        (lambda: Bridge("a b", End(SDN[4], 40000), End(NET[4], 40000)), "lease id"),
        (lambda: Bridge("x" * 65, End(SDN[4], 40000), End(NET[4], 40000)), "lease id"),
        (lambda: relay.rebind(bridge(), replace(bridge(), lease="call.2")), "keeps its lease"),
        (lambda: relay.settle(bridge(), SDN[4].zone, (FAR[4][0], 1)), "none of its own"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_bridged_is_refused(make: Any, why: str) -> None:
    with pytest.raises(RelayError, match=why):
        make()


@given(bridges())
def test_comments_are_read_back(made: Bridge) -> None:
    assert relay.read_comment(relay.comment(made.lease, made.b.number)) == (made.lease, made.b.number)


@pytest.mark.parametrize("text", ["", "x", " 12", "a nothex"])
def test_a_comment_that_is_not_ours_is_none(text: str) -> None:
    assert relay.read_comment(text) is None


def test_a_pinhole_without_its_other_end_is_not_adopted() -> None:
    sets = Sets()
    sets.commit(relay.open([bridge()], 30))
    del sets.held["self4", bridge().b.place]
    assert adoption.read(sets.dump()) == []


def test_an_adopted_bridge_tells_what_time_it_has_left() -> None:
    sets = Sets()
    sets.commit(relay.open([bridge(sources=(FAR[4][1],))], 30))
    (found,) = adoption.read(sets.dump())
    assert (found.expires, found.learned) == (30, {})
    sets.learn(bridge().b, FAR[4][1], 7000)
    (found,) = adoption.read(sets.dump())
    assert found.learned == {bridge().b.number: (FAR[4][1], 7000)}
    sets.held = {place: put for place, put in sets.held.items() if place[0] not in ("ok4", "lok4", "wait")}
    (found,) = adoption.read(sets.dump())
    assert found.expires == 0.0


def connection(v: int, *, opened: bool) -> Bridge:
    """Give a connection that is opened towards its side b, or by it; side a opens it."""
    a = End(SDN[v], 40000, None, (FAR[v][0],), local=True, tcp=True)
    b = End(NET[v], 50000, (FAR[v][1], 5070) if opened else None, () if opened else (FAR[v][1],), local=True, tcp=True)
    return Bridge("abc.0", a, b)


def admits(sets: Sets) -> set[tuple[int, str]]:
    return {(key[2], str(key[3])) for name, key in sets.held if name.startswith("tcp")}


@pytest.mark.parametrize("v", [4, 6])
@pytest.mark.parametrize("opened", [True, False])
def test_a_connection_admits_exactly_its_two_sides(v: int, opened: bool) -> None:
    sets = Sets()
    bridge = connection(v, opened=opened)
    sets.commit(relay.open([bridge]))
    assert admits(sets) == {(40000, str(FAR[v][0])), (50000, str(FAR[v][1]))}
    assert not {name for name, _ in sets.held if name[:2] in {"ok", "lp", "wa", "fr"}}  # no datagram passes
    before = dict(sets.held)
    sets.commit(relay.renew([bridge]))
    assert sets.held == before
    sets.commit(relay.close([bridge]))
    assert {put.timeout for put in sets.held.values()} == {relay.LINGER_SECONDS}
    assert {name for name, _ in sets.held} == {f"tcp{v}"}


@pytest.mark.parametrize("v", [4, 6])
def test_an_answer_turns_a_connection_round(v: int) -> None:
    sets = Sets()
    before, after = connection(v, opened=False), connection(v, opened=True)
    sets.commit(relay.open([before]), relay.rebind(before, after))
    afresh = Sets()
    afresh.commit(relay.open([after]))
    assert sets.held == afresh.held
    sets.commit(relay.rebind(after, before), relay.close([before]))
