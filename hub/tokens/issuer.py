"""A small issuer of tokens for use on one machine: a key in a file, made on first use. Off unless it is set."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from hub.domain.words import Role
from hub.errors import SettingsError
from hub.settings import Tokens

ALGORITHM = "ES256"

MAX_SECONDS = 24 * 3600
"""Of a token: who needs one tomorrow asks tomorrow."""

MAX_OCTETS = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a token is to say; `seconds` from now on."""

    roles: tuple[Role, ...]
    organisation: str | None
    email: str | None
    seconds: int


def token(settings: Tokens, wanted: Wanted, now: float) -> str:
    """Sign a token; raises `SettingsError` where the built-in issuer is off."""
    if settings.issuer_key is None:
        raise SettingsError("tokens.issuer_key is not set: the built-in issuer is off, tokens come from your login")
    if not wanted.roles or not 0 < wanted.seconds <= MAX_SECONDS:
        raise SettingsError("give at least one --role, and at most a day of --minutes")
    key = _key(settings.issuer_key)
    claims = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "iat": int(now),
        "exp": int(now) + wanted.seconds,
        settings.role_claim: [str(each) for each in wanted.roles],
        settings.organisation_claim: wanted.organisation,
        settings.email_claim: wanted.email,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, kept, key, algorithms=[ALGORITHM])


def prepare(settings: Tokens) -> None:
    """See that the key is there before tokens are to be verified with it; raises `SettingsError`."""
    if settings.issuer_key is not None:
        _key(settings.issuer_key)


def _key(path: Path) -> ECKey:
    try:
        _made(path)
        with path.open("rb") as file:
            (key,) = KeySet.import_key_set(json.loads(file.read(MAX_OCTETS))).keys
    except OSError as error:
        raise SettingsError(f"tokens.issuer_key: {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise SettingsError(f"tokens.issuer_key: {path} holds no key: remove it, and one is made") from error
    if not isinstance(key, ECKey) or not key.is_private:
        raise SettingsError(f"tokens.issuer_key: {path} holds no private EC key: remove it, and one is made")
    return key


def _made(path: Path) -> None:
    """Make the key where there is none; two who do so at once end up with the same."""
    if path.exists():
        return
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(KeySet([key]).as_dict(private=True), file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
