"""What the hub leans on is looked at: the issuer's keys, a token of its, the gateway of text messages."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from hub.booking import surroundings
from hub.booking.healthcheck import Examiner
from hub.settings import ApiClient, HealthCheck, Post, Sms
from tests.hub.world import World

TOKENS = "https://login.example/realms/vdx/token"
GATEWAY = "https://sms.example/send"
SECRET = "s3cret"  # noqa: S105 - of this test


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    return tmp_path / "secret"


def looked(world: World, secret: Path, answers: dict[str, httpx2.Response | Exception]) -> dict[str, str]:
    """Give what a check shows of each part, with somebody who answers for everybody outside."""
    asked: list[httpx2.Request] = []

    def outside(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        answer = answers[str(request.url)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    health = HealthCheck(organisation="north", client=ApiClient(url=TOKENS, id="check", secret=secret))
    settings = world.office.settings.model_copy(update={"healthcheck": health, "post": Post(sms=Sms(url=GATEWAY))})
    steps = surroundings.steps(settings, lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(outside)))
    check = world.run(Examiner(world.database, world.office, health, beside=steps).check)
    assert [each.method for each in asked if str(each.url) == GATEWAY] == ["OPTIONS"]
    (form,) = [each.content.decode() for each in asked if str(each.url) == TOKENS]
    assert form == f"grant_type=client_credentials&client_id=check&client_secret={SECRET}"
    told = " ".join(each.message for each in check.parts)
    assert not any(hidden in told for hidden in (SECRET, "example", world.office.settings.tokens.keys))
    shown = world.client.get("/healthcheck/v1/healthcheck").json()
    names = ("sts", "video-api-access-token", "sms")
    return {name: f"{shown[name]['status']} {shown[name]['message']}".strip() for name in names}


def token(world: World, organisation: str | None) -> httpx2.Response:
    signed = world.issuer.token(["meeting-planner"], organisation, "check@hub.example")
    return httpx2.Response(200, json={"access_token": signed, "token_type": "Bearer"})


def test_what_is_well_is_told(world: World, secret: Path) -> None:
    found = looked(world, secret, {TOKENS: token(world, "north"), GATEWAY: httpx2.Response(405)})
    assert found == {"sts": "OK", "video-api-access-token": "OK", "sms": "OK"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            httpx2.Response(401, json={"error": "invalid_client"}),
            "no token can be had from the issuer: HTTPStatusError",
        ),
        (httpx2.Response(200, content=b"<html>"), "no token can be had from the issuer: DecodeError"),
        (httpx2.Response(200, json={"error": "x"}), "the issuer answers without an access_token"),
        (httpx2.ConnectError("no"), "no token can be had from the issuer: ConnectError"),
        (None, "the token of the issuer is refused: the token names no organisation or no mail address"),
    ],
)
def test_a_token_that_cannot_be_had_or_used_is_told(
    world: World, secret: Path, answer: httpx2.Response | Exception | None, told: str
) -> None:
    found = looked(world, secret, {TOKENS: answer or token(world, None), GATEWAY: httpx2.Response(503)})
    assert found["video-api-access-token"] == f"FAILED {told}"
    assert found["sms"] == "FAILED the gateway of text messages answers 503"


def test_keys_and_a_gateway_that_are_away_are_told(world: World, secret: Path) -> None:
    Path(world.office.settings.tokens.keys).write_text("{}")
    found = looked(world, secret, {TOKENS: token(world, "north"), GATEWAY: httpx2.ConnectTimeout("late")})
    assert found["sts"] == "FAILED the keys of the issuer cannot be had: the log says why"
    assert found["video-api-access-token"].startswith("FAILED the token of the issuer is refused: ")
    assert found["sms"] == "FAILED the gateway of text messages cannot be reached: ConnectTimeout"


def test_what_is_not_set_up_is_not_looked_at(world: World) -> None:
    assert set(surroundings.steps(world.office.settings)) == {"sts"}
