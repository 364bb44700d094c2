"""Typed header values and URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import HeaderError, InjectionError, SipError, Uri, UriError, parse_name_addr, parse_uri
from b2bua.sip.grammar import is_writable, parse_params, refuse_injection, split_list, unquote
from b2bua.sip.headers import header_key, parse_cseq, parse_via
from b2bua.sip.write import fields_text, status_line


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ("<sip:a@b>", "", "sip:a@b", ""),
        ("sip:a@b;tag=1", "", "sip:a@b", "1"),
        ("Ann B. <sip:a@b;lr>;tag=1;x", "Ann B.", "sip:a@b;lr", "1"),
        ('"An\\"n, <x>" <sip:a@b>;tag="q;t"', 'An"n, <x>', "sip:a@b", '"q;t"'),
        ("caller<sip:a@b>", "caller", "sip:a@b", ""),
        ("<tel:+4512>", "", "tel:+4512", ""),
    ],
)
def test_name_addr(text: str, display: str, uri: str, tag: str) -> None:
    address = parse_name_addr(text)
    assert (address.display, address.uri, address.tag) == (display, uri, tag)


@pytest.mark.parametrize(
    "text",
    [
        *("", "<>", "a@b", "sip:", "<sip:a@b", '"Ann <sip:a@b>', '"Ann" sip:a@b', "Bell, A <sip:a@b>", "< sip:a@b>"),
        *("<sip:a@b>x", "<sip:a@b>;", "<sip:a@b>;;tag=1", "sip:a@b?x=y", "sip:a@b;tag=1;tag=2", "<sip:a@b>;tag="),
    ],
)
def test_what_is_no_name_addr(text: str) -> None:
    with pytest.raises(HeaderError):
        parse_name_addr(text)


@pytest.mark.parametrize(
    ("text", "transport", "sent_by", "branch"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport", "udp", "192.0.2.1:5070", "z9hG4bKa"),
        ("SIP  /   2.0 /TCP   Host.example ; branch = x", "tcp", "host.example", "x"),
        ("SIP/2.0/WSS [2001:DB8::1]", "wss", "[2001:db8::1]", ""),
    ],
)
def test_via(text: str, transport: str, sent_by: str, branch: str) -> None:
    via = parse_via(text)
    assert (via.transport, via.sent_by, via.branch) == (transport, sent_by, branch)


@pytest.mark.parametrize(
    "text",
    [
        *("", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/3.0/UDP h", "SIP/2.0 h", "SIP/2.0/UDP h:0", "SIP/2.0/UDP h:99999"),
        *("SIP/2.0/UDP h:5:6", "SIP/2.0/UDP [::1", "SIP/2.0/UDP [::1]5060", "SIP/2.0/UDP h;", "SIP/2.0/UDP h;a;a"),
        *("SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP h o;branch=x", "SIP/2.0/UDP h;=x", "SIP/2.0/UDP h:\u0665"),
    ],
)
def test_what_is_no_via(text: str) -> None:
    with pytest.raises(HeaderError):
        parse_via(text)


@pytest.mark.parametrize(
    "text",
    [
        *("sip:h", "sip:a@h", "sips:a:pw@h:5061", "sip:a;x=1@h;transport=tcp;lr", "sip:[2001:db8::1]:5070"),
        *("sip:sips%3Auser%40example.com@example.net", "sip:a@h?Subject=x"),
    ],
)
def test_uris_are_written_as_they_are_read(text: str) -> None:
    assert str(parse_uri(text)) == text


def test_a_uri_in_parts() -> None:
    uri = parse_uri("SIP:Room@Host:5070;Transport=TCP;lr")
    assert uri == Uri("sip", "Room", "Host", 5070, {"transport": "TCP", "lr": ""})
    assert uri.transport == "tcp"
    assert parse_uri("sips:h").transport == "tls"
    assert parse_uri("sip:h").transport == "udp"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("http://h", 416),
        ("tel:+4512345678", 416),
        ("", 400),
        ("sip:", 400),
        ("sip:@h", 400),
        ("sip:a b@h", 400),
        ("sip:a@h;x y", 400),
        ("sip:2001:db8::1", 400),
        ("sip:a@h>", 400),
        ("sip:a@" + "h" * 5000, 414),
    ],
)
def test_what_is_no_uri_of_ours(text: str, status: int) -> None:
    with pytest.raises(UriError) as refused:
        parse_uri(text)
    assert refused.value.status == status


def test_cseq() -> None:
    assert parse_cseq("0009 INVITE") == (9, "INVITE")
    assert parse_cseq("1 \t ODD~METHOD") == (1, "ODD~METHOD")
    for text in ("", "1", "INVITE", "-1 BYE", "1 B YE", "2147483648 BYE", "1" * 5000 + " BYE"):
        with pytest.raises(HeaderError):
            parse_cseq(text)


def test_lists_and_parameters() -> None:
    assert split_list('"a,b" <sip:x,y>, c') == ['"a,b" <sip:x,y>', "c"]
    assert parse_params('a=1; B ;c="x;y"') == {"a": "1", "b": "", "c": '"x;y"'}
    assert unquote('"a\\"b"') == 'a"b'
    assert unquote("plain") == "plain"
    for text in ('"open, x', "<open, x"):
        with pytest.raises(HeaderError):
            split_list(text)


def test_header_names() -> None:
    assert header_key("v") == header_key("VIA") == header_key("Via ") == "via"
    assert header_key("X-Odd") == "x-odd"
    with pytest.raises(HeaderError):
        header_key("a b")


@pytest.mark.parametrize("poison", ["\r\nVia: x", "\n", "\r", "\0", "%0d%0aBcc: x", "%0D", "sip:a%0Ab@c"])
def test_injection_is_refused(poison: str) -> None:
    assert not is_writable(f"good{poison}")
    assert is_writable("good %00 100 %0")
    with pytest.raises(InjectionError):
        refuse_injection(f"good{poison}")
    with pytest.raises(InjectionError):
        fields_text([("Subject", f"good{poison}")])
    with pytest.raises(InjectionError):
        status_line(486, f"Busy{poison}")


@pytest.mark.parametrize("name", ["", "Via", "v", "call-id", "Content-Length", "a b", "a:b", "a\r\nb", "Contact"])
def test_names_that_cannot_be_set(name: str) -> None:
    with pytest.raises(InjectionError):
        fields_text([(name, "x")])


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_a_sip_error(text: str) -> None:
    for read in (parse_name_addr, parse_via, parse_cseq, parse_uri, split_list, parse_params, header_key):
        try:
            read(text)
        except SipError:
            continue


@given(st.text(max_size=60))
def test_what_may_be_written_stays_in_its_line(text: str) -> None:
    try:
        written = fields_text([("Subject", text)])
    except InjectionError:
        return
    assert written.count("\r") == written.count("\n") == 1
    assert written == f"Subject: {text}\r\n"
