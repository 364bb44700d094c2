"""Pages for people: only with a session, and forms only from our own pages."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import FastAPI, Form, Request

from hub.people import guard, sessions
from hub.people.guard import Person
from tests.hub.world import World

PEOPLE = {"public": "https://hub.example"}

pytestmark = pytest.mark.parametrize("world", [{"people": PEOPLE}], indirect=True)


@pytest.fixture(autouse=True)
def pages(world: World) -> None:
    app = world.client.app
    assert isinstance(app, FastAPI)

    @app.get("/page", response_model=None)
    async def page(request: Request, person: Person) -> dict[str, object]:
        return {"email": person.email, "roles": sorted(person.roles), "token": guard.form_token(request)}

    @app.post("/page", response_model=None)
    async def send(person: Person, said: Annotated[str, Form()]) -> dict[str, object]:
        return {"email": person.email, "said": said}

    world.organisation("north")


def test_a_page_needs_somebody(world: World) -> None:
    browser = {"accept": "text/html,*/*"}
    sent = world.client.get("/page?day=2", headers=browser, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/people/login?next=/page%3Fday%3D2")
    assert world.client.get("/page").status_code == 401
    assert world.client.get("/page", headers={"cookie": f"{sessions.COOKIE}=guessed"}).status_code == 401
    headers = world.sign_in("meeting-planner", email="p@north.example")
    found = world.client.get("/page", headers=headers).json()
    assert (found["email"], found["roles"]) == ("p@north.example", ["meeting-planner"])
    assert found["token"] == headers[guard.HEADER]


def test_a_session_ends_by_itself(world: World) -> None:
    headers = world.sign_in("meeting-user")
    for _ in range(3):
        world.clock.turn(minutes=59)
        assert world.client.get("/page", headers=headers).status_code == 200  # in use
    world.clock.turn(minutes=60)
    assert world.client.get("/page", headers=headers).status_code == 401
    headers = world.sign_in("meeting-user")
    for _ in range(10):
        world.clock.turn(minutes=50)
        world.client.get("/page", headers=headers)
    world.clock.turn(minutes=41)
    assert world.client.get("/page", headers=headers).status_code == 401  # in use, but too old


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"origin": "https://hub.example", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({guard.HEADER: "0" * 64}, 403),
        ({guard.HEADER: None}, 403),
        ({"cookie": None}, 401),
    ],
)
def test_forms_come_from_our_pages(world: World, change: dict[str, str | None], status: int) -> None:
    headers = world.sign_in("meeting-user") | change
    kept = {name: value for name, value in headers.items() if value is not None}
    assert world.client.post("/page", headers=kept, data={"said": "a"}).status_code == status


def test_the_token_may_stand_in_the_form(world: World) -> None:
    headers = world.sign_in("meeting-user")
    token = headers.pop(guard.HEADER)
    other = world.sign_in("meeting-user")[guard.HEADER]
    for given, status in ((token, 200), (other, 403), ("", 403)):
        sent = world.client.post("/page", headers=headers, data={"said": "a", guard.FIELD: given})
        assert sent.status_code == status
