from __future__ import annotations

import pytest

from vdx.site.source import SiteError, parse
from vdx.site.streams import DSCP_NAMES, Dscp

SITE = """
name: edge1
zones:
  internet:
    interface: eth0
    addresses: [192.0.2.10/24]
    {zone}
    media: {{addresses: [192.0.2.10], {media}}}
peers:
  clinic: {{zone: internet, {peer}}}
"""


def dscp(media: str) -> Dscp | None:
    loaded = parse(SITE.format(zone="", media=media, peer="").encode())
    return loaded.site.zones["internet"].media.dscp


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ("", (34, 46, 24)),
        ("dscp: {}", (34, 46, 24)),
        ("dscp: {audio: 40, video: AF31, control: cs5}", (26, 40, 40)),
        ("dscp: {video: be}", (0, 46, 24)),
    ],
)
def test_marks_are_numbers_or_names(media: str, expected: tuple[int, ...]) -> None:
    found = dscp(media)
    assert found
    assert found.by_class == expected


@pytest.mark.parametrize("word", ["off", "null"])
def test_packets_may_be_left_as_they_came(word: str) -> None:
    assert dscp(f"dscp: {word}") is None


@pytest.mark.parametrize("value", ["64", "-1", "af44", "loud"])
def test_what_is_no_mark(value: str) -> None:
    with pytest.raises(SiteError, match=r"zones\.internet\.media\.dscp\.audio"):
        dscp(f"dscp: {{audio: {value}}}")


def test_the_names_are_those_of_the_standards() -> None:
    assert (DSCP_NAMES["ef"], DSCP_NAMES["af41"], DSCP_NAMES["af13"], DSCP_NAMES["cs3"]) == (46, 34, 14, 24)
    assert len(DSCP_NAMES) == 2 + 8 + 12


@pytest.mark.parametrize(
    ("zone", "peer", "expected"),
    [
        ("", "", (None, None)),
        ("encryption: off", "bandwidth: 768", ("off", None)),
        ("", "encryption: preferred", (None, "preferred")),
    ],
)
def test_encryption_stands_at_a_zone_or_a_peer(zone: str, peer: str, expected: tuple[str | None, str | None]) -> None:
    site = parse(SITE.format(zone=zone, media="", peer=peer).encode()).site
    assert (site.zones["internet"].encryption, site.peers["clinic"].encryption) == expected


@pytest.mark.parametrize(("key", "value"), [("encryption", "sometimes"), ("bandwidth", "63"), ("bandwidth", "fast")])
def test_what_cannot_be_said_of_a_peer(key: str, value: str) -> None:
    with pytest.raises(SiteError, match=rf"peers\.clinic\.{key}"):
        parse(SITE.format(zone="", media="", peer=f"{key}: {value}").encode())


@pytest.mark.parametrize("word", ["off", "'off'"])
def test_a_bare_off_is_the_word_and_no_truth_value(word: str) -> None:
    files = "certificate: /a, key: /b, trust: /c"
    sip = f"sip: [{{transport: tls, address: 192.0.2.10, {files}, client_certificate: {word}}}]"
    zone = parse(SITE.format(zone=f"{sip}\n    encryption: {word}", media="", peer="").encode()).site.zones["internet"]
    assert zone.encryption == zone.sip[0].client_certificate == "off"
