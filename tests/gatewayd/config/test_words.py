from __future__ import annotations

import pytest

from gatewayd.config.words import words
from tests.gatewayd.site import TEXT, load

SOURCES = "zone 'mgmt': services.ssh.sources has gained 192.0.2.0/25 and has lost 192.0.2.0/24 (site.yaml:27)"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("limits: {calls: 3,", "limits: {calls: 4,", [("limits.calls: was 3, is 4 (site.yaml:37)", ())]),
        ("  silent: {zone: sdn}\n", "", [("peer 'silent' is gone (site.yaml:32)", ("sdn",))]),
        (
            "sources: [192.0.2.0/24]",
            "sources: [192.0.2.0/25]",
            [
                (
                    SOURCES,
                    ("mgmt",),
                )
            ],
        ),
        (
            "  branch: {zone: sdn, ",
            "  twig: {zone: internet}\n  branch: {zone: sdn, ",
            [("peer 'twig' is new: zone: internet (site.yaml:33)", ("internet",))],
        ),
        (
            '  - {alias: "*", refuse: 404}\n',
            '  - {alias: "*", zone: sdn, refuse: 480}\n',
            [
                ("dial plan: rule refuse: 404 is gone (site.yaml:36)", ()),
                ("dial plan: rule zone: sdn, refuse: 480 is new, number 2 (site.yaml:36)", ("sdn",)),
            ],
        ),
        ("dns: [192.0.2.53]", "dns: []", [("upstream.dns: has lost 192.0.2.53 (site.yaml:38)", ())]),
        ("name: edge-1\n", "name: edge-2\n", [("name: was edge-1, is edge-2 (site.yaml:1)", ())]),
    ],
)
def test_each_difference_has_its_sentence_its_line_and_its_zones(
    old: str, new: str, said: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert old in TEXT
    assert [tuple(word) for word in words(load(), load(TEXT.replace(old, new)))] == said


def test_equal_sites_in_other_words_do_not_differ() -> None:
    text = TEXT.replace("{transport: udp, address: 10.0.0.1}", "{address: 10.0.0.1, transport: udp, port: 5060}")
    assert list(words(load(), load("# a remark\n" + text))) == []
