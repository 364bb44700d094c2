"""The built-in issuer: for one machine, and only where it is set."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pydantic
import pytest
import yaml

from hub import __main__ as program
from hub.domain.model import Caller
from hub.domain.words import Role
from hub.errors import UnauthenticatedError
from hub.settings import Tokens
from hub.tokens.bearer import Bearer
from hub.tokens.keys import Keys


def config(tmp_path: Path, **tokens: object) -> Path:
    path = tmp_path / "hub.yaml"
    path.write_text(yaml.safe_dump({"tokens": {"issuer": "https://here", "audience": "hub", **tokens}}))
    return path


def test_a_token_counts_until_it_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "issuer.json"
    path = config(tmp_path, issuer_key=str(key))
    arguments = ["token", "--config", str(path), "--role", "meeting-admin", "--role", "meeting-user"]
    assert program.main([*arguments, "--organisation", "north", "--email", "a@north.example", "--minutes", "5"]) == 0
    token = capsys.readouterr().out.strip()
    assert key.stat().st_mode & 0o777 == 0o600
    settings = Tokens(issuer="https://here", audience="hub", issuer_key=key)

    def ask(late: float) -> Caller:
        bearer = Bearer(settings, Keys(settings.keys, time.monotonic), lambda: time.time() + late)
        return asyncio.run(bearer.caller(token))

    assert ask(0) == Caller("north", "a@north.example", frozenset({Role.ADMIN, Role.USER}))
    with pytest.raises(UnauthenticatedError):
        ask(400)


def test_it_is_off_unless_it_is_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, jwks="https://login.example/jwks")
    assert program.main(["token", "--config", str(path), "--role", "meeting-user"]) == 2
    assert "issuer_key" in capsys.readouterr().err
    with pytest.raises(pydantic.ValidationError, match="not both"):
        Tokens(issuer="a", jwks="b", issuer_key=tmp_path)
    with pytest.raises(pydantic.ValidationError, match="not both"):
        Tokens(issuer="a")


@pytest.mark.parametrize("held", ["", "{}", '{"keys": []}', "[]"])
def test_a_file_without_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str], held: str) -> None:
    (tmp_path / "key").write_text(held)
    path = config(tmp_path, issuer_key=str(tmp_path / "key"))
    assert program.main(["token", "--config", str(path), "--role", "meeting-user"]) == 2
    assert "holds no key" in capsys.readouterr().err
