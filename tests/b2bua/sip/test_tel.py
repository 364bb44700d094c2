"""tel URIs (RFC 3966): which are numbers, and the SIP URIs that stand for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import SipError, parse_sip_or_tel, parse_uri
from b2bua.sip.errors import UriError
from b2bua.sip.limits import MAX_URI
from b2bua.sip.tel import parse_tel


@pytest.mark.parametrize(
    ("text", "user", "host"),
    [
        ("tel:+1-201-555-0123", "+12015550123", ""),  # 6
        ("tel:7042;phone-context=example.com", "7042", "example.com"),
        ("tel:863-1234;phone-context=+1-914-555", "8631234", "+1914555"),
        ("Tel:+(44).20;isub=x;ext=12-3", "+4420", ""),
        ("tel:*31#;phone-context=Example.COM", "*31%23", "Example.COM"),
        ("tel:a0-F;Phone-Context=x", "a0F", "x"),
    ],
)
def test_numbers(text: str, user: str, host: str) -> None:
    uri = parse_sip_or_tel(text)
    assert (uri.scheme, uri.user, uri.host, uri.port, uri.params) == ("sip", user, host, None, {"user": "phone"})


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("tel:", 400),
        ("tel:+", 400),
        ("tel:+-()", 400),
        ("tel:--", 400),
        ("tel:+47a", 400),
        ("tel:+47#", 400),
        ("tel:room", 400),
        ("tel:12%0d%0a", 400),
        ("tel:12 34", 400),
        ("tel:12?subject=x", 400),
        ("tel:12@here.example", 400),
        ("tel:12;phone-context", 400),
        ("tel:12;phone-context=a;phone-context=b", 400),
        ("tel:12;phone-context=a:5060", 400),
        ("tel:12;phone-context=[2001:db8::1]", 400),
        ("tel:12;phone-context=a@b", 400),
        ("tel:12;;", 400),
        ("tel:" + "1" * MAX_URI, 414),
        ("fax:+47", 416),
    ],
)
def test_what_is_no_number(text: str, status: int) -> None:
    with pytest.raises(UriError) as refused:
        parse_sip_or_tel(text)
    assert refused.value.status == status


def test_other_uris_are_read_as_ever() -> None:
    assert parse_sip_or_tel("sips:a@b;x=y") == parse_uri("sips:a@b;x=y")


@given(st.text(max_size=60) | st.from_regex(r"[+0-9a-fA-F*#().%;=-]{0,40}", fullmatch=True))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        uri = parse_tel(f"tel:{text}")
    except SipError:
        return
    if uri.host and "+" not in uri.host:
        assert parse_uri(f"sip:{uri.user}@{uri.host}").user == uri.user
    assert parse_uri(f"sip:{uri.user}@here.example").user == uri.user
