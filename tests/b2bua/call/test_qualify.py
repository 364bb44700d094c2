"""Peers that are asked whether they are there, with the time as a parameter."""

from __future__ import annotations

import pytest

from b2bua.call.plan import EMPTY, Plan
from b2bua.call.qualify import APART_SECONDS, Qualify
from b2bua.sip import Endpoint, Flow, RequestAnswered, Target, parse
from tests.b2bua.sip.wire import CountingIds
from vdx.control import Signalling, SipListener, SipPeer

EDGE = "192.0.2.10"
FLOW = Flow("udp", (EDGE, 5060), ("203.0.113.9", 5060), "sdn", 1, (EDGE, 5060))


def peer(name: str, host: str = "203.0.113.9", every: int = 30) -> SipPeer:
    return SipPeer(name, "sdn", (), 4, (host, 5060, "udp"), qualify=every)


class Desk:
    """What a gateway does around a `Qualify`."""

    def __init__(self, *peers: SipPeer) -> None:
        self.endpoint = Endpoint(CountingIds("q"))
        self.qualify = Qualify(self.endpoint)
        self.follow(*peers)

    def follow(self, *peers: SipPeer) -> None:
        listener = SipListener("sdn", "udp", EDGE, 5060, EDGE, 5060)
        self.qualify.follow(Plan("v", Signalling((listener,), peers, (), max_calls=1)))

    def at(self, now: float) -> list[str]:
        """Let everything that is due happen; gives where questions go."""
        self.qualify.on_timer(now)
        self.endpoint.on_timer(now)
        return [sent.to.host for sent in self.endpoint.to_send() if isinstance(sent.to, Target)]

    def answer(self, status: str, now: float) -> None:
        self.qualify.on_timer(now)
        (asked,) = self.endpoint.to_send()
        request = parse(asked.data)
        assert asked.data.startswith(b"OPTIONS sip:203.0.113.9:5060 SIP/2.0\r\n")
        lines = "".join(f"{name}: {request.get(name)}\r\n" for name in ("via", "from", "to", "call-id", "cseq"))
        text = f"SIP/2.0 {status}\r\n{lines}Content-Length: 0\r\n\r\n"
        self.endpoint.receive(text.encode(), FLOW, now + 0.025)
        self.collect(now + 0.025)

    def collect(self, now: float) -> None:
        for event in self.endpoint.events():
            assert isinstance(event, RequestAnswered)
            assert self.qualify.answered(event, now)
            assert not self.qualify.answered(event, now)

    def told(self, now: float) -> dict[str, str]:
        return dict(self.qualify.facts(now))


def test_a_peer_that_answers_is_up() -> None:
    desk = Desk(peer("hospital"))
    assert desk.told(0.0) == {"peer hospital": "unknown"}
    desk.answer("200 OK", 100.0)
    assert desk.told(103.0) == {"peer hospital": "up for 3 s, answers 200 in 25 ms"}
    assert not desk.qualify.is_down("hospital")
    assert desk.qualify.next_timer() == 130.0


@pytest.mark.parametrize(("status", "down"), [("404 Not Found", False), ("503 Service Unavailable", True)])
def test_a_refusal_is_a_sign_of_life(status: str, down: bool) -> None:
    desk = Desk(peer("hospital"))
    desk.answer(status, 0.0)
    assert desk.qualify.is_down("hospital") is down


def test_silence_is_down_and_an_answer_up_again() -> None:
    desk = Desk(peer("hospital"))
    assert desk.at(0.0) == ["203.0.113.9"]
    desk.at(30.0)  # it has not answered yet: it is not asked twice
    desk.at(32.0)
    desk.collect(32.0)
    assert desk.qualify.is_down("hospital")
    assert desk.told(40.0) == {"peer hospital": "down for 8 s, no answer"}
    desk.answer("200 OK", 60.0)
    assert not desk.qualify.is_down("hospital")


def test_many_peers_are_asked_one_after_the_other() -> None:
    hosts = [f"203.0.113.{number}" for number in range(1, 11)]
    desk = Desk(*(peer(f"p{host}", host) for host in hosts))
    asked = desk.at(0.0)
    now = 0.0
    while len(asked) < len(hosts):
        now += APART_SECONDS
        fresh = desk.at(now)
        assert len(fresh) <= 2  # rounding may bring two together
        asked += fresh
    assert sorted(asked) == sorted(hosts)


def test_a_new_version_keeps_what_is_known_of_peers_that_stay() -> None:
    desk = Desk(peer("hospital"))
    desk.answer("200 OK", 0.0)
    desk.follow(peer("hospital"), peer("clinic", "203.0.113.8"), replace_target())
    assert set(desk.told(1.0)) == {"peer hospital", "peer clinic"}
    assert desk.told(1.0)["peer hospital"].startswith("up")
    desk.follow(peer("hospital", every=60))
    assert desk.told(1.0) == {"peer hospital": "unknown"}
    desk.qualify.follow(EMPTY)
    assert desk.qualify.next_timer() is None
    assert desk.at(1000.0) == []


def replace_target() -> SipPeer:
    return SipPeer("caller", "sdn", (), 4, qualify=30)  # it can only call: nobody asks it


def test_a_peer_without_a_listener_is_down() -> None:
    desk = Desk(SipPeer("far", "internet", (), 4, ("203.0.113.9", 5060, "udp"), qualify=30))
    desk.at(0.0)
    assert desk.told(0.0) == {"peer far": "down for 0 s, there is no listener towards it"}
