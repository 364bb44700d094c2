from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vdx.bus.__main__ import main

DESCRIPTION = """
name: bus1
listen: 10.0.0.1:4222
store: /var/lib/vdx-bus
tls: {certificate: /c.pem, key: /k.pem, trust: /ca.pem}
programs:
  - {name: hub, role: hub, password: hhhhhhhhhhhhhhhh}
  - {name: edge1, role: edge, password: eeeeeeeeeeeeeeee}
"""


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["vdx-bus", *arguments])
    return main()


def test_a_description_becomes_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bus.yaml"
    file.write_text(DESCRIPTION)
    assert run(monkeypatch, "config", str(file)) == 0
    assert json.loads(capsys.readouterr().out)["listen"] == "10.0.0.1:4222"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("role: edge", "role: king", r"Invalid enum value 'king' - at `$.programs[1].role`"),
        ("eeeeeeeeeeeeeeee", "short", r"length >= 16 - at `$.programs[1].password`"),
        ("store:", "stores:", r"unknown field `stores`"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    file = tmp_path / "bus.yaml"
    file.write_text(DESCRIPTION.replace(old, new))
    assert run(monkeypatch, "config", str(file)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"vdx-bus: {file}: ")
    assert said in captured.err
