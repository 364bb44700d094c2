"""Who may begin something, and how much room there is for it."""

from __future__ import annotations

import pytest

from b2bua.sip import Endpoint, Flow, IncomingInvite, Refusal, Request, RequestReceived, Silence, parse
from tests.b2bua.sip.test_endpoint import FLOW, PEER, US, answer_to, branch, established, request
from tests.b2bua.sip.wire import SDP, CountingIds


def other(data: bytes) -> bytes:
    """Put a request into another call."""
    return data.replace(b"Call-ID: c1", b"Call-ID: c2")


def test_new_requests_of_a_zone_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(CountingIds("x"))
    monkeypatch.setattr("b2bua.sip.endpoint.MAX_NEW_REQUESTS", 1)
    endpoint.receive(request("INVITE"), FLOW, 0.0)
    full = answer_to(endpoint, other(request("OPTIONS", via=branch("b"))))
    assert full.status == 503
    assert full.get("retry-after") == "10"
    assert len(endpoint.events()) == 1
    elsewhere = Flow("udp", US, PEER, "internet", 2, US)
    endpoint.receive(other(request("OPTIONS", via=branch("b"))), elsewhere, 0.0)
    assert isinstance(endpoint.events()[0], RequestReceived)  # another zone has room of its own


def test_a_full_zone_still_ends_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(CountingIds("x"))
    monkeypatch.setattr("b2bua.sip.endpoint.MAX_NEW_REQUESTS", 2)
    to = established(endpoint)
    endpoint.receive(other(request("INVITE", via=branch("b"))), FLOW, 0.0)
    assert isinstance(endpoint.events()[0], IncomingInvite)
    assert answer_to(endpoint, request("INVITE", via=branch("c"), cseq="9 INVITE")).status == 503
    assert answer_to(endpoint, request("BYE", to=to, via=branch("d"), cseq="2 BYE")).status == 200
    endpoint.receive(other(request("CANCEL", via=branch("b"))), FLOW, 0.0)
    assert [parse(sent.data).status for sent in endpoint.to_send()] == [200, 487]  # type: ignore[union-attr]
    endpoint.on_timer(1.0)
    endpoint.on_timer(100.0)
    assert not any(endpoint.sizes.values())


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "INFO", "REGISTER", "FROBNICATE"])
def test_a_stranger_is_refused_and_nothing_is_kept(method: str) -> None:
    asked: list[Flow] = []

    def admit(_request: Request, flow: Flow, _now: float) -> None:
        asked.append(flow)
        raise Refusal("nobody we know", 403)

    strict = Endpoint(CountingIds("x"), admit=admit)
    data = request(method, body=SDP)
    refused = answer_to(strict, data)
    assert refused.status == 403
    assert answer_to(strict, data).get("to") == refused.get("to")  # a retransmission hears the same
    assert asked == [FLOW, FLOW]
    strict.receive(request("ACK", to=refused.get("to")), FLOW, 0.0)
    assert not strict.to_send()
    assert not strict.events()
    assert not any(strict.sizes.values())


def test_a_challenge_is_answered_without_state_and_silence_is_none() -> None:
    def ask(request: Request, _flow: Flow, _now: float) -> None:
        if "authorization" not in request.index:
            raise Refusal("who is there?", 401, (("WWW-Authenticate", 'Digest realm="a"'), ("WWW-Authenticate", "B c")))
        raise Silence("a scanner")

    strict = Endpoint(CountingIds("x"), admit=ask)
    asked = answer_to(strict, request("INVITE", body=SDP))
    assert (asked.status, asked.all("www-authenticate")) == (401, ['Digest realm="a"', "B c"])
    strict.receive(request("ACK", to=asked.get("to")), FLOW, 0.0)
    told = request("INVITE", body=SDP).replace(b"Call-ID: c1", b"Authorization: Digest x=y\r\nCall-ID: c1")
    strict.receive(told, FLOW, 0.0)
    assert not strict.to_send()
    assert not strict.events()
    assert strict.dropped["ignored"] == 1
    assert not any(strict.sizes.values())


def test_a_call_goes_on_when_its_source_is_no_longer_admitted() -> None:
    """Who may begin is asked once; dialogs and CANCEL are proved by what they name."""
    known = {FLOW}

    def admit(_request: Request, flow: Flow, _now: float) -> None:
        if flow not in known:
            raise Refusal("nobody we know", 403)

    strict = Endpoint(CountingIds("x"), admit=admit)
    to = established(strict)
    strict.receive(other(request("INVITE", via=branch("b"))), FLOW, 0.0)
    strict.events()
    known.clear()
    strict.receive(other(request("INVITE", via=branch("b"))), FLOW, 0.1)  # a retransmission is no new request
    strict.receive(other(request("CANCEL", via=branch("b"))), FLOW, 0.2)
    strict.receive(request("BYE", to=to, via=branch("c"), cseq="2 BYE"), FLOW, 0.3)
    assert [parse(sent.data).status for sent in strict.to_send()] == [100, 200, 487, 200]  # type: ignore[union-attr]
    assert not strict.dropped
