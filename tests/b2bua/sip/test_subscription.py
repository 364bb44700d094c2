"""Subscriptions in dialogs of their own: begun by SUBSCRIBE, notified, refreshed, and gone without a trace."""

from __future__ import annotations

import pytest

from b2bua.sip import Endpoint, HeaderError, Request, RequestReceived, Settings, parse, subscribed, unsubscribed
from tests.b2bua.sip.test_endpoint import FLOW, answer_to, branch, request
from tests.b2bua.sip.wire import CountingIds

SETTINGS = Settings(allow=("INVITE", "ACK", "BYE", "SUBSCRIBE", "NOTIFY"))


def asked(endpoint: Endpoint) -> RequestReceived:
    event = endpoint.events()[0]
    assert isinstance(event, RequestReceived)
    return event


def test_a_subscription_is_accepted_notified_refreshed_and_ended() -> None:
    endpoint = Endpoint(CountingIds("x"), SETTINGS)
    endpoint.receive(request("SUBSCRIBE"), FLOW, 0.0)
    event = asked(endpoint)
    assert event.leg is None
    leg = subscribed(event.handle, "<sip:1000@192.0.2.9>;isfocus")
    event.handle.respond(0.0, 200, headers=(("Expires", "60"),))
    accepted = parse(endpoint.to_send()[0].data)
    assert accepted.get("contact") == "<sip:1000@192.0.2.9>;isfocus"
    assert accepted.to.tag == leg.id
    leg.request(0.0, "NOTIFY", (("Event", "conference"), ("Subscription-State", "active")))
    notify = parse(endpoint.to_send()[0].data)
    assert isinstance(notify, Request)
    assert (notify.method, notify.from_.tag, notify.call_id) == ("NOTIFY", leg.id, accepted.call_id)
    endpoint.receive(request("SUBSCRIBE", to=accepted.get("to"), via=branch("b"), cseq="2 SUBSCRIBE"), FLOW, 1.0)
    again = asked(endpoint)
    assert again.leg is leg
    again.handle.respond(1.0, 200)
    unsubscribed(leg)
    endpoint.to_send()
    gone = request("SUBSCRIBE", to=accepted.get("to"), via=branch("c"), cseq="3 SUBSCRIBE")
    assert answer_to(endpoint, gone).status == 481
    for now in (100.0, 200.0, 300.0):
        endpoint.on_timer(now)
    assert not any(endpoint.sizes.values())


def test_a_contact_that_cannot_be_read_begins_nothing() -> None:
    endpoint = Endpoint(CountingIds("x"), SETTINGS)
    endpoint.receive(request("SUBSCRIBE").replace(b"Contact: ", b"Contact: <<"), FLOW, 0.0)
    with pytest.raises(HeaderError):
        subscribed(asked(endpoint).handle)
    assert endpoint.sizes["legs"] == 0
