from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.web import __main__ as program
from gatewayd.web import credentials
from gatewayd.web.credentials import Credentials
from gatewayd.web.errors import SetupError


def test_a_token_is_shown_once_and_kept_as_a_digest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "credentials.json"
    arguments = ["--credentials", str(file)]
    assert program.main([*arguments, "token", "anna", "--role", "operator", "--days", "1"]) == 0
    token = capsys.readouterr().out.strip()
    known = Credentials(file)
    now = credentials.load(file).tokens[0].expires or 0
    found = known.token(token, now - 1)
    assert found is not None
    assert (found.principal.name, found.principal.role) == ("anna", "operator")
    assert known.token(token, now) is None  # it is over
    assert token.rpartition("_")[2] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "x", "", "vdx_" + "a" * 8 + token[12:]):
        assert known.token(wrong, 0) is None
    assert program.main([*arguments, "list"]) == 0
    assert token not in capsys.readouterr().out
    assert program.main([*arguments, "revoke", found.by]) == 0
    assert known.token(token, 0) is None
    assert known.still(found.by, 0) is None
    assert program.main([*arguments, "revoke", found.by]) == 1


def test_a_certificate_stands_for_whom_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "credentials.json"
    arguments = ["--credentials", str(file)]
    assert program.main([*arguments, "certificate", "deploy.north.example", "bo", "--role", "owner"]) == 0
    known = Credentials(file)
    found = known.certificate(("other", "deploy.north.example"))
    assert found is not None
    assert found.principal.name == "bo"
    assert known.certificate(("deploy.south.example",)) is None
    assert program.main([*arguments, "list", "--json"]) == 0
    assert '"deploy.north.example"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "mode", "word"),
    [("{}", 0o600, "key"), ("[", 0o600, "Expected"), ("{}", 0o644, "chmod")],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, content: str, mode: int, word: str) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(SetupError, match=word):
        Credentials(file)


def test_nobody_is_known_until_somebody_is_written_down(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    known = Credentials(file)
    token = "vdx_" + "a" * 8 + "_" + "A" * 43
    assert known.token(token, 0) is None
    token = credentials.issue(file, "anna", "admin", None)
    assert known.token(token, 0) is not None
    file.unlink()
    assert known.token(token, 0) is None


def test_serving_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "credentials.json"
    credentials.issue(file, "anna", "admin", None)
    serve = ["serve", "--listen", "127.0.0.1:1", "--certificate", "/nowhere", "--key", "/nowhere"]
    assert program.main(["--credentials", str(file), *serve]) == 2
    assert "/nowhere" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        program.main(["serve", "--listen", "8443"])
