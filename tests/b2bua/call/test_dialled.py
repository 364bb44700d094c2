"""What people and room systems dial, and what is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.call.dialled import MAX_DIALLED, Dialled, Ourselves, UnreadableError, read, written
from b2bua.sip import SipError, parse_sip_or_tel, parse_uri
from vdx.control import SipListener, SipPeer
from vdx.dialplan import PeerDial

EDGE, NAT, SIX = "198.18.0.10", "203.0.113.10", "2001:db8::10"
LISTENERS = (
    SipListener("sdn", "udp", EDGE, 5060, NAT, 5060),
    SipListener("sdn", "tcp", SIX, 5060, SIX, 5060),
)
OURS = Ourselves(LISTENERS, ("health.example", "town.example"), "edge1")
ANYBODY = Ourselves(LISTENERS, (), "edge1")
CALLER = SipPeer("hospital", "sdn", (), 4, dial=PeerDial(domain="town.example"))


def told(uri: str, ourselves: Ourselves = OURS) -> str:
    """Write what was understood: alias, domain, whose it is, PIN."""
    found = read(parse_sip_or_tel(uri), CALLER, ourselves, "reception")
    pin = f" pin {found.pin}" if found.pin else ""
    return f"{found.alias} @ {found.domain or '-'} {'ours' if found.ours else 'theirs'}{pin}"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:room@health.example", "room @ health.example ours"),
        ("sip:room@HEALTH.example.", "room @ health.example ours"),
        ("sip:room@health.example:5061;transport=tls", "room @ health.example ours"),
        ("sip:room@edge1.health.example", "room @ health.example ours"),
        ("sip:room@else.example", "room @ else.example theirs"),
        ("sip:room@192.0.2.7", "room @ 192.0.2.7 theirs"),
        (f"sip:1234@{EDGE}", "1234 @ town.example ours"),
        (f"sip:1234@{NAT}", "1234 @ town.example ours"),
        (f"sip:1234@[{SIX}]:5060", "1234 @ town.example ours"),
        ("sip:1234@[2001:DB8:0::10]", "1234 @ town.example ours"),
        (f"sip:{EDGE}", "reception @ town.example ours"),
        ("sip:health.example", "reception @ health.example ours"),
        (f"sip:{EDGE}@{EDGE}", "reception @ town.example ours"),
        ("sip:else.example", " @ else.example theirs"),
        (f"sip:{EDGE}##1234@{EDGE}", "1234 @ town.example ours"),
        (f"sip:{EDGE}%23%231234@{EDGE}", "1234 @ town.example ours"),
        (f"sip:health.example##1234@{EDGE}", "1234 @ health.example ours"),
        (f"sip:10.0.0.1##1234@{EDGE}", "10.0.0.1##1234 @ town.example ours"),
        (f"sip:{EDGE}##1234@else.example", f"{EDGE}##1234 @ else.example theirs"),
        (f"sip:##1234@{EDGE}", "##1234 @ town.example ours"),
        (f"sip:room%40health.example@{EDGE}", "room @ health.example ours"),
        (f"sip:room%40else.example@{EDGE}", "room @ else.example theirs"),
        ("sip:1234**9876@health.example", "1234 @ health.example ours pin 9876"),
        ("sip:1234**9876%23@health.example", "1234 @ health.example ours pin 9876"),
        ("sip:1234%2a%2A9876@health.example", "1234 @ health.example ours pin 9876"),
        (f"sip:{EDGE}##1234**9876@{EDGE}", "1234 @ town.example ours pin 9876"),
        ("sip:1234**secret@health.example", "1234**secret @ health.example ours"),
        ("sip:**21@health.example", "**21 @ health.example ours"),
        ("sip:+47%2022-33.44@health.example", "+47223344 @ health.example ours"),
        ("sip:+4722(33)44;ext=7@health.example", "+47223344 @ health.example ours"),
        ("sip:%2B4722-3344@health.example", "+47223344 @ health.example ours"),
        ("sip:22-33-44;phone-context=x@health.example;user=phone", "223344 @ health.example ours"),
        ("tel:+47-22.33(44)", "+47223344 @ town.example ours"),
        ("TEL:+4722;ext=7;phone-context=else.example", "+4722 @ town.example ours"),
        ("tel:112", "112 @ town.example ours"),
        ("tel:22-33;phone-context=HEALTH.example", "2233 @ health.example ours"),
        ("tel:2233;phone-context=edge1.health.example", "2233 @ health.example ours"),
        ("tel:2233;phone-context=else.example", "2233 @ else.example theirs"),
        ("tel:2233;phone-context=+47-22", "2233 @ +4722 theirs"),
        ("tel:1234**9876", "1234 @ town.example ours pin 9876"),
        ("tel:*21#", "*21# @ town.example ours"),
        ("tel:*21%23", "*21# @ town.example ours"),
        ("sip:room-12.a@health.example", "room-12.a @ health.example ours"),
        ("sip:room:password@health.example", "room @ health.example ours"),
        ("sip:r%C3%B8m%2012@health.example", "røm 12 @ health.example ours"),
        ("sip:bob%0@health.example", "bob%0 @ health.example ours"),
    ],
)
def test_what_is_understood(uri: str, expected: str) -> None:
    assert told(uri) == expected


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:1234@anything.example", "1234 @ anything.example ours"),
        (f"sip:1234@{EDGE}", "1234 @ town.example ours"),
        ("sip:1234@192.0.2.7", "1234 @ 192.0.2.7 theirs"),
    ],
)
def test_without_domains_every_name_is_ours_and_no_address(uri: str, expected: str) -> None:
    assert told(uri, ANYBODY) == expected


@pytest.mark.parametrize("user", ["%ff", "a%00", "a%c2%85", "a" * (MAX_DIALLED + 1), "%61" * MAX_DIALLED + "a"])
def test_what_nobody_can_mean(user: str) -> None:
    with pytest.raises(UnreadableError):
        read(parse_uri(f"sip:{user}@health.example"), CALLER, OURS)


def test_sips_asks_for_security() -> None:
    assert read(parse_uri("sips:room@health.example"), CALLER, OURS).secure
    assert not read(parse_uri("sip:room@health.example"), CALLER, OURS).secure


def test_a_pin_shows_nowhere() -> None:
    found = read(parse_uri("sip:1234**9876@health.example"), CALLER, OURS)
    assert "9876" not in f"{found} {found!r}"


@given(st.text(max_size=40))
def test_a_name_that_is_written_is_read_again(alias: str) -> None:
    uri = f"sip:{written(alias)}@else.example"
    if ":" in written(alias) or alias.startswith("+") or "**" in alias:
        return
    try:
        found = read(parse_uri(uri), CALLER, OURS)
    except (UnreadableError, SipError):
        return
    assert found == Dialled(alias, "else.example", ours=False)


@given(st.text(max_size=60) | st.from_regex(r"[a-z0-9*#@%+:;.\[\]-]{0,40}@[a-z0-9.:\[\]-]{1,20}", fullmatch=True))
def test_any_uri_is_understood_or_refused(text: str) -> None:
    try:
        found = read(parse_uri(f"sip:{text}"), CALLER, OURS, "reception")
    except (UnreadableError, SipError):
        return
    assert len(found.alias) <= MAX_DIALLED
    assert found.domain == found.domain.lower()
    assert not found.ours or found.domain in {"health.example", "town.example"}
