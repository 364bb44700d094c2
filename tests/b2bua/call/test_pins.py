"""PINs that somebody else dials for a call, by REFER or a redirection, stand in no trace either."""

from __future__ import annotations

from msgspec import structs

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.trace import Traces
from b2bua.trace.entry import Message
from b2bua.trace.limits import MAX_PINS
from tests.b2bua.call.test_calls import ALICE, NET, SDN, offer
from tests.b2bua.call.test_redirects import Redirected
from tests.b2bua.call.test_transfer import Party
from vdx.dialplan import PinStyle
from vdx.ids import CallId

CALL = CallId("aaaaaaaaaaaaa")


def behind_a_pin(line: Party) -> None:
    """Have Carol wait for PINs in a header field of her own."""
    signalling = line.gateway.plan.signalling
    peers = [
        structs.replace(peer, dial=structs.replace(peer.dial, pin=PinStyle("header", "X-Room-Pin")))
        if peer.name == "practice"
        else peer
        for peer in signalling.peers
    ]
    line.gateway.plan = Plan("v9", structs.replace(signalling, peers=tuple(peers)))


def kept(line: Party) -> bytes:
    """Give what the trace of the one call holds, once Carol was called with the PIN."""
    event = line.carol.last(sip.IncomingInvite)
    assert isinstance(event, sip.IncomingInvite)
    assert event.request.get("X-Room-Pin") == "9876"
    (info,) = line.gateway.calls(line.world.now)
    trace = line.gateway.traces.of(info.call)
    assert trace is not None
    return b"".join(entry.data for entry in trace if isinstance(entry, Message))


def test_the_pin_of_a_transfer_is_in_no_trace() -> None:
    line = Party()
    behind_a_pin(line)
    line.up()
    line.refer(line.alice, f"<sip:carol**9876@{SDN}>")
    data = kept(line)
    assert b"X-Room-Pin: xxxx" in data
    assert b"9876" not in data


def test_the_pin_of_a_redirection_is_in_no_trace_nor_is_the_one_dialled() -> None:
    line = Redirected()
    behind_a_pin(line)
    line.dial(offer(ALICE), user="bob**5432")
    line.redirect(f"<sip:carol**9876@{NET}>")
    data = kept(line)
    assert b"X-Room-Pin: xxxx" in data
    assert b"9876" not in data
    assert b"5432" not in data


def test_the_pin_of_a_transfer_that_leads_nowhere_is_kept_out_of_the_trace_too() -> None:
    line = Party()
    line.up()
    line.refer(line.alice, f"<sip:nobody**9876@{SDN}>")
    (info,) = line.gateway.calls(line.world.now)
    trace = line.gateway.traces.of(info.call)
    assert trace is not None
    assert trace.pins == (b"9876",)


def test_the_pins_of_a_call_are_bounded_and_none_is_none() -> None:
    traces = Traces()
    flow = sip.Flow("udp", (SDN, 5060), (ALICE, 5060), "sdn", 1, (SDN, 5060))
    traces.begin(CALL, flow, "x", 0)
    traces.hide(CALL, "")
    for pin in range(2 * MAX_PINS):
        traces.hide(CALL, f"{pin:04}")
        traces.hide(CALL, f"{pin:04}")
    trace = traces.of(CALL)
    assert trace is not None
    assert [*trace.pins] == [f"{pin:04}".encode() for pin in range(MAX_PINS, 2 * MAX_PINS)]
