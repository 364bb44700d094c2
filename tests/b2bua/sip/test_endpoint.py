"""One endpoint against a peer written by hand: what it refuses, where it answers, forks and strays."""

from __future__ import annotations

import pytest

from b2bua.sip import (
    Answered,
    Confirmed,
    Endpoint,
    Failed,
    Flow,
    IncomingInvite,
    InjectionError,
    Invitation,
    Outgoing,
    Provisional,
    Response,
    Settings,
    SipError,
    Target,
    UriError,
    parse,
)
from b2bua.sip.limits import MAX_FORKS
from tests.b2bua.sip.wire import SDP, CountingIds

US = ("192.0.2.250", 5060)
PEER = ("203.0.113.9", 5060)
FLOW = Flow("udp", US, PEER, "sdn", 1, US)
TCP = Flow("tcp", US, ("203.0.113.9", 40_000), "sdn", 7, US)
TO_PEER = Invitation(
    Target("sdn", "udp", *PEER), "sip:room@203.0.113.9", "<sip:ann@us>", "<sip:room@them>", US, body=SDP
)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(CountingIds("x"))


def request(
    method: str = "OPTIONS",
    *lines: str,
    via: str = "SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKa",
    to: str = "<sip:room@us>",
    cseq: str = "",
    body: bytes = b"",
    uri: str = "sip:room@192.0.2.250",
) -> bytes:
    head = [
        f"{method} {uri} SIP/2.0",
        f"Via: {via}",
        "From: <sip:ann@them>;tag=f",
        f"To: {to}",
        "Call-ID: c1",
        f"CSeq: {cseq or f'1 {method}'}",
        *lines,
        "Contact: <sip:ann@203.0.113.9:5060>",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def reply(sent: Outgoing, status: int, tag: str = "", *lines: str, body: bytes = b"", contact: str = "") -> bytes:
    """Answer a request of the endpoint."""
    message = parse(sent.data)
    contact = contact or f"<sip:bob@203.0.113.9:5060;fork={tag}>"
    head = [
        f"SIP/2.0 {status} Whatever",
        f"Via: {message.get('via')}",
        f"From: {message.get('from')}",
        f"To: {message.get('to')}{';tag=' + tag if tag else ''}",
        "Call-ID: " + message.call_id,
        "CSeq: " + message.get("cseq"),
        *lines,
        f"Contact: {contact}",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def answer_to(endpoint: Endpoint, data: bytes, flow: Flow = FLOW) -> Response:
    endpoint.receive(data, flow, 0.0)
    (sent,) = endpoint.to_send()
    message = parse(sent.data)
    assert isinstance(message, Response)
    return message


def sent_lines(sent: list[Outgoing]) -> list[str]:
    return [outgoing.data.partition(b"\r\n")[0].decode() for outgoing in sent]


def established(endpoint: Endpoint, flow: Flow = FLOW, contact: str = "") -> str:
    """Let the peer call and be answered; gives the To value with our tag."""
    data = request("INVITE", body=SDP)
    if contact:
        data = data.replace(b"<sip:ann@203.0.113.9:5060>", contact.encode())
    endpoint.receive(data, flow, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    event.leg.answer(0.0, body=SDP)
    to = parse(endpoint.to_send()[0].data).get("to")
    endpoint.receive(request("ACK", to=to), flow, 0.0)
    assert isinstance(endpoint.events()[0], Confirmed)
    return to


# What is refused


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("BYE", to="<sip:room@us>;tag=gone"), 481),
        (request("BYE"), 481),
        (request("INFO"), 481),
        (request("INVITE", to="<sip:room@us>;tag=gone"), 481),
        (request("CANCEL"), 481),
        (request("OPTIONS", "Max-Forwards: 0"), 483),
        (request("OPTIONS", "Max-Forwards: 256"), 400),
        (request("OPTIONS", uri="urn:service:sos"), 416),
        (request("OPTIONS", uri="tel:"), 400),
        (request("INVITE", uri="tel:45;phone-context"), 400),
        (request("OPTIONS", uri="sip:a%0d%0aX@h"), 400),
        (request("PUBLISH"), 405),
        (request("FROBNICATE"), 501),
        (request("OPTIONS", cseq="1 BYE"), 400),
        (request("OPTIONS").replace(b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505),
        (request("OPTIONS").replace(b"Call-ID: c1\r\n", b""), 400),
        (request("INVITE", "Contact: <sip:second@h>"), 400),
    ],
)
def test_refusals(endpoint: Endpoint, data: bytes, status: int) -> None:
    answer = answer_to(endpoint, data)
    assert answer.status == status
    assert answer.to.tag
    assert not endpoint.events()
    assert not any(endpoint.sizes.values())
    assert answer_to(endpoint, data).to.tag == answer.to.tag  # the same again for a retransmission (8.2.7)


def test_a_100_says_when_its_request_was_sent(endpoint: Endpoint) -> None:
    """RFC 3261 8.2.6.1."""
    endpoint.receive(request("INVITE", "Timestamp: 54.2 0.1"), FLOW, 0.0)
    endpoint.on_timer(0.25)
    (sent,) = endpoint.to_send()
    trying = parse(sent.data)
    assert isinstance(trying, Response)
    assert (trying.status, trying.get("timestamp")) == (100, "54.2 0.1")


def test_required_extensions_are_named(endpoint: Endpoint) -> None:
    answer = answer_to(endpoint, request("INVITE", "Require: 100rel, Pref, Join", "Require: x"))
    assert answer.status == 420
    assert answer.tokens("unsupported") == ("Pref", "Join", "x")
    knows = Endpoint(CountingIds("x"), Settings(supported=frozenset({"100rel", "timer", "x"})))
    knows.receive(request("INVITE", "Require: 100rel, Timer", "Require: x"), FLOW, 0.0)
    assert isinstance(knows.events()[0], IncomingInvite)


@pytest.mark.parametrize("tag", ["no tag", "a\0b", "(x)"])
def test_an_option_tag_that_is_none_is_not_repeated(endpoint: Endpoint, tag: str) -> None:
    assert answer_to(endpoint, request("INVITE", f"Require: {tag}")).status == 400


def test_allow_is_named(endpoint: Endpoint) -> None:
    assert "INVITE" in answer_to(endpoint, request("PUBLISH")).tokens("allow")


def test_merged_requests(endpoint: Endpoint) -> None:
    endpoint.receive(request("INVITE"), FLOW, 0.0)
    other_way = request("INVITE", via="SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKother")
    assert answer_to(endpoint, other_way).status == 482
    assert len(endpoint.events()) == 1


@pytest.mark.parametrize("data", [request("ACK"), request("ACK", to="<sip:room@us>;tag=gone")])
def test_a_stray_ack_is_not_answered(endpoint: Endpoint, data: bytes) -> None:
    endpoint.receive(data, FLOW, 0.0)
    assert not endpoint.to_send()
    assert endpoint.dropped == {"ack without dialog": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\r\n\r\n", "keepalive"),
        (b"", "keepalive"),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), "keepalive"),
        (b"hello", "unparsable"),
        (b"OPTIONS sip:a@b SIP/2.0\r\nTo: x\r\n\r\n", "unanswerable"),
        (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=y\r\nCSeq: 1 BYE\r\n\r\n", "response without request"),
    ],
)
def test_what_is_dropped_is_counted(endpoint: Endpoint, data: bytes, reason: str) -> None:
    endpoint.receive(data, FLOW, 0.0)
    assert not endpoint.to_send()
    assert endpoint.dropped == {reason: 1}


def branch(name: str) -> str:
    return f"SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK{name}"


# Where answers go


@pytest.mark.parametrize(
    ("via", "source", "to", "received"),
    [
        ("203.0.113.9:5060", PEER, PEER, ""),
        ("203.0.113.9", PEER, PEER, ""),
        ("203.0.113.9:5070", PEER, ("203.0.113.9", 5070), ""),
        ("10.0.0.5:5060;rport", ("203.0.113.9", 4711), ("203.0.113.9", 4711), "received=203.0.113.9;rport=4711"),
        ("10.0.0.5:5060", ("203.0.113.9", 4711), ("203.0.113.9", 5060), "received=203.0.113.9"),
        ("255.255.255.255", PEER, PEER, "received=203.0.113.9"),
        ("h;maddr=224.0.0.1;ttl=1", PEER, PEER, "received=203.0.113.9"),
        ("h;received=198.51.100.1;rport", PEER, PEER, "received=203.0.113.9;rport=5060"),
    ],
)
def test_answers_over_udp(
    endpoint: Endpoint, via: str, source: tuple[str, int], to: tuple[str, int], received: str
) -> None:
    data = request("BYE", via=f"SIP/2.0/UDP {via};branch=z9hG4bKa, SIP/2.0/UDP next;branch=z9hG4bKb")
    endpoint.receive(data, Flow("udp", US, source, "sdn", 1, US), 0.0)
    (sent,) = endpoint.to_send()
    assert isinstance(sent.to, Flow)
    assert sent.to.remote == to
    top, _, second = parse(sent.data).get("via").partition(", ")
    assert top.endswith(received)
    assert top.count("received") == (1 if received else 0)
    assert second == "SIP/2.0/UDP next;branch=z9hG4bKb"


def test_answers_over_tcp_stay_on_the_connection(endpoint: Endpoint) -> None:
    endpoint.receive(request("BYE", via="SIP/2.0/TCP 198.51.100.7:5060;branch=z9hG4bKa"), TCP, 0.0)
    assert endpoint.to_send()[0].to is TCP


# Responses


def test_a_response_needs_our_via_and_our_zone(endpoint: Endpoint) -> None:
    endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    good = reply(invite, 486, "t")
    endpoint.receive(good.replace(b"UDP 192.0.2.250:5060", b"UDP 192.0.2.251:5060"), FLOW, 0.0)
    endpoint.receive(good, Flow("udp", US, PEER, "internet", 2, US), 0.0)
    endpoint.receive(good.replace(b"486 Whatever", b"486 Whatever\r\nCall-ID: other"), FLOW, 0.0)
    endpoint.receive(good.replace(b"1 INVITE", b"1 BYE"), FLOW, 0.0)
    assert endpoint.dropped == {"response without request": 4}
    assert not endpoint.events()
    endpoint.receive(good.replace(b"SIP/2.0/UDP 192.0.2.250:5060;", b"SIP / 2.0 / UDP  192.0.2.250:5060 ;"), FLOW, 0.0)
    assert isinstance(endpoint.events()[0], Failed)


def test_a_200_with_a_broken_contact_is_dropped(endpoint: Endpoint) -> None:
    endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    endpoint.receive(reply(invite, 200, "t", contact="<sip:a"), FLOW, 0.0)
    assert endpoint.dropped == {"unparsable": 1}
    assert not endpoint.events()


# Forks


def test_early_dialogs_and_the_second_200(endpoint: Endpoint) -> None:
    leg = endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    for tag in ("one", "two", "one"):
        endpoint.receive(reply(invite, 183, tag, body=SDP), FLOW, 0.0)
    ringing = endpoint.events()
    assert [event.to_tag for event in ringing if isinstance(event, Provisional)] == ["one", "two", "one"]
    endpoint.receive(reply(invite, 200, "two", body=SDP), FLOW, 0.0)
    (answered,) = endpoint.events()
    assert isinstance(answered, Answered)
    assert answered.to_tag == "two"
    assert sent_lines(endpoint.to_send()) == ["ACK sip:bob@203.0.113.9:5060;fork=two SIP/2.0"]
    endpoint.receive(reply(invite, 200, "one", body=SDP), FLOW, 1.0)
    assert not endpoint.events()
    ack, bye = endpoint.to_send()
    assert ack.data.startswith(b"ACK sip:bob@203.0.113.9:5060;fork=one SIP/2.0")
    assert bye.data.startswith(b"BYE sip:bob@203.0.113.9:5060;fork=one SIP/2.0")
    assert parse(bye.data).cseq == (2, "BYE")
    endpoint.receive(reply(invite, 200, "one", body=SDP), FLOW, 2.0)
    assert sent_lines(endpoint.to_send()) == ["ACK sip:bob@203.0.113.9:5060;fork=one SIP/2.0"]
    assert leg.state == "up"
    endpoint.receive(reply(bye, 200), FLOW, 2.0)


def test_the_answer_of_a_fork_moves_its_dialog(endpoint: Endpoint) -> None:
    """Contact, Record-Route and flow of the 2xx count, not those of the 180 (13.2.2.4)."""
    leg = endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    endpoint.receive(reply(invite, 180, "t", "Record-Route: <sip:p1;lr>"), FLOW, 0.0)
    newer = Flow("udp", US, ("203.0.113.9", 4711), "sdn", 1, US)
    endpoint.receive(reply(invite, 200, "t", body=SDP, contact="<sip:moved@10.0.0.1>"), newer, 0.0)
    leg.bye(0.0)
    for sent in endpoint.to_send():
        assert sent.to is newer
        assert sent.data.split()[1] == b"sip:moved@10.0.0.1"
        assert not parse(sent.data).all("route")


def test_a_repeated_refusal_is_acked_again(endpoint: Endpoint) -> None:
    endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    for _ in range(3):
        endpoint.receive(reply(invite, 486, "t"), FLOW, 0.0)
    acks = endpoint.to_send()
    assert len(acks) == 3
    assert len({ack.data for ack in acks}) == 1
    ack = parse(acks[0].data)
    assert ack.to.tag == "t"
    assert ack.via == parse(invite.data).via
    assert len(endpoint.events()) == 1


def test_a_reinvite_answered_after_our_bye_is_acked(endpoint: Endpoint) -> None:
    established(endpoint)
    (leg,) = endpoint._layer.legs.values()
    leg.reinvite(1.0, body=SDP)
    (reinvite,) = endpoint.to_send()
    leg.bye(1.0)
    endpoint.to_send()
    for _ in range(2):
        endpoint.receive(reply(reinvite, 200, body=SDP), FLOW, 1.1)
        assert sent_lines(endpoint.to_send()) == ["ACK sip:ann@203.0.113.9:5060 SIP/2.0"]
    assert not endpoint.events()


def test_forks_are_bounded(endpoint: Endpoint) -> None:
    leg = endpoint.invite(TO_PEER, 0.0)
    (invite,) = endpoint.to_send()
    for number in range(MAX_FORKS + 5):
        endpoint.receive(reply(invite, 180, f"t{number}"), FLOW, 0.0)
    assert len(endpoint.events()) == len(leg.forks) == MAX_FORKS


# What we write


@pytest.mark.parametrize("value", ["<sip:a@b>\r\nVia: x", "<sip:a%0d%0aVia@b>", "<sip:a\n@b>"])
def test_invitations_cannot_carry_line_ends(endpoint: Endpoint, value: str) -> None:
    for broken in (
        Invitation(TO_PEER.destination, TO_PEER.uri, value, TO_PEER.to, US),
        Invitation(TO_PEER.destination, TO_PEER.uri, TO_PEER.from_, value, US),
        Invitation(TO_PEER.destination, value, TO_PEER.from_, TO_PEER.to, US),
        Invitation(TO_PEER.destination, TO_PEER.uri, TO_PEER.from_, TO_PEER.to, US, contact=value),
        Invitation(TO_PEER.destination, TO_PEER.uri, TO_PEER.from_, TO_PEER.to, US, route=(value,)),
        Invitation(TO_PEER.destination, TO_PEER.uri, TO_PEER.from_, TO_PEER.to, US, headers=[("Subject", value)]),
        Invitation(
            TO_PEER.destination, TO_PEER.uri, TO_PEER.from_, TO_PEER.to, US, body=b"x", content_type=f"a/b{value}"
        ),
    ):
        with pytest.raises(InjectionError):
            endpoint.invite(broken, 0.0)
    assert not endpoint.to_send()
    assert not any(endpoint.sizes.values())


def test_invitations_need_a_sip_uri(endpoint: Endpoint) -> None:
    for uri in ("room", "tel:+45", "sip:room@::1"):
        with pytest.raises(UriError):
            endpoint.invite(Invitation(TO_PEER.destination, uri, TO_PEER.from_, TO_PEER.to, US), 0.0)


def test_invitations_need_proper_parties(endpoint: Endpoint) -> None:
    for from_, to in (("<sip:a@b>;tag=mine", "<sip:c@d>"), ("Bell, A <sip:a@b>", "<sip:c@d>"), ("<sip:a@b>", "nobody")):
        with pytest.raises(SipError):
            endpoint.invite(Invitation(TO_PEER.destination, TO_PEER.uri, from_, to, US), 0.0)
    assert not any(endpoint.sizes.values())


def test_our_contact_repeats_the_user_that_was_called(endpoint: Endpoint) -> None:
    endpoint.receive(request("INVITE"), FLOW, 0.0)
    event = endpoint.events()[0]
    assert isinstance(event, IncomingInvite)
    event.leg.ring(0.0)
    assert parse(endpoint.to_send()[0].data).get("contact") == "<sip:room@192.0.2.250:5060>"


def test_an_invite_as_written(endpoint: Endpoint) -> None:
    invitation = Invitation(
        Target("sdn", "tcp", "2001:db8::9", 5060),
        "sip:room@[2001:db8::9]",
        '"Ann" <sip:ann@us>',
        "sip:room@them",
        ("2001:db8::1", 5060),
        route=("<sip:p;lr>",),
        headers=(("Subject", "Round"),),
        body=b"v=0\r\n",
        max_forwards=12,
    )
    endpoint.invite(invitation, 0.0)
    assert endpoint.to_send()[0].data == (
        b"INVITE sip:room@[2001:db8::9] SIP/2.0\r\n"
        b"Via: SIP/2.0/TCP [2001:db8::1]:5060;rport;branch=z9hG4bKx2\r\n"
        b"Max-Forwards: 12\r\n"
        b"Route: <sip:p;lr>\r\n"
        b'From: "Ann" <sip:ann@us>;tag=x1\r\n'
        b"To: <sip:room@them>\r\n"
        b"Call-ID: x3\r\n"
        b"CSeq: 1 INVITE\r\n"
        b"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, NOTIFY, REFER\r\n"
        b"Supported: 100rel, timer\r\n"
        b"Session-Expires: 1800;refresher=uac\r\n"
        b"Contact: <sip:ann@[2001:db8::1]:5060;transport=tcp>\r\n"
        b"Subject: Round\r\n"
        b"Content-Type: application/sdp\r\n"
        b"Content-Length: 5\r\n\r\nv=0\r\n"
    )
