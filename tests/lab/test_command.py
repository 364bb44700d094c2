"""The command says in one sentence what it cannot do, and leaves with status 2."""

import os
from pathlib import Path

import pytest

from lab import state
from lab.__main__ import main


@pytest.fixture(autouse=True)
def _no_labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "ROOT", tmp_path)
    monkeypatch.setattr("lab.namespace.DIRECTORY", tmp_path / "netns")
    monkeypatch.setattr("signal.signal", lambda *_: None)


def _complaint(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("verb", [["status"], ["exec", "home", "true"], ["call"], ["capture", "edge"], ["down"]])
def test_a_lab_that_is_not_up(
    verb: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert main([*verb[:1], "--name", "nolab", *verb[1:]]) == 2
    assert "nolab" in _complaint(capsys)


@pytest.mark.parametrize("verb", ["up", "run", "call", "down"])
def test_no_root(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main([verb]) == 2
    assert _complaint(capsys) == "vdx-lab: A lab needs root: it makes network namespaces. Run it as root.\n"


@pytest.mark.parametrize("name", ["", "a-b", "../x", "A", "x" * 25, "a b"])
def test_a_name_that_cannot_be_a_labs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--name", name]) == 2
    assert "a-z and 0-9" in _complaint(capsys)


def test_a_call_from_a_host_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--from", "moon"]) == 2
    assert "no host moon" in _complaint(capsys)


def test_a_call_from_a_host_without_user_agent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--to", "nat"]) == 2
    assert "Nobody can call on nat" in _complaint(capsys)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9", "soon"])
def test_a_length_that_is_none(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "--seconds", seconds])
    assert left.value.code == 2
    assert "--seconds" in _complaint(capsys)
