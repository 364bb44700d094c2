"""Offers and answers as room systems and call servers write them, through the gateway both ways.

How to read fixtures/: NAME.offer.sdp comes from one leg and NAME.offer.out.sdp is what the other leg is sent;
NAME.answer.sdp is its answer, where there is one, and NAME.answer.out.sdp what the first leg gets. They are built from
what the makers publish of their systems; names, addresses and keys are made up. Files have LF ends, the wire has CRLF.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from b2bua.sdp import (
    DEFAULT,
    Description,
    OurMedia,
    Profile,
    Writer,
    address,
    check_answer,
    endpoints,
    parse,
    require_answered,
    require_usable,
)

FIXTURES = Path(__file__).parent / "fixtures"
LEFT, RIGHT = address("203.0.113.10"), address("203.0.113.20")
TLS = Profile(sdes=True)

# [name] -> the profile between the two legs
PROFILES = {
    "cisco_ce": Profile(sdes=True, required=True, bandwidth=4096),  # best effort made binding, held to 4 Mbit/s
    "cisco_roomos": TLS,
    "cisco_cucm": Profile(bandwidth=1024),
    "cisco_expressway": Profile(sdes=True, required=True),
    "poly_group": DEFAULT,  # best effort over an open leg: its keys stay behind
    "poly_g7500": TLS,
    "poly_studio_x": DEFAULT,
    "lifesize_icon": DEFAULT,
}
ANSWERED = sorted(path.name.removesuffix(".answer.sdp") for path in FIXTURES.glob("*.answer.sdp"))


def read(name: str) -> Description:
    return parse((FIXTURES / f"{name}.sdp").read_bytes())


def ours(description: Description, host: str, port: int, profile: Profile) -> list[OurMedia]:
    """Give each line a place of ours: RTP even, RTCP odd."""
    return [
        OurMedia(address(host), port + 4 * stream.index, port + 1 + 4 * stream.index)
        for stream in endpoints(description, profile)
    ]


def offered(name: str) -> str:
    """Write the offer for the other leg."""
    profile, offer = PROFILES[name], read(f"{name}.offer")
    require_usable(endpoints(offer, profile))
    return Writer(1234567890, RIGHT).write(offer, ours(offer, RIGHT, 40000, profile), profile=profile).decode()


def answered(name: str) -> str:
    """Write the answer for the leg that offered."""
    profile, offer, answer = PROFILES[name], read(f"{name}.offer"), read(f"{name}.answer")
    check_answer(offer, answer)
    require_answered(endpoints(answer, profile))
    places = ours(offer, LEFT, 50000, profile)
    return Writer(9876543210, LEFT).write(answer, places, answer_to=offer, profile=profile).decode()


def test_every_file_is_named_in_the_table() -> None:
    assert {path.name.split(".")[0] for path in FIXTURES.iterdir()} == set(PROFILES)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_offer_is_passed_on_as_agreed(name: str) -> None:
    assert offered(name).replace("\r\n", "\n") == (FIXTURES / f"{name}.offer.out.sdp").read_text()


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_is_passed_back_as_agreed(name: str) -> None:
    assert answered(name).replace("\r\n", "\n") == (FIXTURES / f"{name}.answer.out.sdp").read_text()


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_no_address_passes(name: str) -> None:
    texts = [(FIXTURES / f"{name}.offer.sdp").read_text(), offered(name)]
    if name in ANSWERED:
        texts = [texts[0] + (FIXTURES / f"{name}.answer.sdp").read_text(), texts[1] + answered(name)]
    inside = set(re.findall(r"(?:192\.0\.2|198\.51\.100)\.[0-9]+|203\.0\.113\.99|2001:db8:[0-9a-f:]+", texts[0]))
    assert inside
    assert not [each for each in inside if each in texts[1]]


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_keys_pass_between_private_legs_only(name: str) -> None:
    text = offered(name) + (answered(name) if name in ANSWERED else "")
    assert ("a=crypto" in text) is (PROFILES[name].sdes and "crypto" in (FIXTURES / f"{name}.offer.sdp").read_text())
    assert "ice-" not in text
    assert "candidate" not in text


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_has_the_lines_of_its_offer(name: str) -> None:
    written, offer = parse(answered(name).encode()), read(f"{name}.offer")
    assert [(media.kind, media.proto) for media in written.media] == [
        (media.kind, media.proto) for media in offer.media
    ]
    check_answer(offer, written)
