"""Sessions: a random secret in a cookie, its digest in the database, an end that no use puts off."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from hub.booking.office import Office
from hub.domain.model import Caller
from hub.store import sessions as store
from hub.store.sessions import Session

COOKIE = "__Host-vdx-session"
"""Browsers take the prefix only from us, over TLS, for every path (RFC 6265bis 4.1.3.2)."""

SECRET_OCTETS = 32

LASTS = timedelta(hours=9)
"""A working day; roles that were taken from somebody are gone by then."""

BREAK_GLASS_LASTS = timedelta(hours=1)

IDLE = timedelta(hours=1)
"""Unused for so long, a session is over: browsers stand open in shared rooms."""

SEEN_STEP = timedelta(minutes=1)
"""How exactly the last use is known: not every request writes."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider calls somebody, and his session there."""

    subject: str | None = None
    session: str | None = None


NOBODY = Known()
"""Of the sealed account, which no provider knows."""


async def begin(
    connection: AsyncConnection, office: Office, caller: Caller, provider: str, known: Known = NOBODY
) -> str:
    """Log somebody in; gives the secret for the cookie, which is kept nowhere."""
    secret, now = secrets.token_urlsafe(SECRET_OCTETS), office.now()
    lasts = LASTS if provider else BREAK_GLASS_LASTS
    session = Session(
        digest=digest(secret),
        provider=provider,
        organisation=caller.organisation or "",
        email=caller.email or "",
        roles=caller.roles,
        created_time=now,
        seen_time=now,
        ends_time=now + lasts,
        subject=known.subject,
        provider_session=known.session,
    )
    await store.sweep(connection, now)
    await store.add(connection, session)
    return secret


async def find(connection: AsyncConnection, office: Office, secret: str) -> Session | None:
    """Find who has this secret and is still logged in."""
    found, now = await store.find(connection, digest(secret)), office.now()
    if found is None or now >= found.ends_time or now >= found.seen_time + IDLE:
        return None
    return found


def stale(session: Session, office: Office) -> bool:
    """Tell whether the session's last use is to be written down again."""
    return office.now() >= session.seen_time + SEEN_STEP


def digest(secret: str) -> str:
    """Give what of a secret is stored: it is random, so one round of hashing protects it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def form_token(secret: str) -> str:
    """Give the token that forms of this session carry: other sites can neither read nor guess it."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def set_cookie(response: Response, name: str, secret: str, lasts: timedelta | None = None) -> None:
    """Hand a secret to the browser; without `lasts` it forgets it when it is closed."""
    seconds = None if lasts is None else int(lasts.total_seconds())
    response.set_cookie(name, secret, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def drop_cookie(response: Response, name: str) -> None:
    """Make the browser forget a secret."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
