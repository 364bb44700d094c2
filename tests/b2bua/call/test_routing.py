"""Calls by the dial plan: domains, rooms, PINs, times, rewriting, refusals, and what the messages look like."""

from __future__ import annotations

import msgspec
import pytest

from b2bua import sip
from b2bua.call.departure import MAX_HOPS
from b2bua.trace.entry import Message as TracedMessage
from tests.b2bua.call.test_calls import SDN, Line, answer, invitation, offer, sdp
from tests.b2bua.call.town import ALICE, BOB, EDGE, Town, peer
from tests.b2bua.call.world import World
from vdx.dialplan import Dialling, DialRule, HeaderRule, PinStyle, RoomPlace, RuleTime

ROOMS = DialRule("site:1", "*", to="room")
TO_ONE = DialRule("site:9", "*", to="one")


def called(town: Town, user: str, host: str = "", **more: object) -> str:
    """Dial, and give who was called as whom; or how it failed."""
    before = len(town.invited())
    town.dial(user, host, **more)  # type: ignore[arg-type]
    after = town.invited()[before:]
    if not after:
        return str(town.failed().status)
    return f"{after[0]} {sip.parse_uri(town.request(after[0]).uri).user}"


@pytest.mark.parametrize(
    ("user", "host", "expected"),
    [
        ("ward", "health.example", "one 900"),
        ("WARD", "Health.Example", "one 900"),
        ("ward", EDGE["sdn"], "one 900"),
        (f"{EDGE['sdn']}%23%23ward", EDGE["sdn"], "one 900"),
        ("ward%40health.example", EDGE["sdn"], "one 900"),
        ("", EDGE["sdn"], "one 900"),
        ("nobody", "health.example", "404"),
        ("ward", "else.example", "404"),
    ],
)
def test_rooms_are_found_however_they_are_dialled(user: str, host: str, expected: str) -> None:
    dial = Dialling(
        "edge1", ("health.example",), receptions=(("sdn", "ward"),), rooms=(RoomPlace("ward", "one", "900"),)
    )
    assert called(Town(ROOMS, dial=dial), user, host) == expected


def test_a_room_that_is_not_there_leaves_the_next_rule() -> None:
    town = Town(ROOMS, DialRule("site:2", "*", to="two"))
    assert called(town, "ward") == "one 900"
    assert called(town, "other") == "two other"


def test_the_reception_is_that_of_the_zone() -> None:
    assert called(Town(TO_ONE), "") == "484"


@pytest.mark.parametrize(
    ("rules", "user", "expected"),
    [
        ((DialRule("s", "9{n:digits}", rewrite="{n}"), TO_ONE), "912", "one 12"),
        ((DialRule("s", "9{n:digits}", rewrite="{n}"), TO_ONE), "9x", "one 9x"),
        ((DialRule("s", "{x}", rewrite="{x}@else.example"), TO_ONE), "a", "404"),
        ((DialRule("s", "{x}", rewrite="{x}@health.example"), TO_ONE), "a", "one a"),
        ((DialRule("s", "a", rewrite="b"), DialRule("s", "b", rewrite="a"), TO_ONE), "a", "one a"),
        ((DialRule("s", "r-{x}", to="two", user="room{x}"),), "R-7", "two room7"),
        ((DialRule("s", "x*", refuse=410), TO_ONE), "x1", "410"),
        ((DialRule("s", "*", zone="internet", to="two"), TO_ONE), "a", "one a"),
        ((DialRule("s", "*", peer="clinic", to="two"), TO_ONE), "a", "one a"),
        ((DialRule("s", "*", domain="*.example", to="two"), TO_ONE), "a", "one a"),
        ((DialRule("s", "*", to="world"), TO_ONE), "a", "404"),
        ((DialRule("s", "*", domain="*", to="dns", via="world"), TO_ONE), "a", "one a"),
        ((DialRule("s", "{x}", to="two", user="{x}"),), "a-10.0.0.1", "404"),
    ],
)
def test_rules(rules: tuple[DialRule, ...], user: str, expected: str) -> None:
    assert called(Town(*rules), user) == expected


def test_a_rule_for_a_domain() -> None:
    dial = Dialling("edge1", ("health.example", "town.example"))
    town = Town(DialRule("s", "*", domain="town.*", to="two"), TO_ONE, dial=dial)
    assert called(town, "a", "town.example") == "two a"
    assert called(town, "a", "health.example") == "one a"


def test_a_refusal_has_its_words() -> None:
    town = Town(DialRule("s", "*", refuse=403, reason="Closed today"))
    town.dial("a")
    assert (town.failed().status, town.failed().reason) == (403, "Closed today")


def test_the_time_of_day_decides() -> None:
    morning = RuleTime("UTC", hours=((8 * 60, 9 * 60),))  # the world begins at 08:16 (EPOCH in world.py)
    town = Town(DialRule("s", "*", when=morning, to="two"), TO_ONE)
    assert called(town, "a") == "two a"
    town.world.now += 3600
    assert called(town, "a") == "one a"


def test_sips_goes_on_over_tls_or_not_at_all() -> None:
    town = Town(TO_ONE)
    assert called(town, "a", scheme="sips") == "480"
    assert town.invited() == []


def test_sips_stays_sips_on_both_legs() -> None:
    line = Line("tls")
    invite = invitation(line.alice, SDN, "bob", "tls", offer(ALICE))
    invite = invite._replace(uri=f"sips:bob@{SDN}", to=f"<sips:bob@{SDN}>")
    line.alice.core.invite(invite, line.world.now)
    line.world.settle()
    event = line.bob.last(sip.IncomingInvite)
    assert isinstance(event, sip.IncomingInvite)
    assert event.request.uri == f"sips:bob@{BOB}:5060"
    assert event.request.get("Contact") == f"<sips:alice@{EDGE['internet']}:5060>"
    answer(line.bob, line.world, sdp(BOB, 7000))
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert answered.response.get("Contact") == f"<sips:bob@{SDN}:5060>"


def test_a_password_in_from_stays_on_its_side() -> None:
    town = Town(TO_ONE)
    town.dial("a", from_=f"<sip:alice:secret@{ALICE}>")
    assert town.request("one").from_.uri == f"sip:alice@{EDGE['core']}"


PINS = [
    (PinStyle("header", "X-Room-Pin"), "sip:900@10.0.0.11:5060", "9876"),
    (PinStyle("parameter", "pin"), "sip:900@10.0.0.11:5060;pin=9876", ""),
    (PinStyle("separator", "**"), "sip:900**9876@10.0.0.11:5060", ""),
    (None, "sip:900@10.0.0.11:5060", ""),
]


@pytest.mark.parametrize(("style", "uri", "header"), PINS)
def test_a_pin_travels_as_the_peer_wants_it_and_nowhere_else(
    style: PinStyle | None, uri: str, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    town = Town(ROOMS, peers={"one": {"pin": style}})
    caplog.set_level("DEBUG")
    town.dial("ward**9876")
    request = town.request("one")
    assert (request.uri, request.get("X-Room-Pin")) == (uri, header)
    assert "9876" not in request.get("to")
    listed = town.gateway.calls(town.world.now)
    trace = town.gateway.traces.of(town.gateway.calls(town.world.now)[0].call)
    assert trace is not None
    kept = b"".join(entry.data for entry in trace if isinstance(entry, TracedMessage))
    assert b"INVITE sip:900" in kept
    assert b"9876" not in kept
    town.reject("one", 486)
    assert "9876" not in f"{listed} {town.world.records}"
    assert "9876" not in caplog.text
    assert [record.alias for record in town.world.records] == ["ward"]


HEADERS = (
    HeaderRule("add", "X-Site", "north"),
    HeaderRule("remove", "Priority"),
    HeaderRule("rewrite", "Subject", "{what} (external)", "{what}"),
    HeaderRule("add", "Contact", "<sip:evil@192.0.2.1>"),
)


def test_header_rules_and_the_name_we_go_by() -> None:
    one: dict[str, object] = {"headers": HEADERS, "user_agent": "Codec/1"}
    town = Town(TO_ONE, peers={"one": one, "hospital": {"user_agent": "Edge/2"}})
    town.dial("a", headers=[("Priority", "urgent"), ("Subject", "Round")])
    request = town.request("one")
    assert (request.get("X-Site"), request.get("Priority"), request.get("Subject")) == ("north", "", "Round (external)")
    assert (request.get("User-Agent"), len(request.all("Contact"))) == ("Codec/1", 1)
    town.answer("one")
    answered = town.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert (answered.response.get("Server"), answered.response.get("X-Site")) == ("Edge/2", "")


# Loops


@pytest.mark.parametrize(
    ("uri", "call_id", "status", "called"),
    [
        ("sip:ward@health.example", "", 482, []),
        ("sip:WARD@health.example", "", 482, []),
        ("sip:other@health.example", "unknown", 482, []),  # our own Via, and nothing of ours open
        ("sip:other@health.example", "", 0, ["two"]),  # forwarded to somebody else: a spiral
    ],
)
def test_a_call_that_comes_back(uri: str, call_id: str, status: int, called: list[str]) -> None:
    town = Town(DialRule("s", "*", zone="sdn", to="one"), DialRule("s", "*", zone="core", to="two"))
    town.dial("ward", "health.example")
    sent, proxy = town.request("one"), town.agent("one").address
    lines = [f"INVITE {uri} SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.11;branch=z9hG4bKback"]
    lines += [f"{name}: {value}" for name, value in sent.headers if name not in {"Call-ID", "Content-Length"}]
    body = offer("10.0.0.11")
    head = "\r\n".join([*lines, f"Call-ID: {call_id or sent.call_id}", f"Content-Length: {len(body)}", "", ""])
    flow = sip.Flow("udp", (EDGE["core"], 5060), proxy, "core", 1, (EDGE["core"], 5060))
    town.gateway.receive(head.encode() + body, flow, town.world.now)
    town.world.settle()
    finals = [data for _, to, data in town.world.wire if to == proxy and data.startswith(b"SIP/2.0 4")]
    assert [int(data[8:11]) for data in finals] == ([status] if status else [])
    assert town.invited()[1:] == called


@pytest.mark.parametrize(("told", "passed"), [(None, 30), (70, 30), (20, 19), (2, 1)])
def test_every_call_of_ours_has_fewer_hops_left(told: int | None, passed: int) -> None:
    town = Town(TO_ONE)
    if told is None:
        town.world.lose = lambda _from, _to, _data: True
        town.dial("a")
        sent = next(data for _, to, data in town.world.wire if to[0] == EDGE["sdn"])
        flow = sip.Flow("udp", (EDGE["sdn"], 5060), (ALICE, 5060), "sdn", 1, (EDGE["sdn"], 5060))
        town.world.lose = lambda _from, _to, _data: False
        town.gateway.receive(sent.replace(b"Max-Forwards: 70\r\n", b""), flow, town.world.now)
        town.world.settle()
    else:
        town.dial("a", max_forwards=told)
    assert town.request("one").max_forwards == passed


def test_plans_change_and_old_calls_stay() -> None:
    town = Town(TO_ONE)
    town.dial("a")
    signalling = msgspec.structs.replace(town.gateway.plan.signalling, dialplan=())
    town.gateway.plan = type(town.gateway.plan)("v2", signalling)
    town.answer("one")
    assert town.alice.saw(sip.Answered)
    assert called(town, "b") == "404"


def test_alice_and_bob_may_be_far_apart() -> None:
    town = Town(DialRule("s", "*", to="clinic"))
    town.dial("desk")
    request = town.request("bob")
    assert ALICE.encode() not in b"".join(data for _, to, data in town.world.wire if to[0] == BOB)
    assert request.uri == f"sip:desk@{BOB}:5060"


def test_two_gateways_that_send_calls_to_each_other_stop() -> None:
    world = World()
    alice = world.agent("alice", ALICE)
    here, there = "10.0.0.1", "10.0.0.2"
    for name, core, other, zones in (("a", here, there, {"sdn": EDGE["sdn"]}), ("b", there, here, {})):
        peers = (peer("hospital", "sdn", ALICE), peer("other", "core", other))
        world.gateway(name, {**zones, "core": core}, peers, (DialRule("s", "*", to="other"),))
    alice.core.invite(invitation(alice, EDGE["sdn"], "ward", "udp", offer(ALICE)), world.now)
    world.settle()
    failed = alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 500  # the loop is not the caller's matter
    invites = {data for _, _, data in world.wire if data.startswith(b"INVITE")}
    assert len(invites) == 1 + MAX_HOPS + 1
    world.wait(60)
    for gateway, _, ports in world.gateways.values():
        assert (gateway.sizes["calls"], ports.open) == (0, {})
