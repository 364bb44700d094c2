"""What is remembered of calls: every message with its leg, bounded in every direction."""

from __future__ import annotations

import pytest

from b2bua.sip import Flow, Outgoing, Target
from b2bua.trace import CallTrace, Message, Note, Traces, traces
from b2bua.trace.limits import (
    FIRST_ENTRIES,
    KEPT_CALLS,
    LAST_ENTRIES,
    MAX_CALL_OCTETS,
    PACK_SECONDS,
    PACKED_AT_ONCE,
    SOURCE_MESSAGES,
    SOURCES,
)
from vdx.ids import CallId
from vdx.pinhole import Change, End, Learned, Lease, Leased, Local, Opened, Release, Remote, Revoked, SetRemote, Stream

CALLER = Flow("tls", ("198.18.0.10", 5061), ("198.18.1.10", 40000), "sdn", 7, ("198.18.0.10", 5061))
CALLEE = Target("internet", "udp", "198.51.100.10", 5060, "203.0.113.10")
CALL = CallId("a" * 13)


def message(method: str, call_id: str = "leg-a", extra: str = "") -> bytes:
    return f"{method} sip:x@y SIP/2.0\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n{extra}\r\n".encode()


def shown(trace: CallTrace | None) -> list[str]:
    assert trace is not None
    return [
        f"{one.leg}{'>' if one.inward else '<'}{one.data.split()[0].decode()}"
        if isinstance(one, Message)
        else str(one.event)
        for one in trace
    ]


def begun() -> Traces:
    found = Traces()
    found.received(message("INVITE"), CALLER, 1.0)
    found.begin(CALL, CALLER, "leg-a", 1.0)
    return found


def test_both_legs_and_what_happened_stand_under_one_call_in_order() -> None:
    found = begun()
    found.place()
    found.note(CALL, "opened", 1.1)
    found.join(CALL, "internet", "leg-b")
    found.sent(Outgoing(CALLEE, message("INVITE", "leg-b")), 1.2)
    found.end(CALL, "cancelled by the caller", 2.0)
    found.sent(Outgoing(CALLEE, message("CANCEL", "leg-b")), 2.0)
    assert shown(found.of(CALL)) == ["a>INVITE", "opened", "b<INVITE", "cancelled by the caller", "b<CANCEL"]
    trace = found.of(CALL)
    assert trace is not None
    assert trace.ended == 2.0


def test_the_message_that_begins_a_call_comes_before_what_it_causes() -> None:
    found = Traces()
    found.received(message("INVITE"), CALLER, 1.0)
    found.begin(CALL, CALLER, "leg-a", 1.0)
    found.note(CALL, "admitted", 1.0)
    found.place()
    assert shown(found.of(CALL)) == ["a>INVITE", "admitted"]
    assert found.source("198.18.1.10") == ()


def test_a_call_that_begins_late_takes_over_what_came_before() -> None:
    found = Traces()
    found.received(message("OPTIONS", "other"), CALLER, 0.5)
    found.place()
    found.received(message("INVITE"), CALLER, 1.0)
    found.place()
    found.sent(Outgoing(CALLER, message("SIP/2.0 100")), 1.1)
    found.begin(CALL, CALLER, "leg-a", 1.5)
    assert shown(found.of(CALL)) == ["a>INVITE", "a<SIP/2.0"]
    assert [one.data[:7] for one in found.source("198.18.1.10")] == [b"OPTIONS"]


def test_requests_that_begin_no_call_are_kept_by_source() -> None:
    found = Traces()
    found.received(message("OPTIONS"), CALLER, 1.0)
    found.place()
    found.sent(Outgoing(CALLER, message("SIP/2.0 200")), 1.0)
    found.received(message("OPTIONS"), CALLEE_FLOW, 1.0)
    found.place()
    assert [one.inward for one in found.source("198.18.1.10")] == [True, False]
    assert len(found.source("198.51.100.10")) == 1
    assert found.source("192.0.2.1") == ()


CALLEE_FLOW = Flow("udp", ("203.0.113.10", 5060), ("198.51.100.10", 5060), "internet", 1, ("203.0.113.10", 5060))


def test_the_same_call_id_in_another_zone_is_another_dialog() -> None:
    found = begun()
    found.received(message("BYE"), CALLEE_FLOW, 2.0)
    found.place()
    assert shown(found.of(CALL)) == ["a>INVITE"]


@pytest.mark.parametrize("line", ["Call-ID: leg-a", "call-id:leg-a", "i: leg-a", "I\t:  leg-a  ", "CALL-ID: leg-a"])
def test_every_spelling_of_call_id_is_found(line: str) -> None:
    found = begun()
    found.received(f"BYE sip:x SIP/2.0\r\nSubject: y\r\n{line}\r\n\r\nCall-ID: body\r\n".encode(), CALLER, 2.0)
    found.place()
    assert shown(found.of(CALL)) == ["a>INVITE", "a>BYE"]


def test_keepalives_and_stun_are_no_messages() -> None:
    found = Traces()
    for data in (b"\r\n\r\n", b"\r\n", b"", b"\x00\x01\x00\x00"):
        found.received(data, CALLER, 1.0)
    found.place()
    assert found.source("198.18.1.10") == ()
    found.received(b"\r\n" + message("OPTIONS"), CALLER, 1.0)
    found.place()
    assert len(found.source("198.18.1.10")) == 1


def test_secrets_do_not_get_in() -> None:
    found = begun()
    found.received(message("BYE", extra="Authorization: Bearer topsecret\r\n"), CALLER, 2.0)
    found.place()
    trace = found.of(CALL)
    assert trace is not None
    assert all(b"topsecret" not in one.data for one in trace if isinstance(one, Message))


def test_of_a_long_call_the_beginning_and_the_end_stay() -> None:
    found = begun()
    for number in range(500):
        found.note(CALL, str(number), 2.0)
    trace = found.of(CALL)
    assert trace is not None
    lines = shown(trace)
    assert len(lines) == FIRST_ENTRIES + LAST_ENTRIES
    assert lines[:2] == ["a>INVITE", "0"]
    assert lines[-1] == "499"
    assert trace.left_out == 501 - len(lines)


def test_large_messages_are_counted_in_octets() -> None:
    found = begun()
    for _ in range(40):
        found.received(message("INFO", extra=f"X: {'y' * 60_000}\r\n"), CALLER, 2.0)
        found.place()
    trace = found.of(CALL)
    assert trace is not None
    assert trace.octets <= MAX_CALL_OCTETS
    assert trace.octets == sum(len(one.data) for one in trace if isinstance(one, Message))
    assert found.octets == trace.octets
    assert shown(trace)[0] == "a>INVITE"


def test_ended_calls_are_forgotten_in_their_order() -> None:
    found = Traces()
    names = [CallId(f"{number:013d}") for number in range(KEPT_CALLS + 3)]
    for name in names:
        found.received(message("INVITE", name), CALLER, 1.0)
        found.begin(name, CALLER, name, 1.0)
        found.end(name, "over", 2.0)
    assert [found.of(name) is None for name in names[:4]] == [True, True, True, False]
    assert found.sizes["traced calls"] == KEPT_CALLS
    found.received(message("BYE", names[0]), CALLER, 3.0)  # of a call that is forgotten
    found.place()
    assert len(found.source("198.18.1.10")) == 1


def test_memory_is_bounded_over_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_OCTETS", 10_000)
    found = Traces()
    names = [CallId(f"{number:013d}") for number in range(8)]
    for name in names:
        found.received(message("INVITE", name, f"X: {'y' * 2000}\r\n"), CALLER, 1.0)
        found.begin(name, CALLER, name, 1.0)
        if name < names[4]:
            found.end(name, "over", 1.0)
    assert found.octets <= 10_000
    assert found.of(names[0]) is None
    assert shown(found.of(names[7])) == ["a>INVITE"]
    for name in names[4:]:  # of calls under way the oldest loses what was said
        found.received(message("INFO", name, f"X: {'y' * 2000}\r\n"), CALLER, 1.0)
        found.place()
    assert found.octets <= 10_000
    oldest = found.of(names[4])
    assert oldest is not None
    assert oldest.left_out > 0


def test_a_source_holds_few_messages_and_few_sources_are_held() -> None:
    found = Traces()
    for number in range(SOURCE_MESSAGES + 5):
        found.received(message("OPTIONS", str(number)), CALLER, float(number))
        found.place()
    assert [one.at for one in found.source("198.18.1.10")] == [float(n) for n in range(5, SOURCE_MESSAGES + 5)]
    for number in range(SOURCES + 1):
        flow = Flow("udp", ("203.0.113.10", 5060), (f"h{number}", 5060), "internet", 1, ("203.0.113.10", 5060))
        found.received(message("OPTIONS"), flow, 100.0)
        found.place()
    assert found.sizes["traced sources"] == SOURCES
    assert found.source("198.18.1.10") == ()


def test_taps_see_every_entry_with_its_call() -> None:
    found = Traces()
    seen: list[tuple[str | None, str]] = []
    found.taps.append(lambda call, entry: seen.append((call, type(entry).__name__)))
    found.received(message("OPTIONS"), CALLEE_FLOW, 1.0)
    found.received(message("INVITE"), CALLER, 1.0)
    found.begin(CALL, CALLER, "leg-a", 1.0)
    found.note(CALL, "opened", 1.0)
    assert seen == [(None, "Message"), (CALL, "Message"), (CALL, "Note")]


def test_what_concerns_a_call_that_is_not_known_is_nothing() -> None:
    found = Traces()
    found.note(CALL, "late", 1.0)
    found.end(CALL, "late", 1.0)
    found.join(CALL, "sdn", "x")
    assert found.of(CALL) is None


def test_entries_are_numbered_over_all_calls() -> None:
    found = begun()
    found.note(CALL, "one", 1.0)
    trace = found.of(CALL)
    assert trace is not None
    assert [one.number for one in trace] == [1, 2]
    assert isinstance(list(trace)[1], Note)


def test_the_beginning_of_a_call_is_packed_and_reads_the_same() -> None:
    found = begun()
    for number in range(6):
        found.received(message("INFO", extra=f"X: {'yes ' * 200}{number}\r\n"), CALLER, 2.0)
        found.note(CALL, f"note {number}", 2.0)
    trace = found.of(CALL)
    assert trace is not None
    before, octets = list(trace), found.octets
    found.tidy(1.0 + PACK_SECONDS / 2)
    assert found.octets == octets
    found.tidy(1.0 + PACK_SECONDS)
    assert list(trace) == before
    assert found.octets == trace.octets < octets / 4
    found.received(message("BYE"), CALLER, 3.0)
    found.place()
    assert list(trace)[:-1] == before
    assert shown(trace)[-1] == "a>BYE"
    found.tidy(1000.0)  # nothing is packed twice
    assert list(trace)[:-1] == before


def test_traces_are_packed_a_few_at_a_time_and_not_when_their_calls_have_ended() -> None:
    found = Traces()
    names = [CallId(f"{number:013d}") for number in range(5 * PACKED_AT_ONCE // 2)]
    for number, name in enumerate(names):
        found.received(message("INVITE", name, f"X: {'y' * 200}\r\n"), CALLER, 1.0)
        found.begin(name, CALLER, name, 1.0)
        if number < PACKED_AT_ONCE:
            found.end(name, "over", 1.0)
    octets = found.octets
    found.tidy(100.0)
    packed = octets - found.octets
    assert packed > 0
    found.tidy(100.0)
    assert packed < octets - found.octets < 2 * packed
    octets = found.octets
    found.tidy(100.0)
    assert found.octets == octets == sum(trace.octets for name in names if (trace := found.of(name)))


def test_what_was_said_at_the_pinhole_socket_is_packed_too() -> None:
    found = begun()
    ends = End("sdn", "hospital", 4, Remote("198.18.1.10", 6000)), End("internet", "clinic", 4)
    ports = Local("198.18.0.10", 40000, 40001), Local("203.0.113.10", 40000, 40001)
    lease = f"{CALL}.0"
    for event in (
        Lease(1, CALL, (Stream(lease, "rtp", *ends),)),
        Leased(1, (Opened(lease, *ports),)),
        SetRemote(2, (Change(lease, "b", Remote("198.51.100.10", 7000)),)),
        Learned(lease, "a", Remote("198.18.1.10", 6000)),
        Release(0, (lease,)),
        Revoked((lease,), "policy"),
    ):
        found.said(event, 1.0)
    trace = found.of(CALL)
    assert trace is not None
    before = list(trace)
    found.tidy(100.0)
    assert list(trace) == before
    assert len(before) == 7
