"""Public keys of the token issuer (JWKS, RFC 7517): from a file or a URL, kept, and asked for anew when they rotate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import httpx2
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hub.errors import AwayError

MAX_OCTETS = 256 * 1024
"""Of a set of keys: an issuer has a handful."""

FRESH_SECONDS = 600
"""How long keys are used before they are asked for again: a key that the issuer withdraws counts no longer."""

PAUSE_SECONDS = 10
"""Between questions: tokens with invented key ids must not make us ask the issuer all the time."""

ASK_SECONDS = 3

log = logging.getLogger("hub.tokens")


Connect = Callable[[], httpx2.AsyncClient]


def connect() -> httpx2.AsyncClient:
    """Give a client that asks issuers: it follows nobody elsewhere."""
    return httpx2.AsyncClient(timeout=ASK_SECONDS, follow_redirects=False)


class Keys:
    """The keys at `source`, a URL or a path; `connection` makes the client that a URL is asked with."""

    def __init__(self, source: str, clock: Callable[[], float], connection: Connect = connect) -> None:
        self._source = source
        self._clock = clock
        self._connect = connection
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._asked_at = float(-PAUSE_SECONDS)
        self._asking = asyncio.Lock()

    async def current(self) -> KeySet:
        """Give the keys; raises `AwayError` where there never were any."""
        if self._keys is None or self._clock() > self._read_at + FRESH_SECONDS:
            await self.renewed()
        if self._keys is None:
            raise AwayError("the keys of the token issuer cannot be had: send the request again")
        return self._keys

    async def renewed(self) -> KeySet | None:
        """Ask for the keys now; None where that was done just before, or they cannot be had."""
        async with self._asking:
            if self._clock() < self._asked_at + PAUSE_SECONDS:
                return None
            self._asked_at = self._clock()
            try:
                self._keys = _parsed(await self._fetched())
            except (OSError, httpx2.HTTPError, ValueError, JoseError) as error:
                log.warning("keys.unread source=%s: %s", self._source, error)
                return None
            self._read_at = self._clock()
            return self._keys

    async def _fetched(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            return await asyncio.to_thread(_read, Path(self._source))
        async with self._connect() as client, client.stream("GET", self._source) as response:
            return await bounded(response)


async def bounded(response: httpx2.Response) -> bytes:
    """Read a good answer of at most `MAX_OCTETS`; raises `ValueError` for a larger, `HTTPError` for a bad one."""
    response.raise_for_status()
    kept = b""
    async for part in response.aiter_bytes():
        kept += part
        if len(kept) > MAX_OCTETS:
            raise ValueError("the issuer's answer is too large")
    return kept


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_OCTETS)


class _Listed(msgspec.Struct):
    """A set of keys (RFC 7517 5); other members are ignored."""

    keys: list[dict[str, object]]


def _parsed(octets: bytes) -> KeySet:
    listed = msgspec.json.decode(octets, type=_Listed)
    usable = [each for each in listed.keys if each.get("use", "sig") == "sig" and each.get("kty") != "oct"]
    return KeySet.import_key_set({"keys": usable})  # type: ignore[typeddict-item]  # checked by the import
