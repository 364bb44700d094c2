"""What a site version names is read, put in order, and each fault told."""

from __future__ import annotations

import json

from joserfc.jwk import ECKey

from b2bua.call.keyring import build, places
from vdx.access import AccessRules, LogInAt, PeerAccess, SecretPlace, TokenRules
from vdx.control import Signalling, SipPeer
from vdx.errors import VdxError

KEYS = json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]})
RULES = TokenRules("i", "a", "/keys", "https://x")
USERS, MORE, OURS = SecretPlace("/rooms"), SecretPlace(credential="more"), SecretPlace("/trunk")
TEXTS = {"/rooms": "room-1 password a\n", "more": "Room-2 password b\n", "/trunk": "edge password c\n", "/keys": KEYS}


def read(place: SecretPlace, *, secret: bool = True) -> str:
    assert secret is (place.file != "/keys")
    try:
        return TEXTS[place.file or place.credential]
    except KeyError:
        raise VdxError(f"{place.file} cannot be read") from None


def peer(name: str, access: PeerAccess, zone: str = "internet") -> SipPeer:
    return SipPeer(name, zone, (), 4, access=access)


def signalling(*peers: SipPeer, access: AccessRules | None = None) -> Signalling:
    return Signalling((), peers, (), 1, access=access or AccessRules())


PEERS = (
    peer("rooms", PeerAccess(users=USERS)),
    peer("more", PeerAccess(users=MORE)),
    peer("wards", PeerAccess(users=MORE), "sdn"),
    peer("guests", PeerAccess(tokens=RULES)),
    peer("trunk", PeerAccess(login=LogInAt("edge", OURS))),
    peer("plain", PeerAccess()),
)


def test_everything_is_read_once_for_whom_it_is() -> None:
    keyring, errors = build(signalling(*PEERS), read, lambda: "t")
    assert errors == ()
    assert {zone: {*users.by_name} for zone, users in keyring.users.items()} == {
        "internet": {"room-1", "Room-2"},
        "sdn": {"Room-2"},
    }
    assert keyring.users["internet"].by_name["Room-2"].peer == "more"
    assert [name for name, _ in keyring.verifiers["internet"]] == ["guests"]
    assert {*keyring.logins} == {"trunk"}
    assert places(PEERS) == {USERS, MORE, OURS, SecretPlace("/keys")}


def test_a_user_is_known_by_his_name_in_any_case() -> None:
    keyring, _ = build(signalling(*PEERS), read, lambda: "t")
    assert keyring.knows("internet", "more", "room-2")
    assert not keyring.knows("internet", "rooms", "room-2")
    assert not keyring.knows("core", "more", "room-2")


def test_every_fault_is_told_with_its_peer() -> None:
    _, errors = build(
        signalling(
            peer("a", PeerAccess(users=SecretPlace("/gone"))),
            peer("b", PeerAccess(login=LogInAt("nobody", OURS))),
            peer("c", PeerAccess(tokens=TokenRules("i", "a", "/rooms", "https://x"))),
        ),
        lambda place, *, secret=True: read(place, secret=place.file != "/keys") if secret else TEXTS[place.file],
        lambda: "t",
    )
    assert errors == (
        "peer a: /gone cannot be read",
        "peer b: /trunk has no line for 'nobody', as whom we log in",
        "peer c: /rooms is no JSON: JSONDecodeError",
    )


def test_a_user_of_two_peers_of_a_zone_is_a_fault() -> None:
    twice = (peer("a", PeerAccess(users=USERS)), peer("b", PeerAccess(users=USERS)))
    _, errors = build(signalling(*twice), read, lambda: "t")
    assert errors == ("zone internet: user 'room-1' belongs to peer 'a' and to 'b'",)
