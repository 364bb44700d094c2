"""Traces as people ask for them: of a call, of a source, of everybody from now on."""

from __future__ import annotations

from b2bua.sip import Flow, Outgoing, Target
from b2bua.trace import Traces
from b2bua.trace.limits import FOLLOWED_SECONDS
from b2bua.trace.reading import OVER_SECONDS, Reading
from b2bua.trace.view import Lens
from vdx import pinhole
from vdx.ids import CallId
from vdx.pinhole import Refused
from vdx.trace import Trace, TraceReport

CALL = CallId("a" * 13)
LENS = Lens(1000.0, lambda _target: ("203.0.113.10", 5060))
FLOW = Flow("udp", ("198.18.0.10", 5060), ("198.18.1.10", 5060), "sdn", 1, ("198.18.0.10", 5060))
OUT = Target("internet", "tls", "198.51.100.10", 5061)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\na=sendonly\r\n"
    "m=video 0 RTP/AVP 97\r\n"
)


def message(start: str, call_id: str, *headers: str, body: str = "") -> bytes:
    kind = ["Content-Type: application/sdp"] if body else []
    lines = [start, f"Call-ID: {call_id}", "CSeq: 1 INVITE", *headers, *kind, f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def told(reading: Reading, question: Trace, now: float = 10.0) -> TraceReport:
    answer = reading.answer(question, now, LENS)
    assert isinstance(answer, TraceReport), answer
    return answer


def a_call() -> Traces:
    traces = Traces(lambda tag: (CALL, "b") if tag == "ours" else None)
    traces.received(message("INVITE sip:bob@x SIP/2.0", "one", body=SDP), FLOW, 1.0)
    traces.begin(CALL, FLOW, "one", 1.0, ("hospital", "clinic"))
    traces.said(pinhole.SetRemote(1, (pinhole.Change(f"{CALL}.0", "a", pinhole.Remote("192.0.2.1", 4000)),)), 1.5)
    invite = message("INVITE sip:bob@y SIP/2.0", "two", "From: <sip:a@b>;tag=ours")
    for at in (2.0, 2.5):
        traces.sent(Outgoing(OUT, invite), at)
    return traces


def test_a_call_is_told_in_words() -> None:
    report = told(Reading(a_call()), Trace(7, CALL))
    assert (report.id, report.caller, report.callee, report.over, report.last) == (7, "hospital", "clinic", False, 4)
    assert [(one.at, one.leg, one.inward, one.title, one.marks) for one in report.entries] == [
        (1001.0, "a", True, "INVITE sip:bob@x", ("audio 4000 RTP/AVP opus sendonly", "video 0 RTP/AVP refused")),
        (1001.5, "", False, f"SDP says: {CALL}.0 a is at 192.0.2.1:4000", ()),
        (1002.0, "b", False, "INVITE sip:bob@y", ()),
        (1002.5, "b", False, "INVITE sip:bob@y", ("again",)),
    ]
    last = report.entries[-1]
    assert (last.transport, last.ours, last.theirs) == ("tls", ("203.0.113.10", 5060), ("198.51.100.10", 5061))


def test_who_follows_a_call_hears_the_rest_until_it_is_over() -> None:
    traces = a_call()
    reading = Reading(traces)
    seen = told(reading, Trace(1, CALL)).last
    traces.end(CALL, "ended by caller: bye", 3.0)
    more = told(reading, Trace(1, CALL, after=seen), 3.0 + OVER_SECONDS / 2)
    assert [one.title for one in more.entries] == ["ended by caller: bye"]
    assert not more.over
    done = told(reading, Trace(1, CALL, after=more.last), 3.1 + OVER_SECONDS)
    assert (done.entries, done.last, done.over) == ((), more.last, True)


def test_what_is_not_remembered_is_said_so() -> None:
    reading = Reading(Traces())
    assert isinstance(reading.answer(Trace(1, CALL), 1.0, LENS), Refused)
    assert isinstance(reading.answer(Trace(1, source="192.0.2.1"), 1.0, LENS), Refused)


def test_a_source_is_told_with_our_answers() -> None:
    traces = Traces()
    traces.received(message("OPTIONS sip:x SIP/2.0", "o"), FLOW, 1.0)
    traces.place()
    traces.sent(Outgoing(FLOW, message("SIP/2.0 403 Forbidden", "o", "Warning: 399 x y")), 1.0)
    report = told(Reading(traces), Trace(1, source="198.18.1.10"))
    assert [(one.title, one.marks) for one in report.entries] == [
        ("OPTIONS sip:x", ()),
        ("403 Forbidden (INVITE)", ("Warning: 399 x y",)),
    ]
    assert report.over


def test_everybody_is_followed_from_the_question_on_and_not_for_ever() -> None:
    traces = Traces()
    reading = Reading(traces)
    traces.received(message("OPTIONS sip:early SIP/2.0", "o"), FLOW, 1.0)
    traces.place()
    first = told(reading, Trace(1), 1.0)
    assert (first.entries, first.last) == ((), 1)
    traces.received(message("OPTIONS sip:later SIP/2.0", "o"), FLOW, 2.0)
    traces.place()
    second = told(reading, Trace(1, after=first.last), 2.5)
    assert [one.title for one in second.entries] == ["OPTIONS sip:later"]
    assert told(reading, Trace(1, after=second.last), 3.0).entries == ()
    traces.received(message("OPTIONS sip:x SIP/2.0", "o"), FLOW, 3.1 + FOLLOWED_SECONDS)
    traces.place()
    assert traces.taps == []
