"""Users who log in with digest: what their file says, what they are asked, what their answer proves (RFC 3261 22).

A file of secrets has a line for each user: name, what follows, and the secret. Whoever reads the file at rest learns
less from hashes; they hold for the one realm they were made for.

    # name     what       secret
    room-101   password   correct horse battery staple
    room-102   SHA-256    4ff2...                          H(username:realm:password), in hexadecimal
    room-102   MD5        93a1...                          for a device that knows nothing better

Whether a user is unknown or a password wrong cannot be told from outside: both take the same steps and the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from b2bua.sip import Flow, Request, SipError, parse_uri
from b2bua.sip.digest import ALGORITHMS, Challenge, Credentials, Secret, is_known, parse_credentials, proves, scheme_of
from b2bua.sip.nonce import Nonces
from vdx.errors import VdxError

MAX_USERS = 100_000
"""Users of one file: more than a health region has room systems."""

MAX_ANSWERS = 4
"""Authorization fields of one request that are looked at: one for each algorithm, and one of somebody else's realm."""

HEX_DIGITS = {"MD5": 32, "SHA-256": 64, "SHA-512-256": 64}
"""Length of a hash in hexadecimal."""

Proof = Literal["none", "stale", "wrong", "good"]


class CredentialsError(VdxError):
    """A file of secrets cannot be used: where, and how a line looks; never the secret itself."""


class User(NamedTuple):
    """Whose user it is, and what proves him."""

    peer: str
    secret: Secret


class Answer(NamedTuple):
    """What the Authorization fields of a request prove, by which algorithm.

    `proven`: whoever sent it had received our challenge.
    """

    proof: Proof
    user: str = ""
    peer: str = ""
    proven: bool = False
    algorithm: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """The users of one zone, and the algorithms that each of them can be asked for, strongest first.

    `known` has the peer and the name of each, in lower case, as it is dialled.
    """

    by_name: Mapping[str, User] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ()
    known: frozenset[tuple[str, str]] = frozenset()


def read_secrets(text: str, name: str) -> dict[str, Secret]:
    """Read a file of secrets called `name`, for messages. Raises CredentialsError with the line."""
    passwords: dict[str, str] = {}
    hashes: dict[str, dict[str, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip().split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        where = f"{name}:{number}"
        if len(words) != 3:
            raise CredentialsError(f"{where}: a line has a user, `password` or an algorithm, and the secret")
        user, kind, secret = words
        if '"' in user or "\\" in user:
            raise CredentialsError(f"{where}: a user has no quotes and no backslash")
        if user in passwords or kind in hashes.get(user, {}) or (kind == "password" and user in hashes):
            raise CredentialsError(f"{where}: {user!r} has such a secret already")
        if kind == "password":
            passwords[user] = secret
        elif kind in HEX_DIGITS:
            if len(secret) != HEX_DIGITS[kind] or not set(secret.lower()) <= set("0123456789abcdef"):
                raise CredentialsError(f"{where}: {kind} takes {HEX_DIGITS[kind]} hexadecimal digits")
            hashes.setdefault(user, {})[kind] = secret.lower()
        else:
            known = ", ".join(("password", *HEX_DIGITS))
            raise CredentialsError(f"{where}: {kind[:20]!r} is no kind of secret: write one of {known}")
        if len(passwords) + len(hashes) > MAX_USERS:
            raise CredentialsError(f"{where}: there are over {MAX_USERS} users")
    return {
        **{user: Secret(password) for user, password in passwords.items()},
        **{user: Secret(hashed=hashed) for user, hashed in hashes.items()},
    }


def gather(found: Iterable[tuple[str, Mapping[str, Secret]]], offered: tuple[str, ...]) -> Users:
    """Put the users of a zone's peers together; `offered` are the algorithms that the site allows.

    Raises CredentialsError where two peers have the same user, or where no algorithm is left that all can be asked for.
    """
    by_name: dict[str, User] = {}
    for peer, secrets in found:
        for name, secret in secrets.items():
            if name in by_name:
                raise CredentialsError(f"user {name!r} belongs to peer {by_name[name].peer!r} and to {peer!r}")
            by_name[name] = User(peer, secret)
    allowed = [one for one in ALGORITHMS if one in offered]
    for user in by_name.values():
        if not user.secret.password:
            allowed = [one for one in allowed if one in user.secret.hashed]
    if by_name and not allowed:
        raise CredentialsError(
            f"no algorithm of {', '.join(offered)} has a hash for every user of {', '.join(sorted(_peers(by_name)))}"
        )
    return Users(by_name, tuple(allowed), frozenset((user.peer, name.lower()) for name, user in by_name.items()))


def _peers(by_name: Mapping[str, User]) -> set[str]:
    return {user.peer for user in by_name.values()}


_NO_HASH = "0" * 64
"""In place of a hash that a known user does not have: nothing proves it."""


class Authenticator:
    """Asks and judges for one realm."""

    def __init__(self, realm: str, nonces: Nonces) -> None:
        self.realm = realm
        self._nonces = nonces
        self._nobody = Secret("any; an unknown user is judged by it, and refused whatever comes of that")

    def challenges(
        self, users: Users, flow: Flow, now: float, *, stale: bool = False, old: bool = False
    ) -> list[tuple[str, str]]:
        """Give the header fields of a 401: one for each algorithm, strongest first (RFC 8760 2.3).

        An `old` device is asked for MD5 alone, where that is allowed.
        """
        nonce = self._nonces.make(_scope(flow), now)
        return [
            ("WWW-Authenticate", str(Challenge(self.realm, nonce, algorithm, ("auth",), stale=stale)))
            for algorithm in (("MD5",) if old and "MD5" in users.algorithms else users.algorithms)
        ]

    def judge(self, request: Request, users: Users, flow: Flow, now: float) -> Answer:
        """Judge what a request says in Authorization; a right answer is taken once."""
        answer = Answer("none")
        for value in request.all("authorization")[:MAX_ANSWERS]:
            if scheme_of(value) != "digest":
                continue
            try:
                given = parse_credentials(value)
            except SipError:
                answer = Answer("wrong")
                continue
            if given.realm == self.realm:
                return self._judge(given, request, users, flow, now)
        return answer

    def _judge(self, given: Credentials, request: Request, users: Users, flow: Flow, now: float) -> Answer:
        verdict = self._nonces.judge(given.nonce, _scope(flow), now)
        ours = verdict != "forged"
        if not is_known(given.algorithm):
            return Answer("wrong", proven=ours)
        plain = given.algorithm.removesuffix("-SESS")
        user = users.by_name.get(given.username)
        secret = user.secret if user else self._nobody
        hashed = secret.a1(plain, given.username, self.realm)
        right = proves(given, hashed or _NO_HASH, request.method, request.body)
        if not (right and user and hashed and plain in users.algorithms and given.qop and _meant(given.uri, request)):
            return Answer("wrong", proven=ours, algorithm=given.algorithm)
        if verdict != "good" or not self._nonces.take(given.nonce, int(given.count, 16), now):
            return Answer("stale", proven=ours, algorithm=given.algorithm)
        return Answer("good", given.username, user.peer, proven=True, algorithm=given.algorithm)


def _scope(flow: Flow) -> str:
    return f"{flow.zone} {flow.remote[0]}"


def _meant(uri: str, request: Request) -> bool:
    """Tell whether the uri of an answer is the Request-URI, but for its parameters (RFC 7616 3.4.6, RFC 3261 22.4)."""
    if uri == request.uri:
        return True
    try:
        one, other = parse_uri(uri), request.parsed_uri
    except SipError:
        return False
    return (one.user, one.host.lower(), one.port or 5060) == (other.user, other.host.lower(), other.port or 5060)
