"""Limits of the appliance, of zones and peers; and out of service."""

from __future__ import annotations

import pytest

from b2bua import sip
from b2bua.call.tally import ASSUMED_KBPS, kbps
from tests.b2bua.call.test_calls import offer, sdp
from tests.b2bua.call.town import ALICE, EDGE, ONE, Town, peer
from vdx.admission import RETRY_AFTER, RETRY_DRAINED, RETRY_RATE, Ceiling
from vdx.control import PeerMedia, SipPeer
from vdx.dialplan import Alternative, DialRule

TO_ONE = DialRule("site:1", "*", to="one")


def refused(town: Town) -> tuple[int, str]:
    """Give status and Retry-After of the last refusal."""
    failed = town.failed()
    return failed.status, failed.response.get("Retry-After") if failed.response else ""


@pytest.mark.parametrize(
    ("scope", "status"), [("everything", 503), ("sdn", 480), ("core", 480), ("hospital", 480), ("one", 480)]
)
@pytest.mark.parametrize(
    ("ceiling", "wait"),
    [(Ceiling(1), RETRY_AFTER), (Ceiling(per_second=1), RETRY_RATE), (Ceiling(kbps=3_000), RETRY_AFTER)],
)
def test_a_full_scope_refuses_and_says_when_to_come_back(scope: str, status: int, ceiling: Ceiling, wait: int) -> None:
    peers: dict[str, dict[str, object]] = {scope: {"limits": ceiling}} if scope in {"hospital", "one"} else {}
    town = Town(TO_ONE, calls=1 if scope == "everything" and ceiling.calls else 100, peers=peers)
    if not peers:
        town.limit(**{scope: ceiling})
    town.dial("a")
    town.dial("b")
    assert refused(town) == (status, str(wait))
    assert town.invited() == ["one"]


def test_what_has_ended_makes_room_but_a_second_is_a_second() -> None:
    town = Town(TO_ONE, peers={"one": {"limits": Ceiling(1, 2)}})
    for _ in range(2):
        town.dial("a")
        town.reject("one", 486)
    town.dial("a")
    assert refused(town) == (480, str(RETRY_RATE))
    town.world.wait(1)
    town.dial("a")
    assert town.invited() == ["one"] * 3
    town.idle()  # what rang is given up


def test_a_full_peer_is_passed_over_for_an_alternative() -> None:
    rule = DialRule("site:1", "*", among=(Alternative("one"), Alternative("two")))
    town = Town(rule, peers={"one": {"limits": Ceiling(1)}})
    town.dial("a")
    town.dial("b")
    assert town.invited() == ["one", "two"]


def test_a_call_that_goes_elsewhere_counts_there_and_begins_once() -> None:
    rule = DialRule("site:1", "*", among=(Alternative("one"), Alternative("two")))
    town = Town(rule, peers={"one": {"limits": Ceiling(1)}, "hospital": {"limits": Ceiling(None, 2)}})
    town.dial("a")
    town.reject("one", 503)
    town.answer("two")
    scopes = {
        scope.name: scope.load
        for scope in town.gateway._entrance._tally.load(
            town.gateway.plan, ("peer one", "peer hospital"), town.world.now
        )
    }
    assert (scopes["peer one"].calls, scopes["peer hospital"].recent) == (0, 1)


def media(limit: int | None) -> SipPeer:
    return SipPeer("one", "core", (), 4, media=PeerMedia(bandwidth=limit))


@pytest.mark.parametrize(
    ("lines", "limit", "expected"),
    [
        ((), None, ASSUMED_KBPS),
        (("b=AS:512",), None, 512),
        (("b=TIAS:512000",), None, 512),
        (("b=AS:512",), 256, 256),
        ((), 256, 256),
        (("b=RR:512",), None, ASSUMED_KBPS),
        (("b=AS:99999999999999999",), None, ASSUMED_KBPS),
    ],
)
def test_what_a_call_takes_by_its_offer(lines: tuple[str, ...], limit: int | None, expected: int) -> None:
    assert kbps(offer(ALICE, *lines), media(limit)) == expected


def test_the_session_speaks_for_its_streams() -> None:
    body = b"v=0\r\nb=AS:1000\r\nt=0 0\r\nm=audio 1 RTP/AVP 0\r\nb=AS:64\r\nm=video 1 RTP/AVP 96\r\nb=AS:4000\r\n"
    assert kbps(body, media(None)) == 1000
    assert kbps(body.replace(b"b=AS:1000\r\n", b""), media(None)) == 4064


# Out of service


def options(town: Town) -> int:
    """Ask the gateway whether it is there."""
    alice = town.alice
    invitation = sip.Invitation(
        sip.Target("-", "udp", EDGE["sdn"], 5060),
        f"sip:{EDGE['sdn']}",
        f"<sip:alice@{ALICE}>",
        "<sip:edge>",
        alice.address,
    )
    alice.core.request("OPTIONS", invitation, town.world.now)
    town.world.settle()
    answered = alice.last(sip.RequestAnswered)
    assert isinstance(answered, sip.RequestAnswered)
    return answered.status


def test_out_of_service_and_back() -> None:
    town = Town(TO_ONE)
    town.dial("a")
    town.answer("one")
    town.gateway.drain.begin(None, town.world.now)
    town.dial("b")
    assert refused(town) == (503, str(RETRY_DRAINED))
    assert options(town) == 503
    town.world.wait(3_600)
    assert len(town.gateway.calls(town.world.now)) == 1
    answered = town.alice.last(sip.Answered)
    assert isinstance(answered, sip.Answered)
    answered.leg.reinvite(town.world.now, body=sdp(ALICE, 6100))
    town.world.settle()
    assert town.agent("one").saw(sip.ReInvite)
    town.gateway.drain.end()
    before = len(town.invited())
    town.dial("c")
    assert town.invited()[before:] == ["one"]
    assert options(town) == 200


def test_the_deadline_ends_calls_with_a_reason() -> None:
    town = Town(TO_ONE)
    town.dial("a")
    town.answer("one")
    town.gateway.drain.begin(60.0, town.world.now)
    town.dial("b")
    assert refused(town) == (503, str(RETRY_DRAINED + 60))
    town.world.wait(59.9)
    assert len(town.gateway.calls(town.world.now)) == 1
    town.world.wait(0.2)
    assert town.gateway.calls(town.world.now) == ()
    for host in (ALICE, ONE):
        byes = [data for _, to, data in town.world.wire if to[0] == host and data.startswith(b"BYE")]
        assert byes
        assert b'Reason: SIP;cause=503;text="The gateway is taken out of service"' in byes[0]
    assert [record.why for record in town.world.records] == ["the gateway was taken out of service"]
    assert town.gateway.drain.left(town.world.now) == 0.0
    town.idle()


def test_a_ringing_call_hears_503_at_the_deadline() -> None:
    town = Town(TO_ONE)
    town.dial("a")
    town.gateway.drain.begin(1.0, town.world.now)
    town.world.wait(1.1)
    assert town.failed().status == 503
    town.idle()


def test_a_peer_without_limits_has_none() -> None:
    assert peer("one", "core", ONE).dial.limits == Ceiling()
