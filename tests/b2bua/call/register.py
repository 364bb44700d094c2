"""A gateway with room systems, guests and a trunk, and what their messages look like."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import structs

from b2bua import sip
from b2bua.call.credentials import gather
from b2bua.call.keyring import Keyring, build
from b2bua.call.plan import Plan
from b2bua.sip import digest
from b2bua.sip.digest import Secret, parse_challenge
from tests.b2bua.call.test_calls import ALICE, NET, SDN, Line
from tests.b2bua.call.world import EPOCH
from vdx.access import AccessRules, LogInAt, PeerAccess, SecretPlace, TokenRules
from vdx.control import Signalling, SipPeer
from vdx.dialplan import DialRule

ROOM, STRANGER = "203.0.113.7", "203.0.113.66"
EDGE = (NET, 5060)
RULES = TokenRules("https://login.example.org", "edge", "/keys", "https://login.example.org")
KEY = ECKey.generate_key("P-256")
USERS, OURS = SecretPlace("/rooms"), SecretPlace("/trunk")
TEXTS = {
    "/rooms": "room-1 password secret one\nroom-2 password secret two\n",
    "/trunk": "edge password our own\n",
    "/keys": json.dumps({"keys": [KEY.as_dict(private=False)]}),
}
PASSWORDS = {"room-1": "secret one", "room-2": "secret two"}
PEERS = (
    SipPeer("rooms", "internet", (), 4, access=PeerAccess(users=USERS, registers=True)),
    SipPeer("guests", "internet", (), 4, access=PeerAccess(tokens=RULES)),
    SipPeer(
        "trunk",
        "internet",
        ("198.51.100.2/32",),
        4,
        ("198.51.100.2", 5060, "udp"),
        access=PeerAccess(login=LogInAt("edge", OURS)),
    ),
)
DIALPLAN = (DialRule("site:8", "room-*", to="rooms"), DialRule("site:9", "out*", to="trunk"))


def read(place: SecretPlace, *, secret: bool = True) -> str:
    assert secret is (place.file != "/keys")
    return TEXTS[place.file]


class House(Line):
    """The line of `test_calls`, with rooms, guests and a trunk on its internet side."""

    def __init__(self, transport: str = "udp", ban: int = 600) -> None:
        super().__init__(transport)
        old = self.gateway.plan.signalling
        signalling = Signalling(
            old.listeners, (*old.peers, *PEERS), (*old.dialplan, *DIALPLAN), 100, AccessRules(realm="edge", ban=ban)
        )
        keyring, errors = build(signalling, read, self.gateway.access.token)
        assert errors == ()
        self.gateway.plan = Plan("v2", signalling)
        self.gateway.use(keyring)
        self.number = 0

    def without(self, *users: str) -> Keyring:
        """Give the keyring without some users."""
        old = self.gateway.access.keyring
        left = {name: user.secret for name, user in old.users["internet"].by_name.items() if name not in users}
        return replace(old, users={"internet": gather([("rooms", left)], old.users["internet"].algorithms)})

    def flow(self, host: str = ROOM, port: int = 5060, ident: int = 1) -> sip.Flow:
        """Give a way in from a host."""
        return sip.Flow(self.world.transport, EDGE, (host, port), "internet", ident, EDGE)

    def send(
        self, flow: sip.Flow, method: str, *lines: str, user: str = "room-1", uri: str = f"sip:{NET}", name: str = ""
    ) -> list[sip.Response]:
        """Send a request and give what is answered at once; `name` is the display name of its sender."""
        self.number += 1
        host, port = flow.remote
        text = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{flow.transport.upper()} {host}:{port};branch=z9hG4bKr{self.number};rport",
            f"From: {name}<sip:{user}@{NET}>;tag=t{self.number}",
            f"To: <{uri if method != 'REGISTER' else f'sip:{user}@{NET}'}>",
            f"Call-ID: register-{flow.remote[0]}-{user}",
            f"CSeq: {self.number} {method}",
            *lines,
            *([] if any(line.startswith("Contact") for line in lines) else [f"Contact: <sip:{user}@{flow.remote[0]}>"]),
            "Content-Length: 0",
        )
        self.gateway.receive("\r\n".join((*text, "", "")).encode(), flow, self.world.now)
        said = self.gateway.to_send()
        self.world.carry(self.gateway, [out for out in said if out.to != flow])
        read_ = [sip.parse(out.data) for out in said if out.to == flow]
        return [one for one in read_ if isinstance(one, sip.Response)]

    def log_in(
        self, flow: sip.Flow, method: str = "REGISTER", *lines: str, user: str = "room-1", password: str = "",
        uri: str = f"sip:{NET}",
    ) -> sip.Response:  # fmt: skip
        """Send a request, answer its challenge, and give the last answer there is at once: it may be the challenge."""
        (asked,) = self.send(flow, method, *lines, user=user, uri=uri)
        assert asked.status == 401
        secret = Secret(password or PASSWORDS.get(user, "none"))
        challenges = [parse_challenge(value) for value in asked.all("www-authenticate") if value.startswith("Digest")]
        chosen = digest.choose(challenges, secret, user)
        assert chosen
        proof = digest.answer(chosen, secret, user, method, uri, b"", "c", 1)
        return (self.send(flow, method, f"Authorization: {proof}", *lines, user=user, uri=uri) or [asked])[-1]

    def revoke(self, named: str) -> None:
        """Have a version active that believes a token no more, by its id or its bearer."""
        old = self.gateway.plan.signalling
        tokens = structs.replace(RULES, revoked=(named,))
        peers = tuple(
            structs.replace(peer, access=PeerAccess(tokens=tokens)) if peer.name == "guests" else peer
            for peer in old.peers
        )
        signalling = structs.replace(old, peers=peers)
        keyring, errors = build(signalling, read, self.gateway.access.token)
        assert errors == ()
        self.gateway.plan = Plan("v3", signalling)
        self.gateway.use(keyring)
        self.gateway.disown(self.world.now)

    def token(self, **claims: Any) -> str:
        """Sign a token for room-7."""
        said = {"iss": RULES.issuer, "aud": "edge", "sub": "anna", "vdx_alias": "bob", **claims}
        said.setdefault("exp", int(EPOCH + self.world.now) + 600)
        return jwt.encode({"alg": "ES256"}, said, KEY)


__all__ = ["ALICE", "EDGE", "NET", "ROOM", "SDN", "STRANGER", "House"]
