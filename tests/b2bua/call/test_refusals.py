"""What is refused, with which status, and what the other side is spared."""

from __future__ import annotations

import msgspec
import pytest

from b2bua import sip
from b2bua.call.desk import ANSWER_SECONDS
from b2bua.call.plan import Plan
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, Line, answer, bodies, invitation, offer, sdp
from vdx import pinhole
from vdx.dialplan import DialRule


@pytest.mark.parametrize(
    ("user", "status"),
    [
        ("bob@198.18.0.99:5070", 400),
        ("bob%40198%2e18%2e0%2e99", 404),
        ("bob-198.18.0.99", 404),
        ("bob?Route=%3Csip:198.18.0.99%3E", 486),  # after the colon stands a password: it does not go on
        ("bob%2d2001%3adb8%3a%3a1", 404),
        ("bob%0", 486),
        ("bob%23%2a7", 486),
    ],
)
def test_a_dialled_user_names_no_address(user: str, status: int) -> None:
    line = Line()
    body = offer(ALICE)
    rows = [f"INVITE sip:{user}@{SDN} SIP/2.0", f"Via: SIP/2.0/UDP {ALICE};branch=z9hG4bK1", "Max-Forwards: 70"]
    rows += [f"From: <sip:alice%40198%2e18%2e1%2e77@{ALICE}>;tag=1", f"To: <sip:bob@{SDN}>", "Call-ID: 1"]
    rows += ["CSeq: 1 INVITE", f"Contact: <sip:alice@{ALICE}>", "Content-Type: application/sdp"]
    head = "\r\n".join([*rows, f"Content-Length: {len(body)}", "", ""]).encode()
    line.gateway.receive(head + body, sip.Flow("udp", (SDN, 5060), (ALICE, 5060), "sdn", 1, (SDN, 5060)), 1000.0)
    line.world.settle()
    if line.bob.leg:
        line.bob.leg.reject(line.world.now, 486)
        line.world.settle()
    finals = [data for _, to, data in line.world.wire if to[0] == ALICE and not data.startswith(b"SIP/2.0 1")]
    assert [int(data[8:11]) for data in finals] == [status]
    towards_bob = b"".join(data for _, to, data in line.world.wire if to[0] == BOB)
    assert b"198%2e" not in towards_bob
    assert (b"From: <sip:hospital@203.0.113.10>" in towards_bob) == (status == 486)


@pytest.mark.parametrize("user", ["10.0.0.1##12", "10.0.0.1%23%2312"])
def test_an_address_that_the_dial_plan_rewrites_may_be_dialled(user: str) -> None:
    line = Line()
    rules = (DialRule("site:1", "10.0.0.1##*", to="clinic", user="desk"),)
    line.gateway.plan = Plan("v2", msgspec.structs.replace(line.gateway.plan.signalling, dialplan=rules))
    line.dial(offer(ALICE), user=user)
    assert line.bob.leg
    invites = [data for _, to, data in line.world.wire if to[0] == BOB]
    assert invites[0].startswith(b"INVITE sip:desk@198.51.100.10:5060 SIP/2.0")


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        *((same, same) for same in (402, 404, 433, 486, 488, 499, 580, 603, 607, 699)),
        *((ours, 500) for ours in (401, 405, 407, 416, 420, 421, 422, 428, 438, 440, 482, 483, 494, 503, 513)),
        (302, 480),
        (430, 480),
        (415, 488),
    ],
)
def test_failures_are_mapped(status: int, heard: int) -> None:
    line = Line()
    line.dial(offer(ALICE))
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, status)
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == heard
    line.idle()


def test_a_body_of_another_type_is_refused() -> None:
    line = Line()
    line.dial(b"<x/>", content_type="application/xml")
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.response
    assert (failed.status, failed.response.get("Accept")) == (415, "application/sdp")
    line.idle()


def test_of_several_bodies_the_session_goes_on_alone() -> None:
    line = Line()
    place = b"--b\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n"
    line.dial(
        place + b"--b\r\nContent-Type: application/sdp\r\n\r\n" + offer(ALICE) + b"\r\n--b--\r\n",
        content_type='multipart/mixed;boundary="b"',
    )
    invited = line.bob.last(sip.IncomingInvite)
    assert isinstance(invited, sip.IncomingInvite)
    assert invited.request.content_type == "application/sdp"
    assert b"presence" not in invited.request.body
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.alice.saw(sip.Answered)
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    line.idle()


def test_a_change_of_another_type_is_refused_and_the_call_goes_on() -> None:
    line = Line()
    line.up()
    assert line.alice.leg
    line.alice.leg.reinvite(line.world.now, body=b"<x/>", content_type="application/xml")
    line.world.settle()
    failed = line.alice.last(sip.ReInviteFailed)
    assert isinstance(failed, sip.ReInviteFailed)
    assert failed.response
    assert (failed.status, failed.response.get("Accept")) == (415, "application/sdp")
    assert not line.bob.saw(sip.ReInvite)
    assert len(line.gateway.calls(line.world.now)) == 1
    line.alice.leg.bye(line.world.now)
    line.idle()


def test_strangers_and_unknown_aliases_are_refused() -> None:
    line = Line()
    mallory = line.world.agent("mallory", "198.51.100.66")
    mallory.core.invite(invitation(mallory, NET, "alice", "udp", offer("198.51.100.66")), line.world.now)
    line.dial(offer(ALICE), user="nobody")
    line.world.settle()
    statuses = [agent.last(sip.Failed).status for agent in (mallory, line.alice)]  # type: ignore[union-attr]
    assert statuses == [403, 404]
    assert line.gateway.counts["refused: stranger"] == 1
    assert line.ports.told == []
    line.idle()


def test_a_full_gateway_says_when_to_try_again() -> None:
    line = Line(calls=1)
    line.up()
    other = line.alice.core.invite(invitation(line.alice, SDN, "bob", "udp", offer(ALICE)), line.world.now)
    line.world.settle()
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert (failed.leg, failed.status) == (other, 503)
    assert failed.response
    assert failed.response.get("Retry-After") == "10"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"v=0\r\nthis is no line\r\n", 400),
        (b"v=0\r\no=- 1 1 IN IP4 198.18.1.10\r\ns=-\r\nc=IN IP4 198.18.1.10\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n", 488),
        (sdp("room.example", 6000), 488),
    ],
)
def test_unusable_offers(body: bytes, status: int) -> None:
    line = Line()
    line.dial(body)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == status
    assert not bodies(line.world, BOB)
    line.idle()


def test_a_refused_lease_is_a_refused_call() -> None:
    line = Line()
    line.ports.refuse = lambda told: (
        pinhole.Refused(told.id, "policy", "no") if isinstance(told, pinhole.Lease) else None
    )
    line.dial(offer(ALICE))
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 488
    line.idle()


def test_a_refused_remote_ends_the_call_on_both_sides() -> None:
    line = Line()
    line.dial(offer(ALICE))
    line.ports.refuse = lambda told: (
        pinhole.Refused(told.id, "policy", "no") if isinstance(told, pinhole.SetRemote) else None
    )
    answer(line.bob, line.world, sdp("10.0.0.1", 7000))
    assert line.alice.saw(sip.Failed)
    assert line.bob.saw(sip.ByeReceived)
    line.idle()


def test_gatewayd_silent_or_away() -> None:
    line = Line()
    line.world.answers = False
    line.dial(offer(ALICE))
    line.world.wait(ANSWER_SECONDS - 1)
    assert not line.alice.saw(sip.Failed)
    line.world.wait(2)
    failed = line.alice.last(sip.Failed)
    assert isinstance(failed, sip.Failed)
    assert failed.status == 503
    line.gateway.pinholes_lost(line.world.now)
    line.alice.seen.clear()
    line.dial(offer(ALICE))
    assert line.alice.saw(sip.Failed)
    line.world.answers = True
    line.idle()


def test_what_could_end_a_line_does_not_pass() -> None:
    line = Line()
    evil = sip.Flow("udp", (SDN, 5060), (ALICE, 5060), "sdn", 1, (SDN, 5060))
    for number, (user, subject, name) in enumerate(
        (("bob", "x%0d%0aContact: <sip:evil>", "Eve%0d%0a"), ("bob%0d%0aX", "fine", "Eve"))
    ):
        body = offer(ALICE)
        rows = [
            f"INVITE sip:{user}@{SDN} SIP/2.0",
            f"Via: SIP/2.0/UDP {ALICE};branch=z9hG4bK{number}",
            "Max-Forwards: 70",
        ]
        rows += [
            f'From: "{name}" <sip:eve@{ALICE}>;tag={number}',
            f"To: <sip:bob@{SDN}>",
            f"Call-ID: {number}",
            "CSeq: 1 INVITE",
        ]
        rows += [f"Contact: <sip:eve@{ALICE}>", f"Subject: {subject}", "Content-Type: application/sdp"]
        head = "\r\n".join([*rows, f"Content-Length: {len(body)}", "", ""])
        line.gateway.receive(head.encode() + body, evil, line.world.now)
        line.world.settle()
    invites = [data for _, to, data in line.world.wire if to[0] == BOB and data.startswith(b"INVITE")]
    assert len(invites) == 1
    assert b"Subject" not in invites[0]
    assert b"From: <sip:eve@203.0.113.10>" in invites[0]
    statuses = [data[8:11] for _, to, data in line.world.wire if to[0] == ALICE]
    assert b"400" in statuses
    assert line.bob.leg
    line.bob.leg.reject(line.world.now, 486)
    line.idle()
