"""The client says what it is asked to, reads answers, and sends again only what does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import msgspec
import pytest

from hub.client import AsyncClient, Change, Client, NewMeeting, RefusedError, UnreachableError, calls
from hub.client.calls import Call
from tests.hub.world import World

UUID4 = UUID("11111111-2222-4333-8444-555555555555")
AT = datetime(2026, 11, 2, 13, tzinfo=UTC)
NEW = NewMeeting("Rounds", AT, AT)

Handler = Callable[[httpx2.Request], httpx2.Response]


def send(kind: str, call: Call[Any], handler: Handler) -> Any:
    """Send a call with either client."""
    transport = httpx2.MockTransport(handler)
    if kind == "sync":
        with Client("http://hub.example", lambda: "secret", transport, pause=0) as client:
            return client.send(call)

    async def run() -> Any:
        async with AsyncClient("http://hub.example", "secret", transport, pause=0) as client:
            return await client.send(call)

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("call", "times"),
    [
        (calls.meeting(UUID4), 3),
        (calls.create_meeting(NEW), 1),
        (calls.delete_meeting(UUID4), 1),
        (calls.create_meeting(msgspec.structs.replace(NEW, external_id="x")), 3),
    ],
)
def test_only_what_does_no_harm_is_sent_again(kind: str, call: Call[Any], times: int) -> None:
    asked: list[httpx2.Request] = []

    def away(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if len(asked) % 2:
            raise httpx2.ConnectError("nobody there")
        return httpx2.Response(503, json={"detailed_error": "the database is away", "detailed_error_code": "11"})

    with pytest.raises(UnreachableError):
        send(kind, call, away)
    assert len(asked) == times
    assert asked[0].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_refusals_have_status_and_code(kind: str) -> None:
    body = {"detailed_error": "no", "detailed_error_code": "36"}
    with pytest.raises(RefusedError, match="400 no") as refused:
        send(kind, calls.search("x"), lambda _: httpx2.Response(400, json=body))
    assert (refused.value.status, refused.value.code) == (400, "36")
    for answer in (
        httpx2.Response(401),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(502, content=b"\xff"),
    ):
        with pytest.raises(RefusedError):
            send(kind, calls.search("x"), lambda _, answer=answer: answer)  # type: ignore[misc]


def test_bodies_hold_what_is_set() -> None:
    asked: list[bytes] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.content)
        return httpx2.Response(204)

    send("sync", calls.change_meeting(UUID4, Change(guest_pin=1234)), keep)
    send("sync", calls.end_meeting(UUID4, AT), keep)
    assert asked == [b'{"guestPin":1234}', b'{"endTime":"2026-11-02T13:00:00Z"}']


def test_it_speaks_with_the_hub(world: World) -> None:
    world.organisation("north")
    token = world.issuer.token(["meeting-planner"], "north", "a@north.example")

    def ask(call: Call[Any]) -> Any:
        def through(request: httpx2.Request) -> httpx2.Response:
            headers = dict(request.headers)
            answer = world.client.request(request.method, str(request.url), headers=headers, content=request.content)
            return httpx2.Response(answer.status_code, content=answer.content)

        with Client("http://hub.example", token, httpx2.MockTransport(through)) as client:
            return client.send(call)

    made = ask(calls.create_meeting(msgspec.structs.replace(NEW, labels=("ward",), host_pin=4321)))
    assert ask(calls.meeting(made.uuid)) == made
    assert ask(calls.room(made.uuid)).host_pin == 4321
    assert ask(calls.room(made.uuid)).meeting_details == made
    found = [calls.search("Round"), calls.by_label("ward"), calls.by_short_id(made.short_id), calls.between(AT, AT)]
    assert [ask(each) for each in found] == [[made]] * 4
    assert ask(calls.change_meeting(made.uuid, Change(description="x"))).description == "x"
    assert ask(calls.delete_meeting(made.uuid)) is None
    with pytest.raises(RefusedError) as refused:
        ask(calls.meeting(made.uuid))
    assert refused.value.status == 404
