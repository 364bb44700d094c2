"""Which header fields pass: an allow-list, and a list that no profile can overrule, under any of their names."""

from __future__ import annotations

import pytest

from b2bua.call.headers import passing, reasons
from b2bua.sip import Message, parse
from b2bua.sip.headers import COMPACT
from vdx.headers import NEVER

HEAD = b"OPTIONS sip:a@b.example SIP/2.0\r\n"


def message(*lines: str) -> Message:
    return parse(HEAD + "\r\n".join([*lines, "", ""]).encode())


@pytest.mark.parametrize("name", [*sorted(NEVER), *(name.title() for name in sorted(NEVER))])
def test_no_profile_lets_these_pass(name: str) -> None:
    assert passing(message(f"{name}: 0"), (name,)) == []


@pytest.mark.parametrize(("short", "name"), [(short, name) for short, name in COMPACT.items() if name in NEVER])
def test_nor_under_their_compact_form(short: str, name: str) -> None:
    for written in (short, short.upper(), name):
        for profile in ((short,), (short.upper(),), (name,)):
            assert passing(message(f"{written}: 0"), profile) == []


@pytest.mark.parametrize("short", "imclrbydfkntvx")
def test_every_compact_form_that_belongs_to_one_leg_is_known(short: str) -> None:
    assert COMPACT[short] in NEVER


def test_a_name_passes_once_and_written_out() -> None:
    assert passing(message("s: a meeting", "j: *"), ("s", "Subject", "j", "Reject-Contact")) == [
        ("Subject", "a meeting"),
        ("reject-contact", "*"),
    ]


def test_what_a_profile_names_passes_without_addresses() -> None:
    assert passing(message("X-Room: 12", "X-Room: at 192.0.2.1"), ("X-Room",)) == [("X-Room", "12")]


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ('SIP;cause=200;text="Call completed elsewhere"', ["SIP;cause=200"]),
        ('Q.850 ;cause=16;text="Terminated", sip ; cause = 600', ["Q.850;cause=16", "sip;cause=600"]),
        ('SIP;text="Dr. Hansen; cause=1 at 192.0.2.1"', []),
        ("SIP;text=x;cause=486", ["SIP;cause=486"]),
        ("preemption;cause=1", []),
        ("SIP;cause=1234", []),
        ("SIP;cause=200" + "," * 400, []),  # not to be taken apart
        ("SIP", []),
        ("", []),
    ],
)
def test_why_a_side_hung_up_passes_without_its_words(said: str, passes: list[str]) -> None:
    assert reasons(message(f"Reason: {said}")) == [("Reason", value) for value in passes]
