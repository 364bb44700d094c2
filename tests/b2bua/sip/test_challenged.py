"""Requests that meet a challenge go out again with credentials, as other transactions of the same call."""

from __future__ import annotations

import pytest

from b2bua.sip import Answered, Endpoint, Failed, Fields, Outgoing, Request, RequestAnswered, Response, parse
from b2bua.sip.digest import Secret
from b2bua.sip.login import MAX_TRIES, Login
from tests.b2bua.sip.test_endpoint import FLOW, TO_PEER
from tests.b2bua.sip.wire import ANSWER, CountingIds

CHALLENGE = 'Digest realm="trunk", nonce="{}", algorithm=MD5, qop="auth"'


def login() -> Login:
    ids = CountingIds("c")
    return Login("ann", Secret("secret word"), ids.token)


def answer_to(sent: Outgoing, status: int, headers: Fields = (), body: bytes = b"") -> bytes:
    """Answer a request of the endpoint as the peer does."""
    message = parse(sent.data)
    to = message.get("to")
    lines = [f"SIP/2.0 {status} Said"]
    lines += [f"{name}: {message.get(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
    lines += [f"To: {to}" if "tag=" in to else f"To: {to};tag=p", "Contact: <sip:room@203.0.113.9>"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def asks(nonce: str, status: int = 401, *, stale: bool = False) -> Fields:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return [(name, CHALLENGE.format(nonce) + (", stale=true" if stale else ""))]


def sent(endpoint: Endpoint, method: str) -> tuple[Outgoing, Request]:
    """Give the one request of a method that was sent."""
    found = []
    for out in endpoint.to_send():
        message = parse(out.data)
        if isinstance(message, Request) and message.method == method:
            found.append((out, message))
    assert len(found) == 1, (method, found)
    return found[0]


@pytest.mark.parametrize(("status", "field"), [(401, "authorization"), (407, "proxy-authorization")])
def test_a_call_logs_in(status: int, field: str) -> None:
    endpoint = Endpoint(CountingIds("x"))
    leg = endpoint.invite(TO_PEER._replace(login=login()), 0.0)
    out, first = sent(endpoint, "INVITE")
    assert not first.all(field)
    endpoint.receive(answer_to(out, status, asks("one", status)), FLOW, 0.0)
    assert not endpoint.events()  # its owner hears nothing of that
    batch = endpoint.to_send()
    assert batch[0].data.startswith(b"ACK ")
    second = parse(batch[1].data)
    assert second.cseq.number == first.cseq.number + 1
    assert second.via.branch != first.via.branch
    assert (second.call_id, second.get("from"), second.get("to")) == (first.call_id, first.get("from"), first.get("to"))
    assert second.session == first.session
    assert 'nonce="one"' in second.get(field)
    assert "nc=00000001" in second.get(field)
    endpoint.receive(answer_to(batch[1], 200, (), ANSWER), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, Answered)
    _, ack = sent(endpoint, "ACK")
    assert ack.get(field) == second.get(field)  # RFC 3261 22.1
    leg.bye(0.0)
    out, bye = sent(endpoint, "BYE")
    assert "nc=00000002" in bye.get(field)  # answered before it is asked
    endpoint.receive(answer_to(out, status, asks("two", status, stale=True)), FLOW, 0.0)
    out, bye = sent(endpoint, "BYE")
    assert 'nonce="two"' in bye.get(field)
    endpoint.receive(answer_to(out, 200), FLOW, 0.0)
    assert endpoint.sizes["legs"] == 0


def test_a_peer_that_does_not_believe_us_is_asked_once() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.invite(TO_PEER._replace(login=login()), 0.0)
    out, _ = sent(endpoint, "INVITE")
    endpoint.receive(answer_to(out, 401, asks("one")), FLOW, 0.0)
    out, _ = sent(endpoint, "INVITE")
    endpoint.receive(answer_to(out, 401, asks("two")), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, Failed)
    assert event.status == 401


def test_a_peer_that_always_finds_it_stale_is_given_up() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.invite(TO_PEER._replace(login=login()), 0.0)
    count = 0
    while not (events := endpoint.events()):
        out, _ = sent(endpoint, "INVITE")
        count += 1
        endpoint.receive(answer_to(out, 401, asks(f"n{count}", stale=True)), FLOW, 0.0)
    assert isinstance(events[0], Failed)
    assert count <= MAX_TRIES + 1


def test_without_a_login_it_is_a_failure() -> None:
    endpoint = Endpoint(CountingIds("x"))
    endpoint.invite(TO_PEER, 0.0)
    out, _ = sent(endpoint, "INVITE")
    endpoint.receive(answer_to(out, 401, asks("one")), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, Failed)


def test_a_cancelled_call_is_not_made_again() -> None:
    endpoint = Endpoint(CountingIds("x"))
    leg = endpoint.invite(TO_PEER._replace(login=login()), 0.0)
    out, _ = sent(endpoint, "INVITE")
    leg.cancel(0.0)
    endpoint.receive(answer_to(out, 401, asks("one")), FLOW, 0.0)
    assert [one.data.split(b" ")[0] for one in endpoint.to_send()] == [b"ACK"]


def test_a_request_outside_dialogs_logs_in() -> None:
    endpoint = Endpoint(CountingIds("x"))
    handle = endpoint.request("OPTIONS", TO_PEER._replace(body=b"", login=login()), 0.0)
    out, first = sent(endpoint, "OPTIONS")
    endpoint.receive(answer_to(out, 407, asks("one", 407)), FLOW, 0.0)
    assert not endpoint.events()
    out, second = sent(endpoint, "OPTIONS")
    assert second.cseq.number == first.cseq.number + 1
    assert second.get("proxy-authorization")
    endpoint.receive(answer_to(out, 200), FLOW, 0.0)
    (event,) = endpoint.events()
    assert isinstance(event, RequestAnswered)
    assert (event.handle, event.status) == (handle, 200)


def test_forks_of_the_first_try_are_forgotten() -> None:
    endpoint = Endpoint(CountingIds("x"))
    leg = endpoint.invite(TO_PEER._replace(login=login()), 0.0)
    out, _ = sent(endpoint, "INVITE")
    endpoint.receive(answer_to(out, 180), FLOW, 0.0)
    assert leg.forks
    endpoint.receive(answer_to(out, 401, asks("one")), FLOW, 0.0)
    assert not leg.forks
    assert isinstance(parse(answer_to(out, 180)), Response)


def test_a_stored_path_is_preloaded() -> None:
    """RFC 3327 5.4, RFC 3261 12.2.1.1: through the path to the registered contact; the dialog has its own routes."""
    endpoint = Endpoint(CountingIds("x"))
    path = ("<sip:edge.example.net;lr;ob>", "<sip:core.example.net;lr>")
    leg = endpoint.invite(TO_PEER._replace(route=path, uri="sip:room@10.0.0.9:5070"), 0.0)
    out, invite = sent(endpoint, "INVITE")
    assert invite.uri == "sip:room@10.0.0.9:5070"
    assert invite.all("route") == list(path)
    record = [("Record-Route", "<sip:core.example.net;lr>, <sip:edge.example.net;lr>")]
    endpoint.receive(answer_to(out, 200, record, ANSWER), FLOW, 0.0)
    _, ack = sent(endpoint, "ACK")
    assert ack.uri == "sip:room@203.0.113.9"
    assert ack.all("route") == ["<sip:edge.example.net;lr>", "<sip:core.example.net;lr>"]
    assert leg.dialog
    assert leg.dialog.to == FLOW  # the flow it came on, whatever the routes say
