"""What the hub leans on, looked at from here: the issuer of tokens, a token of its, the gateway of text messages."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

import httpx2
import msgspec

from hub.errors import HubError
from hub.settings import ApiClient, Settings, Sms, Tokens
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Connect, Keys, bounded, connect

Step = Callable[[], Awaitable[str]]
"""Looks at one part; returns what is wrong, nothing where all is well. May raise `HubError`."""


def steps(settings: Settings, connection: Connect = connect) -> Mapping[str, Step]:
    """Return a look at each part that is set up, by the name that monitoring knows it by."""
    tokens = settings.tokens
    found: dict[str, Step] = {"sts": lambda: _issuer(tokens, connection)}
    client = settings.healthcheck.client if settings.healthcheck else None
    if client is not None:
        found["video-api-access-token"] = lambda: _token(tokens, client, connection)
    sms = settings.post.sms if settings.post else None
    if sms is not None:
        found["sms"] = lambda: _gateway(sms, connection)
    return found


async def _issuer(tokens: Tokens, connection: Connect) -> str:
    keys = await Keys(tokens.keys, time.monotonic, connection).renewed()
    return "" if keys else "the keys of the issuer cannot be had: the log says why"


async def _token(tokens: Tokens, client: ApiClient, connection: Connect) -> str:
    """Get a token as clients do (RFC 6749 4.4), and take it as the API does."""
    try:
        secret = client.secret.read_text("utf-8").strip()
        form = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret}
        async with connection() as asking, asking.stream("POST", client.url, data=form) as answer:
            said = msgspec.json.decode(await bounded(answer), type=dict[str, object])
    except (OSError, httpx2.HTTPError, ValueError) as error:
        return f"no token can be had from the issuer: {type(error).__name__}"
    token = said.get("access_token")
    if not isinstance(token, str):
        return "the issuer answers without an access_token"
    try:
        await Bearer(tokens, Keys(tokens.keys, time.monotonic, connection), time.time).caller(token)
    except HubError as error:
        return f"the token of the issuer is refused: {error}"
    return ""


async def _gateway(sms: Sms, connection: Connect) -> str:
    """Ask the gateway what it takes, which sends nothing: any answer but a failure of its own will do."""
    try:
        async with connection() as asking:
            answer = await asking.options(sms.url)
    except (OSError, httpx2.HTTPError) as error:
        return f"the gateway of text messages cannot be reached: {type(error).__name__}"
    return f"the gateway of text messages answers {answer.status_code}" if answer.is_server_error else ""
