"""Transfers through a gateway: REFER blind and attended, INVITE with Replaces, and all that may go wrong."""

from __future__ import annotations

import pytest
from msgspec import structs

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.call.transfer import MAX_CALLING, MAX_JOINING
from b2bua.sip.refer import parse_refer_to
from tests.b2bua.call.test_calls import ALICE, BOB, NET, SDN, Line, answer, invitation, offer, peer, sdp
from tests.b2bua.call.world import Agent
from vdx.control import SipPeer
from vdx.dialplan import DialRule

CAROL = "198.51.100.30"
SLIDES = ("m=video 6004 RTP/AVP 98", "a=rtpmap:98 H264/90000")


class Party(Line):
    """Alice calls Bob; Carol is there too. Everybody may transfer calls."""

    def __init__(self, transport: str = "udp", *, allowed: bool = True) -> None:
        super().__init__(transport)
        self.carol = self.world.agent("carol", CAROL)
        signalling = self.gateway.plan.signalling
        peers = (*signalling.peers, peer("practice", "internet", CAROL, transport))
        self.follow(*(structs.replace(one, refer=allowed) for one in peers))

    def follow(self, *peers: SipPeer) -> None:
        signalling = self.gateway.plan.signalling
        rules = (*signalling.dialplan, DialRule("site:3", "carol", to="practice"))
        self.gateway.plan = Plan("v2", structs.replace(signalling, peers=peers, dialplan=rules))

    def refer(self, agent: Agent, to: str, *more: tuple[str, str], leg: sip.Leg | None = None) -> sip.RequestAnswered:
        mine = leg or agent.leg
        assert mine
        before = len(agent.seen)
        mine.request(self.world.now, "REFER", [("Refer-To", to), *more])
        self.world.settle()
        answers = [event for event in agent.seen[before:] if isinstance(event, sip.RequestAnswered)]
        assert answers, [type(event).__name__ for event in agent.seen[before:]]
        return answers[0]

    def progress(self, agent: Agent) -> list[str]:
        """Give what an agent was told by NOTIFY, answering each."""
        told = []
        for event in agent.seen:
            if isinstance(event, sip.RequestReceived) and event.request.method == "NOTIFY":
                event.handle.respond(self.world.now)
                told.append(event.request.body.decode().strip().removeprefix("SIP/2.0 "))
        self.world.settle()
        return told

    def everybody_idle(self) -> None:
        for agent in (self.alice, self.bob, self.carol):
            for event in agent.seen:
                if isinstance(event, sip.RequestReceived):
                    event.handle.respond(self.world.now)
            if agent.leg and agent.leg.state in {"up", "answered"}:
                agent.leg.bye(self.world.now)
                self.world.settle()
        self.idle()
        assert set(self.carol.core.sizes.values()) == {0}
        assert not self.gateway.plan or len(self.world.records) >= 1


def by(agent: Agent, host: str) -> str:
    return f"<sip:{agent.name}@{host}>"


def bodies(line: Line, host: str) -> list[bytes]:
    return [data.partition(b"\r\n\r\n")[2] for _, to, data in line.world.wire if to[0] == host and b"\r\nv=0" in data]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("referrer", ["alice", "bob"])
def test_a_blind_transfer(transport: str, referrer: str) -> None:
    line = Party(transport)
    line.up()
    agent: Agent = getattr(line, referrer)
    stays = line.bob if referrer == "alice" else line.alice
    answered = line.refer(agent, by(line.carol, SDN))
    assert answered.status == 202
    assert line.carol.leg
    line.carol.leg.ring(line.world.now)
    line.world.settle()
    answer(line.carol, line.world, sdp(CAROL, 9000))
    event = stays.last(sip.ReInvite)
    assert isinstance(event, sip.ReInvite)
    answer(stays, line.world, sdp(BOB, 7000) if stays is line.bob else offer(ALICE))
    confirmed = line.carol.last(sip.Confirmed)
    assert isinstance(confirmed, sip.Confirmed)
    assert confirmed.request.session
    assert line.progress(agent) == ["100 Trying", "180 Ringing", "200 OK"]
    assert agent.saw(sip.ByeReceived)
    (info,) = line.gateway.calls(line.world.now)
    assert {info.caller.peer, info.callee and info.callee.peer} == {
        "practice",
        "clinic" if stays is line.bob else "hospital",
    }
    assert len(line.ports.open) == 2
    line.carol.leg.bye(line.world.now)
    line.world.settle()
    assert stays.saw(sip.ByeReceived)
    line.everybody_idle()


def test_nothing_of_the_referrer_passes() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN), ("Referred-By", f"<sip:alice@{ALICE}>"))
    (invite,) = [data for _, to, data in line.world.wire if to[0] == CAROL and data.startswith(b"INVITE")]
    assert b"Refer-To" not in invite
    assert ALICE.encode() not in invite
    assert SDN.encode() not in invite
    assert b"Referred-By: <sip:alice@anonymous.invalid>" in invite
    assert b"From: <sip:bob@" in invite  # who she will talk to
    assert not any(b"REFER" in data.split(b"\r\n")[0] for _, to, data in line.world.wire if to[0] in {BOB, CAROL})
    line.everybody_idle()


def test_the_side_that_stays_keeps_its_origin_and_its_streams() -> None:
    line = Party()
    line.dial(sdp(ALICE, 6000, *SLIDES))
    answer(line.bob, line.world, sdp(BOB, 7000, *SLIDES))
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    first, second = bodies(line, BOB)
    origins = [next(row for row in body.split(b"\r\n") if row.startswith(b"o=")).split() for body in (first, second)]
    assert origins[0][1] == origins[1][1]
    assert int(origins[1][2]) == int(origins[0][2]) + 1
    assert second.count(b"m=") == 3
    assert b"m=video 0 RTP/AVP" in second  # carol has no slides
    refused = sdp(BOB, 7000).rstrip() + b"\r\nm=video 0 RTP/AVP 98\r\n"
    answer(line.bob, line.world, refused)
    assert bodies(line, CAROL)[-1].count(b"m=") == 2
    assert line.bob.leg
    line.bob.leg.reinvite(line.world.now, body=sdp(BOB, 7000, *SLIDES))  # he would show her his
    line.world.settle()
    assert bodies(line, CAROL)[-1].count(b"m=") == 3
    answer(line.carol, line.world, sdp(CAROL, 9000, *SLIDES))
    assert line.bob.saw(sip.ReInviteAnswered)
    assert len(line.ports.open) == 3
    line.everybody_idle()


def test_a_newcomer_that_changes_its_session_has_fewer_streams() -> None:
    line = Party()
    line.dial(sdp(ALICE, 6000, *SLIDES))
    answer(line.bob, line.world, sdp(BOB, 7000, *SLIDES))
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000).rstrip() + b"\r\nm=video 0 RTP/AVP 98\r\n")
    line.carol.leg.reinvite(line.world.now, body=sdp(CAROL, 9100))
    line.world.settle()
    assert bodies(line, BOB)[-1].count(b"m=") == 3
    answer(line.bob, line.world, sdp(BOB, 7000).rstrip() + b"\r\nm=video 0 RTP/AVP 98\r\n")
    answered = line.carol.last(sip.ReInviteAnswered)
    assert isinstance(answered, sip.ReInviteAnswered)
    assert answered.response.session.count(b"m=") == 2
    line.everybody_idle()


@pytest.mark.parametrize("status", [486, 404])
def test_a_newcomer_that_refuses_leaves_the_call_as_it_was(status: int) -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    line.carol.leg.reject(line.world.now, status)
    line.world.settle()
    assert line.progress(line.alice)[-1].startswith(str(status))
    assert not line.bob.saw(sip.ReInvite)
    assert len(line.gateway.calls(line.world.now)) == 1
    assert line.refer(line.alice, by(line.carol, SDN)).status == 202  # she may try again
    line.everybody_idle()


def test_a_newcomer_that_never_answers_is_given_up() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    line.carol.leg.ring(line.world.now)
    line.progress(line.alice)
    line.world.wait(MAX_CALLING + 1)
    assert line.carol.saw(sip.Cancelled)
    assert line.progress(line.alice)[-1] == "408 Request Timeout"
    assert len(line.gateway.calls(line.world.now)) == 1
    line.everybody_idle()


def test_the_referrer_may_leave_at_once() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    assert len(line.gateway.calls(line.world.now)) == 1
    assert line.carol.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.carol.saw(sip.Confirmed)
    assert len(line.gateway.calls(line.world.now)) == 1
    line.everybody_idle()


def test_the_referrer_left_and_nobody_comes() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.alice.leg
    line.alice.leg.bye(line.world.now)
    assert line.carol.leg
    line.carol.leg.reject(line.world.now, 486)
    line.world.settle()
    assert line.bob.saw(sip.ByeReceived)
    assert line.world.records[0].why == "the transfer failed with 486, and who asked for it is gone"
    line.everybody_idle()


def test_the_side_that_stays_hangs_up_meanwhile() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.bob.leg
    assert line.carol.leg
    line.carol.leg.ring(line.world.now)
    line.world.settle()
    line.bob.leg.bye(line.world.now)
    line.world.settle()
    assert line.carol.saw(sip.Cancelled)
    assert line.alice.saw(sip.ByeReceived)
    line.everybody_idle()


def test_the_side_that_stays_refuses() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    assert line.bob.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    line.bob.leg.reject(line.world.now, 488)
    line.world.settle()
    assert line.progress(line.alice)[-1] == "488 Not Acceptable Here"
    assert line.carol.saw(sip.ByeReceived)
    assert len(line.ports.open) == 2
    line.everybody_idle()


@pytest.mark.parametrize("late", [False, True])
def test_the_side_that_stays_does_not_answer(late: bool) -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    assert line.bob.leg
    answer(line.carol, line.world, sdp(CAROL, 9000))
    if late:  # his 200 crosses the CANCEL
        line.world.lose = lambda _from, to, data: to[0] == BOB and data.startswith(b"CANCEL")
    line.world.wait(MAX_JOINING + 1)
    assert line.progress(line.alice)[-1].startswith("504")
    if late:
        answer(line.bob, line.world, sdp(BOB, 7000))
        event = line.bob.last(sip.ReInvite)
        assert isinstance(event, sip.ReInvite)
        line.world.settle()
        answer(line.bob, line.world, sdp(BOB, 7000))  # he is given the session he had
    assert len(line.gateway.calls(line.world.now)) == 1
    assert len(line.ports.open) == 2
    line.everybody_idle()


def test_a_newcomer_that_brings_no_offer() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    line.carol.leg.answer(line.world.now)
    line.world.settle()
    assert line.progress(line.alice)[-1] == "488 Not Acceptable Here"
    assert line.carol.saw(sip.ByeReceived)
    line.everybody_idle()


@pytest.mark.parametrize(
    ("to", "status", "told"),
    [
        (f"<sip:nobody@{SDN}>", 202, "404 Not Found"),
        ("<tel:+4712345678>", 202, "404 Not Found"),
        ("<mailto:carol@x.example>", 416, ""),
        (f"<sip:carol@{SDN};method=SUBSCRIBE>", 400, ""),
        (f"<sip:carol@{SDN}>, <sip:bob@{SDN}>", 400, ""),
        (f"<sip:carol@{SDN}?Replaces=x%3Bto-tag%3Dy%3Bfrom-tag%3Dz>", 202, "481 Call/Transaction Does Not Exist"),
        (f"<sip:carol@{SDN}?Replaces=x>", 400, ""),
    ],
)
def test_a_refer_to_that_leads_nowhere(to: str, status: int, told: str) -> None:
    line = Party()
    line.up()
    assert line.refer(line.alice, to).status == status
    assert line.progress(line.alice)[1:] == ([told] if told else [])
    assert not line.carol.leg
    line.everybody_idle()


def test_a_refer_to_with_an_escaped_line_end() -> None:
    """RFC 3261 19.1.1: what is unescaped must not end a line; our agents cannot write it, so the reader is asked."""
    to = f"<sip:carol@{SDN}?Replaces=x%0D%0Ay%3Bto-tag%3Dy%3Bfrom-tag%3Dz>"
    request = sip.parse(f"REFER sip:x@y SIP/2.0\r\nRefer-To: {to}\r\n\r\n".encode())
    assert isinstance(request, sip.Request)
    with pytest.raises(sip.HeaderError):
        parse_refer_to(request)


def test_the_rights_of_the_referrer_count() -> None:
    """What the dial plan refuses to her, she cannot have by REFER."""
    line = Party()
    rules = (DialRule("site:0", "carol", peer="hospital", refuse=403), *line.gateway.plan.signalling.dialplan)
    line.gateway.plan = Plan("v3", structs.replace(line.gateway.plan.signalling, dialplan=rules))
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.progress(line.alice)[-1] == "403 Forbidden"
    line.refer(line.bob, by(line.carol, NET))
    assert line.carol.leg
    line.everybody_idle()


def test_a_peer_that_may_not_transfer() -> None:
    line = Party(allowed=False)
    line.up()
    assert line.refer(line.alice, by(line.carol, SDN)).status == 403
    assert line.gateway.counts["refused: REFER of a peer that may not"] == 1
    assert not line.carol.leg
    line.everybody_idle()


def test_outside_a_call_it_is_refused() -> None:
    line = Party()
    asked = invitation(line.alice, SDN, "bob", "udp", None, headers=[("Refer-To", by(line.carol, SDN))])
    line.alice.core.request("REFER", asked, line.world.now)
    line.world.settle()
    answered = line.alice.last(sip.RequestAnswered)
    assert isinstance(answered, sip.RequestAnswered)
    assert answered.status == 403


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE", "PUBLISH"])
def test_what_is_not_done_here_is_refused_with_allow(method: str) -> None:
    line = Party()
    line.up()
    line.alice.core.request(method, invitation(line.alice, SDN, "bob", "udp", None), line.world.now)
    line.world.settle()
    answered = line.alice.last(sip.RequestAnswered)
    assert isinstance(answered, sip.RequestAnswered)
    assert answered.response
    assert answered.status == 405
    assert {"REFER", "UPDATE", "PRACK"} <= {*answered.response.tokens("allow")}
    line.everybody_idle()


def test_one_transfer_at_a_time() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.refer(line.bob, by(line.carol, NET)).status == 491
    line.everybody_idle()


def test_no_subscription_where_none_is_wanted() -> None:
    line = Party()
    line.up()
    more = (("Refer-Sub", "false"), ("Require", "norefersub"))
    answered = line.refer(line.alice, by(line.carol, SDN), *more)
    assert answered.response
    assert answered.response.get("refer-sub") == "false"
    assert line.carol.leg
    line.carol.leg.reject(line.world.now, 486)
    line.world.settle()
    assert line.progress(line.alice) == []
    line.everybody_idle()


def test_events_name_the_refer_they_are_of() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    line.carol.leg.reject(line.world.now, 486)
    line.world.settle()
    (refer,) = [sip.parse(data) for _, to, data in line.world.wire if data.startswith(b"REFER")]
    notifies = [event.request for event in line.alice.seen if isinstance(event, sip.RequestReceived)]
    notifies = [one for one in notifies if one.method == "NOTIFY"]
    assert {one.get("event") for one in notifies} == {f"refer;id={refer.cseq.number}"}
    assert [one.get("subscription-state").partition(";")[0] for one in notifies] == ["active", "terminated"]
    assert {one.content_type for one in notifies} == {"message/sipfrag"}
    line.everybody_idle()


def test_progress_is_told_once() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.carol.leg
    for status in (180, 180, 183, 183):
        line.carol.leg.ring(line.world.now, status)
        line.world.settle()
    assert line.progress(line.alice) == ["100 Trying", "180 Ringing", "183 Session Progress"]
    line.everybody_idle()


def test_who_waits_for_a_newcomer_is_not_silent() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, by(line.carol, SDN))
    assert line.alice.leg
    assert line.carol.leg
    line.carol.leg.ring(line.world.now)
    line.alice.leg.bye(line.world.now)
    line.world.settle()
    line.ports.idle = None
    line.world.wait(MAX_CALLING - 5)
    assert len(line.gateway.calls(line.world.now)) == 1
    line.ports.idle = 0.0
    answer(line.carol, line.world, sdp(CAROL, 9000))
    answer(line.bob, line.world, sdp(BOB, 7000))
    assert line.carol.saw(sip.Confirmed)
    line.everybody_idle()
