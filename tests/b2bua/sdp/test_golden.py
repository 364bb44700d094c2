"""Descriptions as real systems structure them, and what the other leg is sent.

How to read golden/: NAME.in.sdp is received from one leg, NAME.out.sdp is written for the other; with NAME.answer.*
the input answers what NAME.in.sdp offered. Files have LF ends, the wire has CRLF.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.sdp import DEFAULT, OurMedia, Profile, Writer, address, endpoints, parse

GOLDEN = Path(__file__).parent / "golden"
OURS = address("203.0.113.10")
OURS6 = address("2001:db8:ff::10")
SESSION = 1234567890

# [name] -> the profile between the two legs
PROFILES = {
    "audio_only": DEFAULT,
    "baresip": DEFAULT,
    "both_families": DEFAULT,
    "browser": DEFAULT,
    "cisco_cucm": Profile(extra_attributes=frozenset({"trafficclass"})),
    "cisco_expressway": Profile(sdes=True),
    "cisco_room": Profile(extra_attributes=frozenset({"trafficclass"}), bandwidth=4096),
    "cisco_room.answer": DEFAULT,
    "hold_old_style": DEFAULT,
    "ipv6": DEFAULT,
    "lifesize_icon": DEFAULT,
    "poly_g7500": Profile(sdes=True),
    "poly_group": Profile(sdes=True),
    "poly_studio_x": Profile(bandwidth=2048),
}


def write(name: str) -> str:
    received = parse((GOLDEN / f"{name}.in.sdp").read_bytes())
    profile = PROFILES[name]
    answer_to = parse((GOLDEN / f"{name[:-7]}.in.sdp").read_bytes()) if name.endswith(".answer") else None
    ours = [
        OurMedia(OURS if stream.family == 4 else OURS6, 30000 + 4 * stream.index, 30001 + 4 * stream.index)
        for stream in endpoints(received, profile)
    ]
    if name == "ipv6":
        ours[1] = replace(ours[1], rtcp_port=30099)
    return Writer(SESSION, OURS).write(received, ours, answer_to=answer_to, profile=profile).decode()


def test_every_input_is_named_in_the_table() -> None:
    assert {path.name.removesuffix(".in.sdp") for path in GOLDEN.glob("*.in.sdp")} == set(PROFILES)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_other_leg_is_sent_the_golden_text(name: str) -> None:
    assert write(name).replace("\r\n", "\n") == (GOLDEN / f"{name}.out.sdp").read_text()


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_line_ends_in_crlf(name: str) -> None:
    assert re.search(r"(?<!\r)\n|\r(?!\n)", write(name)) is None


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_no_address_of_the_input_is_in_the_output(name: str) -> None:
    text = (GOLDEN / f"{name}.in.sdp").read_text()
    inside = set(re.findall(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f]+(?::[0-9a-f]*)*::[0-9a-f]+", text))
    assert inside
    assert not [address for address in inside if address in write(name)]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_m_lines_keep_their_number_order_and_kind(name: str) -> None:
    received = parse((GOLDEN / f"{name}.in.sdp").read_bytes())
    written = parse(write(name).encode())
    assert [media.kind for media in written.media] == [media.kind for media in received.media]
