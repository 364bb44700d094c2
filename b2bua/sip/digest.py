"""Digest access authentication: grammar and computation, for both sides (RFC 3261 22, RFC 7616, RFC 8760).

A server sends challenges, one header field for each algorithm; the client answers one of them with credentials:

    WWW-Authenticate: Digest realm=..., nonce=..., algorithm=..., qop="auth"      Challenge
    Authorization: Digest username=..., response=..., nc=..., cnonce=...          Credentials

What is proven with is A1 hashed: H(username:realm:password), which a file may hold in place of the password.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import TOKEN, WHITESPACE, refuse_injection, split_list, unquote

ALGORITHMS = ("SHA-512-256", "SHA-256", "MD5")
"""What can be computed here, strongest first (RFC 8760 2.1)."""

MAX_CREDENTIALS = 4_096
"""Characters of one challenge or one answer: the longest seen, with a border controller's opaque, has 700."""

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_SESSION = "-SESS"

# nc-value = 8LHEX (RFC 7616 3.4); upper case is let through, it is hashed as written
_COUNT = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """A server's question (RFC 7616 3.3); `algorithm` in upper case as registered, with -SESS where it has that."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    opaque: str = ""
    stale: bool = False

    def __str__(self) -> str:
        """Write the value of WWW-Authenticate or Proxy-Authenticate. Raises InjectionError."""
        text = f"Digest realm={_quoted(self.realm)}, nonce={_quoted(self.nonce)}, algorithm={_spelt(self.algorithm)}"
        if self.qop:
            text += f', qop="{",".join(self.qop)}"'
        if self.opaque:
            text += f", opaque={_quoted(self.opaque)}"
        return text + ", stale=true" if self.stale else text


@dataclass(frozen=True, slots=True)
class Credentials:
    """A client's answer (RFC 7616 3.4); `count` is nc as written, `response` lower case hexadecimal."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str = ""
    cnonce: str = ""
    count: str = ""
    opaque: str = ""

    def __str__(self) -> str:
        """Write the value of Authorization or Proxy-Authorization. Raises InjectionError."""
        text = (
            f"Digest username={_quoted(self.username)}, realm={_quoted(self.realm)}, nonce={_quoted(self.nonce)}, "
            f'uri={_quoted(self.uri)}, response="{self.response}", algorithm={_spelt(self.algorithm)}'
        )
        if self.qop:
            text += f", qop={self.qop}, nc={self.count}, cnonce={_quoted(self.cnonce)}"
        return f"{text}, opaque={_quoted(self.opaque)}" if self.opaque else text


@dataclass(frozen=True, slots=True)
class Secret:
    """What proves one user: a password, or H(username:realm:password) in hexadecimal by algorithm."""

    password: str = field(default="", repr=False)
    hashed: Mapping[str, str] = field(default_factory=dict, repr=False)

    def a1(self, algorithm: str, username: str, realm: str) -> str:
        """Give H(A1) without a session part for an algorithm; "" where this secret does not know it."""
        plain = algorithm.removesuffix(_SESSION)
        if plain in self.hashed:
            return self.hashed[plain]
        return a1(plain, username, realm, self.password) if self.password and plain in _HASHES else ""


def scheme_of(value: str) -> str:
    """Name the authentication scheme of a header value, in lower case."""
    return value.strip(WHITESPACE).partition(" ")[0].lower()


def parse_challenge(value: str) -> Challenge:
    """Read a Digest challenge.

    Raises HeaderError for another scheme, a broken or overlong one, or one that lacks realm or nonce.
    """
    params = auth_params(value, "digest")
    return Challenge(
        _required(params, "realm"),
        _required(params, "nonce"),
        params.get("algorithm", "MD5").upper(),
        tuple(word.strip(WHITESPACE).lower() for word in params.get("qop", "").split(",") if word.strip(WHITESPACE)),
        params.get("opaque", ""),
        params.get("stale", "").lower() == "true",
    )


def parse_credentials(value: str) -> Credentials:
    """Read a Digest answer. Raises HeaderError like `parse_challenge`, and for a `qop` without its cnonce or count."""
    params = auth_params(value, "digest")
    qop = params.get("qop", "").lower()
    count = params.get("nc", "")
    if qop and (not params.get("cnonce") or not _COUNT.fullmatch(count)):
        raise HeaderError("digest credentials with qop need cnonce and eight hexadecimal digits of nc")
    return Credentials(
        username=_required(params, "username"),
        realm=_required(params, "realm"),
        nonce=_required(params, "nonce"),
        uri=_required(params, "uri"),
        response=_required(params, "response").lower(),
        algorithm=params.get("algorithm", "MD5").upper(),
        qop=qop,
        cnonce=params.get("cnonce", ""),
        count=count,
        opaque=params.get("opaque", ""),
    )


def auth_params(value: str, scheme: str) -> dict[str, str]:
    """Read `scheme name=value, ...` (RFC 7235 2.1): lower-case names, values without quotes.

    Raises HeaderError for another scheme, repeated names and values outside the grammar.
    """
    found, _, rest = value.strip(WHITESPACE).partition(" ")
    if found.lower() != scheme:
        raise HeaderError(f"{found[:20]!r} is not the authentication scheme {scheme!r}")
    return listed_params(rest)


def listed_params(text: str) -> dict[str, str]:
    """Read `name=value, ...`, as it stands after a scheme and in Authentication-Info. Raises HeaderError."""
    if len(text) > MAX_CREDENTIALS:
        raise HeaderError(f"authentication of {len(text)} characters is over the limit of {MAX_CREDENTIALS}")
    params: dict[str, str] = {}
    for part in split_list(text):
        name, equals, value = part.partition("=")
        name, value = name.strip(WHITESPACE).lower(), value.strip(WHITESPACE)
        if not part:  # RFC 7230 7: a recipient accepts empty places in a list
            continue
        if not equals or not name or not TOKEN.issuperset(name) or name in params:
            raise HeaderError(f"authentication parameter {name[:40]!r} is broken or repeated")
        if value[:1] != '"' and (not value or any(blank in value for blank in WHITESPACE)):
            raise HeaderError(f"authentication parameter {name[:40]!r} has no proper value")
        params[name] = unquote(value)
    return params


def choose(challenges: Iterable[Challenge], secret: Secret, username: str) -> Challenge | None:
    """Give the strongest challenge that can be answered, None if there is none.

    RFC 8760 2.4 takes the server's first; ours is the strongest whatever their order, so that nobody on the way
    weakens it by turning them round. A qop other than auth and auth-int cannot be answered.
    """
    able = [
        one
        for one in challenges
        if secret.a1(one.algorithm, username, one.realm) and (not one.qop or {"auth", "auth-int"} & {*one.qop})
    ]
    return min(able, key=lambda one: ALGORITHMS.index(one.algorithm.removesuffix(_SESSION)), default=None)


def answer(  # noqa: PLR0913, PLR0917 - what the hash is made of
    challenge: Challenge,
    secret: Secret,
    username: str,
    method: str,
    uri: str,
    body: bytes,
    cnonce: str,
    count: int,
) -> Credentials:
    """Answer a challenge for one request; `count` is how often its nonce has been used, this time included.

    Without a qop the hash of RFC 2069 is made, as RFC 3261 22.4 asks.
    """
    qop = "auth" if "auth" in challenge.qop else "auth-int" if "auth-int" in challenge.qop else ""
    blank = Credentials(
        username,
        challenge.realm,
        challenge.nonce,
        uri,
        "",
        challenge.algorithm,
        qop,
        cnonce if qop or challenge.algorithm.endswith(_SESSION) else "",
        f"{count:08x}" if qop else "",
        challenge.opaque,
    )
    proof = response(blank, secret.a1(challenge.algorithm, username, challenge.realm), method, body)
    return replace(blank, response=proof)


def a1(algorithm: str, username: str, realm: str, password: str) -> str:
    """Give H(username:realm:password) in hexadecimal (RFC 7616 3.4.2)."""
    return _hash(algorithm, f"{username}:{realm}:{password}".encode())


def response(given: Credentials, hashed: str, method: str, body: bytes) -> str:
    """Compute what `given.response` has to be; `hashed` is H(A1) without a session part (RFC 7616 3.4.1 to 3.4.3)."""
    algorithm = given.algorithm.removesuffix(_SESSION)
    if given.algorithm.endswith(_SESSION):
        hashed = _hash(algorithm, f"{hashed}:{given.nonce}:{given.cnonce}".encode())
    a2 = f"{method}:{given.uri}".encode()
    if given.qop == "auth-int":
        a2 += f":{_hash(algorithm, body)}".encode()
    middle = f"{given.count}:{given.cnonce}:{given.qop}:" if given.qop else ""
    return _hash(algorithm, f"{hashed}:{given.nonce}:{middle}".encode() + _hash(algorithm, a2).encode())


def proves(given: Credentials, hashed: str, method: str, body: bytes) -> bool:
    """Tell whether credentials prove that their sender knows H(A1); takes as long for a wrong answer as for a right."""
    return hmac.compare_digest(response(given, hashed, method, body).encode(), given.response.encode())


def is_known(algorithm: str) -> bool:
    """Tell whether an algorithm, with or without -SESS, can be computed."""
    return algorithm.removesuffix(_SESSION) in _HASHES


def _hash(algorithm: str, data: bytes) -> str:
    # What MD5 lacks does no harm to a keyed challenge that lives for minutes; old room systems know nothing else
    return hashlib.new(_HASHES[algorithm], data, usedforsecurity=algorithm != "MD5").hexdigest()


def _required(params: Mapping[str, str], name: str) -> str:
    if not params.get(name):
        raise HeaderError(f"authentication lacks {name}")
    return params[name]


def _quoted(text: str) -> str:
    refuse_injection(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _spelt(algorithm: str) -> str:
    """Write an algorithm as the registry does: -sess in lower case, and so every peer reads it."""
    return algorithm.replace(_SESSION, "-sess")
