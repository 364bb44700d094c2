"""Session timers (RFC 4028): who refreshes, how, how often, and what happens when nobody does."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Answered,
    ByeReceived,
    Failed,
    HeaderError,
    IncomingInvite,
    Leg,
    Lost,
    Offered,
    RefreshDue,
    ReInvite,
    ReInviteAnswered,
    Response,
    Settings,
    parse,
)
from b2bua.sip.session_timer import Interval, agreed, granted, min_se, session_expires
from tests.b2bua.sip.talk import connect, people
from tests.b2bua.sip.test_endpoint import request as asked
from tests.b2bua.sip.test_update import within
from tests.b2bua.sip.wire import ANSWER, SDP, Host, LoseFirst, Wire, response

NO_UPDATE = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS")


def wire_of(ann: Settings | None = None, bob: Settings | None = None) -> Wire:
    return Wire(Host("ann", ("192.0.2.1", 5060), ann), Host("bob", ("192.0.2.2", 5060), bob))


def short(seconds: int = 200, **more: object) -> Settings:
    return Settings(session_expires=seconds, **more)  # type: ignore[arg-type]


def timers(*legs: Leg) -> list[tuple[int, bool]]:
    return [(leg.timer.seconds, leg.timer.ours) for leg in legs]


def test_the_caller_refreshes_by_update_at_half_the_interval() -> None:
    wire = wire_of(short())
    ann, bob = people(wire)
    caller, callee = connect(wire)
    assert timers(caller, callee) == [(200, True), (200, False)]
    wire.advance(99)
    assert "ann UPDATE UPDATE" not in wire.log
    wire.advance(1000)
    assert wire.log.count("ann UPDATE UPDATE") == wire.log.count("bob 200 UPDATE") == 10
    assert not ann.seen  # nobody is bothered with it
    assert not bob.seen
    callee.bye(wire.now)
    wire.run()
    ann.take(ByeReceived)
    wire.assert_empty()


def test_a_reinvite_where_the_peer_takes_no_update() -> None:
    wire = wire_of(short(), short(allow=NO_UPDATE))
    ann, bob = people(wire)
    caller, callee = connect(wire)
    wire.advance(100)
    ann.take(RefreshDue)
    caller.reinvite(wire.now, body=SDP)
    wire.run()
    bob.take(ReInvite)
    callee.answer(wire.now, body=ANSWER)
    wire.run()
    ann.take(ReInviteAnswered)
    wire.advance(99)
    assert not ann.seen
    wire.advance(2)
    ann.take(RefreshDue)


def test_an_update_that_turns_out_unknown_becomes_a_reinvite() -> None:
    wire = wire_of(short(), short())
    ann, bob = people(wire)
    caller, _ = connect(wire)
    bob.endpoint._layer.settings = short(allow=NO_UPDATE)
    wire.advance(100)
    ann.take(RefreshDue)
    assert "UPDATE" not in caller.allows


def test_refreshes_are_tried_again_until_the_end() -> None:
    wire = wire_of(short(), short(allow=NO_UPDATE))
    ann, bob = people(wire)
    connect(wire)
    wire.lose = lambda line: line == "bob BYE BYE"  # it gives up before
    wire.advance(199)
    due = [event for event in ann.seen if isinstance(event, RefreshDue)]
    assert len(due) == len(ann.seen) >= 4
    ann.seen.clear()
    wire.advance(2)
    lost = ann.seen[-1]
    assert isinstance(lost, Lost)
    assert "not refreshed in 200 s" in lost.sentence
    assert wire.log[-2] == "ann BYE BYE"
    assert bob.take(Lost).status == 408
    wire.lose = lambda _line: False
    wire.assert_empty()


def test_the_other_side_ends_a_session_that_nobody_refreshes() -> None:
    """RFC 4028 10: BYE a third of the interval, at most 32 s, before the end."""
    wire = wire_of(short(), short(allow=NO_UPDATE))
    ann, bob = people(wire)
    _, callee = connect(wire)
    wire.advance(167)
    assert callee.state == "up"
    wire.advance(2)
    assert bob.take(Lost).status == 408
    bye = next(event for event in ann.seen if isinstance(event, ByeReceived))
    assert bye.request.get("reason") == 'SIP;cause=408;text="Session expired"'


def test_a_refresh_that_nobody_answers_loses_the_dialog() -> None:
    wire = wire_of(short(600))
    ann, _ = people(wire)
    connect(wire)
    wire.lose = LoseFirst("ann UPDATE UPDATE", 100)
    wire.advance(300 + 33)
    assert ann.take(Lost).status == 408


def test_a_peer_without_timers_has_none() -> None:
    wire = wire_of(short(), short(supported=frozenset()))
    caller, callee = connect(wire)
    assert timers(caller, callee) == [(0, False), (0, False)]


def test_a_callee_asks_where_the_caller_only_supports_it() -> None:
    request = parse(asked("INVITE", "Supported: timer"))
    assert granted(request, Settings()) == Interval(1800, "uas")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Supported: timer", "Session-Expires: 600;refresher=uac"], Interval(600, "uac")),
        (["Supported: timer", "Session-Expires: 600;refresher=uas"], Interval(600, "uas")),
        (["Supported: timer", "Session-Expires: 600"], Interval(600, "uas")),
        (["k: timer", "x: 600"], Interval(600, "uas")),
        (["Session-Expires: 600"], Interval(600, "uas")),  # of a proxy: the caller cannot refresh
        (["Session-Expires: 600;refresher=uac"], Interval(600, "uas")),
        (["Supported: timer", "Session-Expires: 7200", "Min-SE: 3600"], Interval(3600, "uas")),
        (["Session-Expires: 60"], Interval(90, "uas")),
        ([], None),
    ],
)
def test_what_a_callee_grants(lines: list[str], expected: Interval | None) -> None:
    """RFC 4028 9, table 2."""
    assert granted(parse(asked("INVITE", *lines)), Settings()) == expected  # type: ignore[arg-type]


def test_too_short_a_session_is_refused_and_asked_again() -> None:
    wire = wire_of(short(100), short(600, min_se=300))
    ann, bob = people(wire)
    caller = ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    wire.run()
    event = bob.take(IncomingInvite)
    assert event.request.get("session-expires") == "300;refresher=uac"
    assert event.request.get("min-se") == "300"
    assert event.request.cseq.number == 2
    assert wire.log.count("bob 422 INVITE") == 1
    event.leg.answer(wire.now, body=ANSWER)
    wire.run()
    ann.take(Answered)
    assert timers(caller, event.leg) == [(300, True), (300, False)]
    caller.bye(wire.now)
    wire.assert_empty()


def test_a_peer_that_always_wants_more_is_given_up() -> None:
    wire = wire_of(short(100))
    ann, bob = people(wire)
    ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    for turn, least in enumerate(("300", "300")):
        (out,) = [one for one in ann.endpoint.to_send() if one.data.startswith(b"INVITE")]
        lines = [line for line in parse(out.data).lines if line[:3] in {"Via", "Fro", "To:", "Cal", "CSe"}]
        answer = "\r\n".join(["SIP/2.0 422 Too Small", *lines, f"Min-SE: {least}", "Content-Length: 0"])
        ann.endpoint.receive(answer.encode() + b"\r\n\r\n", wire.flow(ann, bob.address), 0.0)
        events = ann.endpoint.events()
        assert bool(events) == bool(turn)
    assert isinstance(events[0], Failed)
    assert events[0].status == 422


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_too_short_a_refresh_is_refused(method: str) -> None:
    wire = wire_of()
    ann, bob = people(wire)
    caller, callee = connect(wire)
    data = within(caller, method, "Supported: timer", "Session-Expires: 30", body=SDP)
    bob.endpoint.receive(data, wire.flow(bob, ann.address), wire.now)
    answer = response(bob.endpoint.to_send()[-1].data)
    assert (answer.status, answer.get("min-se")) == (422, "90")
    assert callee.incoming is None
    assert callee.negotiation == "stable"


def test_a_change_refreshes_too() -> None:
    wire = wire_of(short())
    ann, bob = people(wire)
    caller, _ = connect(wire)
    wire.advance(90)
    caller.update(wire.now, body=SDP)
    wire.run()
    bob.take(Offered).handle.respond(wire.now, body=ANSWER)
    wire.run()
    ann.take(ReInviteAnswered)
    wire.advance(90)
    assert wire.log.count("ann UPDATE UPDATE") == 1
    wire.advance(11)
    assert wire.log.count("ann UPDATE UPDATE") == 2


def test_the_peer_that_agreed_to_refresh_does() -> None:
    wire = wire_of(short(supported=frozenset({"timer"})))
    ann, bob = people(wire)
    ann.endpoint.invite(wire.invitation(ann, bob), wire.now)
    out = ann.endpoint.to_send()[0]
    data = out.data.replace(b"200;refresher=uac", b"200;refresher=uas")
    bob.endpoint.receive(data, wire.flow(bob, ann.address), wire.now)
    (event,) = bob.endpoint.events()
    assert isinstance(event, IncomingInvite)
    event.leg.answer(wire.now, body=ANSWER)
    wire.run()
    caller = ann.take(Answered).leg
    assert timers(caller, event.leg) == [(200, False), (200, True)]
    wire.advance(101)
    assert "bob UPDATE UPDATE" in wire.log


def test_grammar() -> None:
    def read(*lines: str) -> Interval | None:
        return session_expires(parse(asked("INVITE", *lines)))

    assert read("Session-Expires: 90 ;refresher=UAC;x=y") == Interval(90, "uac")
    assert read("x: 1800") == Interval(1800, "")
    assert read() is None
    for broken in ("90;refresher=me", "x", "-1", "99999999999"):
        with pytest.raises(HeaderError):
            read(f"Session-Expires: {broken}")
    assert min_se(parse(asked("INVITE"))) == min_se(parse(asked("INVITE", "Min-SE: 3"))) == 90
    assert min_se(parse(asked("INVITE", "Min-SE: 120;x"))) == 120
    for unusable in ("x", "5"):
        answer = parse(f"SIP/2.0 200 OK\r\nSession-Expires: {unusable}\r\nContent-Length: 0\r\n\r\n".encode())
        assert isinstance(answer, Response)
        assert agreed(answer) is None
