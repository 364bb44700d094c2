"""Calls through gateways in memory: two user agents, one gateway or two, every way to begin and to end."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest

from b2bua import sip
from b2bua.call.plan import Plan
from tests.b2bua.call.world import Agent, Ports, World
from vdx import pinhole
from vdx.control import SipPeer
from vdx.dialplan import DialRule

ALICE, SDN = "198.18.1.10", "198.18.0.10"
BOB, NET = "198.51.100.10", "203.0.113.10"


def peer(name: str, zone: str, host: str, transport: str = "udp") -> SipPeer:
    return SipPeer(name, zone, (f"{host}/32",), 4, (host, 5060, transport))  # type: ignore[arg-type]


class Line:
    """Alice in SDN, Bob on the internet, a gateway between them."""

    def __init__(self, transport: str = "udp", calls: int = 100) -> None:
        self.world = World(transport)
        self.alice = self.world.agent("alice", ALICE)
        self.bob = self.world.agent("bob", BOB)
        peers = (peer("hospital", "sdn", ALICE, transport), peer("clinic", "internet", BOB, transport))
        rules = (DialRule("site:1", "bob*", to="clinic"), DialRule("site:2", "alice", to="hospital"))
        zones = {"sdn": SDN, "internet": NET}
        self.gateway, self.ports = self.world.gateway("gw", zones, peers, rules, calls)

    def dial(self, body: bytes | None = None, user: str = "bob", **more: object) -> sip.Leg:
        leg = self.alice.core.invite(
            invitation(self.alice, SDN, user, self.world.transport, body, **more), self.world.now
        )
        self.alice.leg = leg
        self.world.settle()
        return leg

    def up(self) -> None:
        self.dial(offer(ALICE))
        answer(self.bob, self.world, sdp(BOB, 7000))
        assert self.alice.saw(sip.Answered)

    def idle(self) -> None:
        """Nothing is left of any call."""
        self.world.wait(200)
        assert {name: size for name, size in self.gateway.sizes.items() if size} == {}
        assert self.ports.open == {}
        assert set(self.alice.core.sizes.values()) == set(self.bob.core.sizes.values()) == {0}


def sdp(host: str, port: int, *more: str, family: int = 4) -> bytes:
    rows = ["v=0", f"o=- 1 1 IN IP{family} {host}", "s=-", f"c=IN IP{family} {host}", "t=0 0"]
    rows += [f"m=audio {port} RTP/AVP 96", "a=rtpmap:96 opus/48000/2"]
    rows += [f"m=video {port + 2} RTP/AVP 97", "a=rtpmap:97 H264/90000", *more]
    return ("\r\n".join(rows) + "\r\n").encode()


def offer(host: str, *more: str) -> bytes:
    return sdp(host, 6000, *more)


def invitation(
    agent: Agent, host: str, user: str, transport: str, body: bytes | None, **more: object
) -> sip.Invitation:
    return sip.Invitation(
        destination=sip.Target("-", transport, host, 5060),
        uri=f"sip:{user}@{host}",
        from_=f'"Room 12" <sip:{agent.name}@{agent.address[0]}>',
        to=f"<sip:{user}@{host}>",
        sent_by=agent.address,
        body=body or b"",
        **more,  # type: ignore[arg-type]
    )


def answer(agent: Agent, world: World, body: bytes) -> None:
    assert agent.leg
    agent.leg.answer(world.now, body=body)
    world.settle()


def bodies(world: World, host: str) -> list[bytes]:
    """Descriptions that were sent to a host."""
    return [data.partition(b"\r\n\r\n")[2] for _, to, data in world.wire if to[0] == host and b"\r\n\r\nv=0" in data]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_and_its_end(transport: str) -> None:
    line = Line(transport)
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    assert line.alice.saw(sip.Provisional)
    answer(line.bob, line.world, sdp(BOB, 7000))
    (info,) = line.gateway.calls(line.world.now)
    assert (info.state, info.caller.peer, info.callee and info.callee.peer) == ("up", "hospital", "clinic")
    assert [(stream.medium, stream.codec) for stream in info.streams] == [("audio", "opus"), ("video", "H264")]
    assert len(line.ports.open) == 2
    line.bob.leg.bye(line.world.now)
    line.world.settle()
    assert line.alice.saw(sip.ByeReceived)
    assert [(record.ended_by, record.why, record.status) for record in line.world.records] == [("callee", "bye", 200)]
    line.idle()


def test_no_address_of_one_side_reaches_the_other() -> None:
    line = Line()
    line.dial(
        offer(ALICE, "a=candidate:1 1 UDP 1 198.18.1.77 6002 typ host"), headers=[("Call-Info", f"<http://{ALICE}/p>")]
    )
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    towards_bob = b"".join(data for _, to, data in line.world.wire if to[0] == BOB)
    towards_alice = b"".join(data for _, to, data in line.world.wire if to[0] == ALICE)
    assert not re.search(rb"198\.18\.", towards_bob)
    assert not re.search(rb"198\.51\.|203\.0\.", towards_alice)
    assert b'"Room 12" <sip:alice@203.0.113.10>' in towards_bob


def test_the_offer_carries_pinholes_that_are_open() -> None:
    line = Line()
    line.dial(offer(ALICE))
    (seen,) = bodies(line.world, BOB)
    assert b"c=IN IP4 203.0.113.10" in seen
    lease = next(told for told in line.ports.told if isinstance(told, pinhole.Lease))
    assert [stream.a.remote for stream in lease.streams] == [pinhole.Remote(ALICE, 6000), pinhole.Remote(ALICE, 6002)]
    assert [stream.b.remote for stream in lease.streams] == [None, None]
    assert {stream.b.signalled_from for stream in lease.streams} == {BOB}
    answer(line.bob, line.world, sdp(BOB, 7000))
    changes = [told.changes for told in line.ports.told if isinstance(told, pinhole.SetRemote)]
    assert [(change.side, change.remote) for change in changes[0]] == [
        ("b", pinhole.Remote(BOB, 7000)),
        ("b", pinhole.Remote(BOB, 7002)),
    ]


def test_two_gateways_call_each_other() -> None:
    world = World()
    alice, bob = world.agent("alice", ALICE), world.agent("bob", "198.19.1.10")
    west = {"sdn": SDN, "internet": NET}
    east = {"sdn": "198.19.0.10", "internet": "203.0.113.20"}
    one, ports_one = world.gateway(
        "west",
        west,
        (peer("hospital", "sdn", ALICE), peer("east", "internet", "203.0.113.20")),
        (DialRule("s:1", "*", to="east"),),
    )
    two, ports_two = world.gateway(
        "east",
        east,
        (peer("ward", "sdn", "198.19.1.10"), peer("west", "internet", NET)),
        (DialRule("s:1", "*", to="ward"),),
    )
    leg = alice.core.invite(invitation(alice, SDN, "bob", "udp", offer(ALICE)), world.now)
    world.settle()
    answer(bob, world, sdp("198.19.1.10", 7000))
    assert alice.saw(sip.Answered)
    assert bob.saw(sip.Confirmed)
    assert len(ports_one.open) == len(ports_two.open) == 2
    leg.bye(world.now)
    world.settle()
    assert bob.saw(sip.ByeReceived)
    world.wait(200)
    assert not any({**one.sizes, **two.sizes}.values())
    assert ports_one.open == ports_two.open == {}


def test_early_media_is_passed_and_its_remote_set() -> None:
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now, 183, body=sdp(BOB, 7000))
    line.world.settle()
    progress = line.alice.last(sip.Provisional)
    assert isinstance(progress, sip.Provisional)
    assert progress.response.session
    assert any(isinstance(told, pinhole.SetRemote) for told in line.ports.told)
    told = len(line.ports.told)
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert len(line.ports.told) == told  # the same answer changes nothing
    assert line.alice.saw(sip.Answered)


def test_an_answer_without_body_after_early_media() -> None:
    line = Line()
    line.dial(offer(ALICE))
    (invite,) = [data for _, to, data in line.world.wire if to[0] == BOB and data.startswith(b"INVITE")]
    lines = dict(line.split(b": ", 1) for line in invite.partition(b"\r\n\r\n")[0].splitlines()[1:])
    head = {name: lines[name] for name in (b"Via", b"From", b"To", b"Call-ID")}
    for status, body in ((b"183 Session Progress", sdp(BOB, 7000)), (b"200 OK", b"")):
        rows = [
            b"SIP/2.0 " + status,
            b"Via: " + head[b"Via"],
            b"From: " + head[b"From"],
            b"To: " + head[b"To"] + b";tag=early",
        ]
        rows += [b"Call-ID: " + head[b"Call-ID"], b"CSeq: 1 INVITE", b"Contact: <sip:bob@198.51.100.10>"]
        rows += [b"Content-Type: application/sdp", b"Content-Length: %d" % len(body), b"", body]
        flow = sip.Flow("udp", (NET, 5060), (BOB, 5060), "internet", 1, (NET, 5060))
        line.gateway.receive(b"\r\n".join(rows), flow, line.world.now)
        line.world.settle()
    assert line.alice.saw(sip.Answered)


def test_a_late_offer_is_answered_in_the_ack() -> None:
    line = Line()
    line.dial(None)
    assert line.bob.leg
    line.bob.leg.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    answered = line.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    assert answered.ack_owed
    assert b"198.18.0.10" in answered.response.session
    assert line.alice.leg
    line.alice.leg.ack(line.world.now, body=sdp(ALICE, 6000))
    line.world.settle()
    confirmed = line.bob.last(sip.Confirmed)
    assert isinstance(confirmed, sip.Confirmed)
    assert b"203.0.113.10" in confirmed.request.session
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_cancel_reaches_the_callee() -> None:
    line = Line()
    leg = line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    leg.cancel(line.world.now)
    line.world.settle()
    assert line.bob.saw(sip.Cancelled)
    assert [(record.status, record.ended_by) for record in line.world.records] == [(487, "caller")]
    line.idle()


def test_cancel_crossing_the_answer_ends_in_bye() -> None:
    line = Line()
    leg = line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.settle()
    line.world.lose = lambda _from, to, data: to[0] == BOB and data.startswith(b"CANCEL")
    leg.cancel(line.world.now)
    line.world.settle()
    line.bob.leg.answer(line.world.now, body=sdp(BOB, 7000))
    line.world.settle()
    assert line.bob.saw(sip.ByeReceived)
    line.idle()


def test_hold_and_resume() -> None:
    line = Line()
    line.up()
    before = dict(line.ports.open)
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=sdp("0.0.0.0", 6000))
    line.world.settle()
    reinvite = line.bob.last(sip.ReInvite)
    assert isinstance(reinvite, sip.ReInvite)
    assert b"a=sendonly" in reinvite.request.session or b"a=inactive" in reinvite.request.session
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.saw(sip.ReInviteAnswered)
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6000))
    line.world.settle()
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.ports.open == before
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_the_callee_adds_and_ends_a_stream() -> None:
    line = Line()
    line.up()
    assert line.bob.leg
    assert line.alice.leg
    slides = ("m=video 7004 RTP/AVP 98", "a=rtpmap:98 H264/90000", "a=content:slides")
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000, *slides))
    line.world.settle()
    answer(line.alice, line.world, sdp(ALICE, 6000, "m=video 6004 RTP/AVP 98"))
    assert len(line.ports.open) == 3
    ended = ("m=video 0 RTP/AVP 98",)
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000, *ended))
    line.world.settle()
    answer(line.alice, line.world, sdp(ALICE, 6000, *ended))
    assert len(line.ports.open) == 2
    line.bob.leg.bye(line.world.now)
    line.idle()


def test_a_refused_change_leaves_the_session() -> None:
    line = Line()
    line.up()
    assert line.bob.leg
    assert line.alice.leg
    slides = ("m=video 7004 RTP/AVP 98", "a=rtpmap:98 H264/90000")
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000, *slides))
    line.world.settle()
    line.alice.leg.reject(line.world.now, 488)
    line.world.settle()
    failed = line.bob.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.status == 488
    assert len(line.ports.open) == 2
    assert len(line.gateway.calls(line.world.now)) == 1
    line.bob.leg.bye(line.world.now)
    line.idle()


def test_both_sides_change_the_session_at_once() -> None:
    line = Line()
    line.up()
    assert line.bob.leg
    assert line.alice.leg
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7100))
    line.alice.leg.reinvite(line.world.now, body=sdp(ALICE, 6100))
    line.world.wait(10)
    assert len(line.gateway.calls(line.world.now)) == 1
    line.bob.leg.bye(line.world.now)
    line.idle()


def test_revoked_and_vanished_leases_end_their_call() -> None:
    for happen in (revoke, vanish, forget):
        line = Line()
        line.up()
        happen(line.world, line.gateway.on_pinhole, line.ports)
        line.world.settle()
        assert line.alice.saw(sip.ByeReceived)
        assert line.bob.saw(sip.ByeReceived)
        assert line.world.records[0].ended_by == "gateway"
        line.idle()


def revoke(world: World, tell: Callable[[pinhole.Event, float], None], ports: Ports) -> None:
    tell(pinhole.Revoked((next(iter(ports.open)),), "the agreement ended"), world.now)


def vanish(world: World, _tell: object, ports: Ports) -> None:
    ports.open.clear()
    world.wait(25)


def forget(world: World, tell: Callable[[pinhole.Reply, float], None], ports: Ports) -> None:
    """Let gatewayd come back without what was held."""
    gateway = next(iter(world.gateways.values()))[0]
    assert set(gateway.pinholes_connected(world.now)) == set(ports.open)
    tell(pinhole.Held(0, ()), world.now)


def test_nobody_answers_for_three_minutes() -> None:
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.ring(line.world.now)
    line.world.wait(181)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 408
    assert line.bob.saw(sip.Cancelled)
    line.idle()


def test_a_lost_callee_and_lost_answers() -> None:
    line = Line()
    line.world.lose = lambda _from, to, _data: to[0] == BOB
    line.dial(offer(ALICE))
    line.world.wait(40)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 408
    line.idle()


def test_bye_crossing_the_answer() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    assert line.bob.leg
    line.alice.leg.bye(line.world.now)
    line.bob.leg.bye(line.world.now)
    line.world.settle()
    line.idle()
    assert len(line.world.records) == 1
    byes = [data for _, _, data in line.world.wire if b" BYE\r\n" in data and data.startswith(b"SIP/2.0")]
    assert [data[:11] for data in byes] == [b"SIP/2.0 200"] * 3  # the caller's, ours to the callee, the callee's


def test_the_picture_request_passes_and_other_infos_do_not() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    for content_type in ("application/media_control+xml", "text/plain"):
        line.alice.leg.request(line.world.now, "INFO", body=b"<x/>", content_type=content_type)
        line.world.settle()
    received = [event for event in line.bob.seen if isinstance(event, sip.RequestReceived)]
    assert [event.request.content_type for event in received] == ["application/media_control+xml"]
    received[0].handle.respond(line.world.now)
    line.world.settle()
    statuses = [event.status for event in line.alice.seen if isinstance(event, sip.RequestAnswered)]
    assert sorted(statuses) == [200, 415]


def test_options_is_answered_to_peers_only() -> None:
    line = Line()
    for agent, host in ((line.alice, SDN), (line.world.agent("eve", "198.51.100.99"), NET)):
        agent.core.request("OPTIONS", invitation(agent, host, "ping", "udp", None), line.world.now)
    line.world.settle()
    answers = [agent.last(sip.RequestAnswered).status for agent in line.world.agents.values() if agent.seen]  # type: ignore[union-attr]
    assert answers == [200, 403]


def test_renewal_names_every_lease() -> None:
    line = Line()
    line.up()
    line.world.wait(45)
    renewals = [told for told in line.ports.told if isinstance(told, pinhole.Renew)]
    assert len(renewals) == 2
    assert set(renewals[-1].leases) == set(line.ports.open)


def test_behind_a_nat_of_its_own_the_gateway_shows_what_it_advertises() -> None:
    line = Line()
    outside = "203.0.113.99"
    signalling = line.gateway.plan.signalling
    listeners = tuple(
        msgspec.structs.replace(one, advertise=outside, advertise_port=5070) if one.zone == "internet" else one
        for one in signalling.listeners
    )
    line.gateway.plan = Plan("v2", msgspec.structs.replace(signalling, listeners=listeners))
    line.ports.local["internet"] = outside  # gatewayd answers with what media advertises
    line.dial(offer(ALICE))
    towards_bob = b"".join(data for _, to, data in line.world.wire if to[0] == BOB)
    assert NET.encode() not in towards_bob
    assert f"Via: SIP/2.0/UDP {outside}:5070".encode() in towards_bob
    assert f"@{outside}:5070>".encode() in towards_bob or f"<sip:{outside}:5070>".encode() in towards_bob
