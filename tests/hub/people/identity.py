"""An identity provider that speaks OpenID Connect: it logs in whom the test says, checks PKCE, signs ID tokens."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response

from hub.people.claims import LOGOUT
from hub.people.provider import challenge

ISSUER = "https://login.north.example"
SECRET = "client-secret"  # noqa: S105 - of a provider that lives as long as a test


def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=True, auto_kid=True)


@dataclass
class IdentityServer:
    """Logs in whoever `person` is; `asked` are the parameters of each login, `forged` changes ID tokens."""

    person: dict[str, Any] = field(default_factory=dict)
    forged: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    away: bool = False
    key: RSAKey = field(default_factory=_key)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def connection(self) -> httpx2.AsyncClient:
        """Give a client that reaches nobody but this provider."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app()))

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.key = _key()

    def app(self) -> FastAPI:
        """Give the provider as an application."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration", response_model=None)
        async def configuration() -> Response:
            if self.away:
                return Response(status_code=502)
            ends = {"authorization": "authorize", "token": "token", "end_session": "bye"}
            written = {f"{name}_endpoint": f"{ISSUER}/{path}" for name, path in ends.items()}
            return JSONResponse({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks", **written})

        @app.get("/authorize", response_model=None)
        async def authorize(request: Request) -> Response:
            asked = dict(request.query_params)
            self.asked.append(asked)
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            answer = urlencode({"code": code, "state": asked["state"]})
            return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 302)

        @app.post("/token", response_model=None)
        async def token(request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode()))
            asked = self.codes.pop(form["code"], None)
            if asked is None or form.get("client_secret") != SECRET or form["redirect_uri"] != asked["redirect_uri"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            if challenge(form["code_verifier"]) != asked["code_challenge"]:
                return JSONResponse({"error": "invalid_grant"}, 400)
            return JSONResponse({"id_token": self._signed(asked), "access_token": "x", "token_type": "Bearer"})

        @app.get("/jwks", response_model=None)
        async def jwks() -> Response:
            return JSONResponse(KeySet([self.key]).as_dict(private=False))

        return app

    def _signed(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": asked["client_id"], "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (usual | self.person | self.forged).items() if value is not None}
        return self.sign(claims)

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign whatever it is."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def farewell(self, **others: Any) -> str:
        """Sign a logout token; `others` stand beside or in place of the usual claims, None leaves one out."""
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": "hub", "iat": now, "exp": now + 120, "jti": secrets.token_hex(8)}
        claims = usual | {"sub": "anna-1", "events": {LOGOUT: {}}} | others
        return self.sign({name: value for name, value in claims.items() if value is not None})


def path_of(address: str) -> str:
    """Give path and query of an address."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
