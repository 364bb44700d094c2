"""Access of a site as it is handed to b2bua: places of secrets, and never a secret."""

from __future__ import annotations

import yaml

from gatewayd.signalling import signalling
from tests.gatewayd.site import TEXT
from vdx import site
from vdx.access import AccessRules, LogInAt, PeerAccess, SecretPlace, TokenRules
from vdx.control import Signalling


def part(peers: dict[str, object], access: dict[str, object] | None = None) -> Signalling:
    document = yaml.safe_load(TEXT)
    document["peers"] |= peers
    if access is not None:
        document["access"] = access
    return signalling(site.parse(yaml.safe_dump(document, sort_keys=False).encode()))


def test_a_site_that_says_nothing_has_its_name_as_realm() -> None:
    made = part({})
    assert made.access == AccessRules(realm="edge-1")
    assert {peer.access for peer in made.peers} == {PeerAccess()}


def test_every_key_is_handed_over() -> None:
    tokens = {
        "issuer": "https://login.example.org",
        "audience": "edge",
        "keys": "/etc/vdx/keys.json",
        "authority": "https://login.example.org/oauth2",
        "algorithms": ["RS256"],
        "claims": {"alias": "room", "once": "single"},
        "leeway": 5,
    }
    made = part(
        {
            "rooms": {"zone": "internet", "credentials": {"file": "/etc/vdx/rooms"}, "registers": True},
            "guests": {"zone": "internet", "tokens": tokens},
            "trunk": {
                "zone": "internet",
                "target": {"address": "192.0.2.99"},
                "login": {"username": "edge", "credential": "trunk"},
            },
        },
        {
            "realm": "video.example.org",
            "algorithms": ["SHA-256", "MD5"],
            "registrations": {"shortest": 120, "usual": 300, "longest": 900, "per_user": 2, "in_all": 50},
            "ban": 0,
        },
    )
    found = {peer.name: peer.access for peer in made.peers}
    assert found["rooms"] == PeerAccess(users=SecretPlace("/etc/vdx/rooms"), registers=True)
    assert found["trunk"] == PeerAccess(login=LogInAt("edge", SecretPlace(credential="trunk")))
    assert found["guests"].tokens == TokenRules(
        *("https://login.example.org", "edge", "/etc/vdx/keys.json", "https://login.example.org/oauth2"),
        *(("RS256",), "room", "single", 5),
    )
    assert made.access == AccessRules("video.example.org", ("SHA-256", "MD5"), 120, 300, 900, 2, 50, 0)
