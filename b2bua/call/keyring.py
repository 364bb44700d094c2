"""Everything secret that a site version names, read and put in order: users, our own log-ins, keys of tokens.

Pure: whoever builds it hands in how a place is read. A keyring is replaced as a whole, when a file of it changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from b2bua.call.credentials import CredentialsError, Users, gather, read_secrets
from b2bua.call.tokens import TokenError
from b2bua.sip.digest import Secret
from b2bua.sip.login import Login
from vdx.access import LogInAt, SecretPlace
from vdx.control import Signalling, SipPeer
from vdx.errors import VdxError

if TYPE_CHECKING:
    from b2bua.call.verifier import Verifier

Token = Callable[[], str]


class Read(Protocol):
    """How a place is read."""

    def __call__(self, place: SecretPlace, *, secret: bool = True) -> str:
        """Give the text at a place; what is not `secret` others may read, but not write. Raises VdxError."""
        ...


@dataclass(frozen=True, slots=True)
class Keyring:
    """Users by zone, our log-ins by peer, verifiers of tokens by zone with the peer whose guests they are."""

    users: Mapping[str, Users] = field(default_factory=dict)
    logins: Mapping[str, Login] = field(default_factory=dict)
    verifiers: Mapping[str, tuple[tuple[str, Verifier], ...]] = field(default_factory=dict)

    def knows(self, zone: str, peer: str, user: str) -> bool:
        """Tell whether `user` of `peer`, in lower case, may log in."""
        users = self.users.get(zone)
        return users is not None and (peer, user) in users.known


def build(signalling: Signalling, read: Read, token: Token) -> tuple[Keyring, tuple[str, ...]]:
    """Read what a site version names; gives what could be read, and a sentence about each place that could not."""
    errors: list[str] = []
    found: dict[str, list[tuple[str, dict[str, Secret]]]] = {}
    logins: dict[str, Login] = {}
    verifiers: dict[str, list[tuple[str, Verifier]]] = {}
    for peer in signalling.peers:
        access = peer.access
        try:
            if access.users is not None:
                found.setdefault(peer.zone, []).append(
                    (peer.name, read_secrets(read(access.users), _name(access.users)))
                )
            if access.tokens is not None:
                from b2bua.call.verifier import Verifier  # noqa: PLC0415 - dear, and most sites name no issuer

                keys = SecretPlace(file=access.tokens.keys)
                verifiers.setdefault(peer.zone, []).append(
                    (peer.name, Verifier(access.tokens, _json(read(keys, secret=False), keys)))
                )
            if access.login is not None:
                logins[peer.name] = _login(access.login, read, token)
        except VdxError as error:
            errors.append(f"peer {peer.name}: {error}")
    users: dict[str, Users] = {}
    for zone, secrets in found.items():
        try:
            users[zone] = gather(secrets, signalling.access.algorithms)
        except CredentialsError as error:
            errors.append(f"zone {zone}: {error}")
    return Keyring(users, logins, {zone: tuple(each) for zone, each in verifiers.items()}), tuple(errors)


def places(peers: tuple[SipPeer, ...]) -> frozenset[SecretPlace]:
    """Give every place that a keyring of these peers is read from."""
    named = {place for peer in peers if (place := peer.access.users) is not None}
    named |= {peer.access.login.secrets for peer in peers if peer.access.login is not None}
    return frozenset(named | {SecretPlace(file=peer.access.tokens.keys) for peer in peers if peer.access.tokens})


def _login(at: LogInAt, read: Read, token: Token) -> Login:
    secret = read_secrets(read(at.secrets), _name(at.secrets)).get(at.username)
    if secret is None:
        raise CredentialsError(f"{_name(at.secrets)} has no line for {at.username!r}, as whom we log in")
    return Login(at.username, secret, token)


def _json(text: str, place: SecretPlace) -> dict[str, list[dict[str, str | list[str]]]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TokenError(f"{_name(place)} is no JSON: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise TokenError(f"{_name(place)} is no JSON Web Key Set (RFC 7517)")
    return found


def _name(place: SecretPlace) -> str:
    return place.file or f"credential {place.credential}"
