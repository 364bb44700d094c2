from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatewayd.ctl import main
from tests.gatewayd.site import TEXT


def test_check_of_a_good_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT)
    assert main(["check", str(file)]) == 0
    assert "can be applied" in capsys.readouterr().out
    assert main(["--json", "check", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_check_of_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT.replace("interface: net0", "interfaces: net0"))
    assert main(["check", str(file)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "site.yaml:12: zones.internet.interface: is required",
        "site.yaml:13: zones.internet.interfaces: unknown key; did you mean 'interface'?",
    ]


def test_check_of_a_day_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(TEXT + "ends: 2026-02-30\n")
    assert main(["check", str(file)]) == 2
    assert "'2026-02-30' is no date or time (day is out of range for month)" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "no.yaml")]) == 2
    assert "no.yaml: cannot be read: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["status", "calls", "pinholes", "reload"])
def test_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main(["--run-dir", str(tmp_path), verb]) == 2
    assert capsys.readouterr().err.startswith(f"nobody answers at {tmp_path}/admin.sock")


@pytest.mark.parametrize("arguments", [["hangup", "x"], ["hangup"], ["ban", "nobody"], ["dance"], []])
def test_what_cannot_be_asked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: gatewayctl" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("gatewayctl ")
