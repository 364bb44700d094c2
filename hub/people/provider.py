"""An identity provider asked: where people are sent, and what a code is worth (OpenID Connect, PKCE of RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import httpx2
import msgspec

from hub.errors import AwayError, ForbiddenError
from hub.people import claims
from hub.people.claims import Identity
from hub.people.sessions import Known
from hub.settings import IdentityProvider, People, Settings
from hub.store.sessions import Login
from hub.tokens.bearer import verified
from hub.tokens.keys import Connect, Keys, bounded, connect

FRESH_SECONDS = 3600
"""How long what a provider says of itself is believed."""

CALLBACK = "/people/callback"

CONFIGURATION = "/.well-known/openid-configuration"

log = logging.getLogger("hub.people")

Address = Annotated[str, msgspec.Meta(max_length=2000)]


class Configuration(msgspec.Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery 3)."""

    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    end_session_endpoint: Address = ""


class Tokens(msgspec.Struct, frozen=True):
    """What a code was worth."""

    id_token: Annotated[str, msgspec.Meta(max_length=64 * 1024)]


class Provider:
    """One identity provider; `redirect` is our address that it sends people back to."""

    def __init__(
        self,
        settings: IdentityProvider,
        redirect: str,
        clock: Callable[[], float],
        now: Callable[[], float],
        connection: Connect = connect,
    ) -> None:
        self.settings = settings
        self._redirect = redirect
        self._clock = clock
        self._now = now
        self._connect = connection
        self._known: tuple[Configuration, Keys] | None = None
        self._read_at = 0.0

    async def address(self, login: Login) -> str:
        """Give the address that somebody logs in at; raises `AwayError` while the provider cannot be asked."""
        configuration, _ = await self._configuration()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client,
            "redirect_uri": self._redirect,
            "scope": " ".join(self.settings.scopes),
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": challenge(login.verifier),
            "code_challenge_method": "S256",
        }
        if login.stepped:
            asked["prompt"] = "login"
            if self.settings.second_factor_acr:
                asked["acr_values"] = self.settings.second_factor_acr[0]
        return _with(configuration.authorization_endpoint, asked)

    async def farewell(self, after: str) -> str | None:
        """Give the address where somebody also logs out of the provider, to come back to `after`."""
        try:
            configuration, _ = await self._configuration()
        except AwayError:
            return None
        if not configuration.end_session_endpoint:
            return None
        asked = {"client_id": self.settings.client, "post_logout_redirect_uri": after}
        return _with(configuration.end_session_endpoint, asked)

    async def identity(self, code: str, login: Login) -> Identity:
        """Give who a code stands for; raises `ForbiddenError`, and `AwayError` where the provider cannot be asked."""
        configuration, keys = await self._configuration()
        token = await self._exchanged(configuration, code, login)
        found: Mapping[str, Any] = await verified(token, keys)
        claims.check(found, configuration.issuer, self.settings.client, login.nonce, self._now())
        return claims.identity(found, self.settings)

    async def ended(self, token: str) -> Known:
        """Give whose session has ended; raises `ForbiddenError`, `UnauthenticatedError`, and `AwayError`."""
        configuration, keys = await self._configuration()
        return claims.ended(await verified(token, keys), configuration.issuer, self.settings.client, self._now())

    async def _exchanged(self, configuration: Configuration, code: str, login: Login) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self.settings.client,
            "code_verifier": login.verifier,
        }
        if self.settings.secret is not None:
            form["client_secret"] = self.settings.secret.read_text("utf-8").strip()
        try:
            async with (
                self._connect() as client,
                client.stream("POST", configuration.token_endpoint, data=form) as response,
            ):
                return msgspec.json.decode(await bounded(response), type=Tokens).id_token
        except httpx2.HTTPStatusError as error:
            refused = error.response.is_client_error
            log.warning("login.code-refused provider=%s status=%d", self.settings.name, error.response.status_code)
            if refused:
                raise ForbiddenError("the identity provider refused the login: begin again") from error
            raise self._away(error) from error
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise self._away(error) from error

    async def _configuration(self) -> tuple[Configuration, Keys]:
        if self._known is None or self._clock() >= self._read_at + FRESH_SECONDS:
            try:
                found = await self._asked()
            except (httpx2.HTTPError, OSError, ValueError) as error:
                if self._known is None:
                    raise self._away(error) from error
                log.warning("provider.unread name=%s: %s", self.settings.name, error)
            else:
                same = self._known is not None and self._known[0].jwks_uri == found.jwks_uri
                keys = self._known[1] if same and self._known else Keys(found.jwks_uri, self._clock, self._connect)
                self._known = found, keys
            self._read_at = self._clock()
        return self._known

    async def _asked(self) -> Configuration:
        address = self.settings.issuer + CONFIGURATION
        async with self._connect() as client, client.stream("GET", address) as response:
            found = msgspec.json.decode(await bounded(response), type=Configuration)
        if found.issuer.rstrip("/") != self.settings.issuer:
            raise ValueError(f"it says that it is {found.issuer!r}")
        scheme = urlsplit(self.settings.issuer).scheme
        for each in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if urlsplit(each).scheme not in {scheme, "https"}:
                raise ValueError(f"{each!r} is not protected by TLS")
        return found

    def _away(self, error: Exception) -> AwayError:
        log.warning("provider.away name=%s: %s", self.settings.name, error)
        return AwayError(f"the login of {self.settings.title} does not answer: try again in a moment")


@dataclass(frozen=True, slots=True)
class Entrance:
    """Settings of the login, and the providers by their names."""

    settings: People
    providers: dict[str, Provider]


def entrance(
    settings: Settings, clock: Callable[[], float], now: Callable[[], float], connection: Connect = connect
) -> Entrance | None:
    """Make ready for people to log in; None where that is not set up."""
    people = settings.people
    if people is None:
        return None
    redirect = f"{people.public}{settings.base_path}{CALLBACK}"
    made = {each.name: Provider(each, redirect, clock, now, connection) for each in people.providers}
    return Entrance(people, made)


def challenge(verifier: str) -> str:
    """Give what the provider is told of a verifier (RFC 7636 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _with(address: str, asked: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"
