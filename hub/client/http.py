"""Calls sent over HTTP (httpx2): one client that waits, one with asyncio; both do the same with what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeVar, cast

import httpx2
import msgspec

from hub.client.calls import Call
from hub.client.errors import RefusedError, UnreachableError

T = TypeVar("T")

Token = Callable[[], str]
"""Gives a bearer token that counts now: yours may end while a program runs."""

TRIES = 3
PAUSE_SECONDS = 2.0
"""Before a call is sent again; the hub asks for as much in `Retry-After`."""

TIMEOUT_SECONDS = 30.0
UNAVAILABLE = 503


class Client:
    """Sends calls and waits for the answers; `transport` is for tests."""

    def __init__(
        self, base: str, token: str | Token, transport: httpx2.BaseTransport | None = None, pause: float = PAUSE_SECONDS
    ) -> None:
        self._token = token
        self._pause = pause
        self._http = httpx2.Client(base_url=base, timeout=TIMEOUT_SECONDS, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call; raises `RefusedError`, `UnreachableError`."""
        for _ in range(_tries(call) - 1):
            with suppress(UnreachableError):
                return self._once(call)
            time.sleep(self._pause)
        return self._once(call)

    def _once(self, call: Call[T]) -> T:
        try:
            return _read(call, self._http.request(**_written(call, self._token)))
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{call.method} {call.path}: {error}") from error


class AsyncClient:
    """Sends calls with asyncio; `transport` is for tests."""

    def __init__(
        self,
        base: str,
        token: str | Token,
        transport: httpx2.AsyncBaseTransport | None = None,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._token = token
        self._pause = pause
        self._http = httpx2.AsyncClient(base_url=base, timeout=TIMEOUT_SECONDS, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call; raises `RefusedError`, `UnreachableError`."""
        for _ in range(_tries(call) - 1):
            with suppress(UnreachableError):
                return await self._once(call)
            await asyncio.sleep(self._pause)
        return await self._once(call)

    async def _once(self, call: Call[T]) -> T:
        try:
            return _read(call, await self._http.request(**_written(call, self._token)))
        except httpx2.HTTPError as error:
            raise UnreachableError(f"{call.method} {call.path}: {error}") from error


def _tries(call: Call[Any]) -> int:
    return TRIES if call.again else 1


def _written(call: Call[Any], token: str | Token) -> dict[str, Any]:
    bearer = token if isinstance(token, str) else token()
    headers = {"authorization": f"Bearer {bearer}", "accept": "application/json", **call.headers}
    written: dict[str, Any] = {"method": call.method, "url": call.path, "params": call.query, "headers": headers}
    if call.body is not None:
        headers["content-type"] = "application/json"
        written["content"] = msgspec.json.encode(call.body)
    return written


def _read(call: Call[T], answer: httpx2.Response) -> T:
    if answer.is_success:
        if not answer.content:
            return cast("T", None)
        try:
            return msgspec.json.decode(answer.content, type=call.answer)
        except msgspec.MsgspecError as error:
            raise RefusedError(f"{call.method} {call.path}: not an answer of a hub: {error}", 200, "") from error
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        said = {}
    sentence = said.get("detailed_error") or said.get("error") or answer.reason_phrase
    text = f"{call.method} {call.path}: {answer.status_code} {sentence}"
    if answer.status_code == UNAVAILABLE:
        raise UnreachableError(text)
    raise RefusedError(text, answer.status_code, str(said.get("detailed_error_code", "")))
