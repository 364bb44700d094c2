"""`gatewayctl explain packet` and what `check` finds, from a site file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatewayd.ctl import main
from tests.gatewayd.test_transit import LIST, TEXT, line


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "site.yaml").write_text(TEXT)
    (tmp_path / "wards.txt").write_bytes(LIST)
    return str(tmp_path / "site.yaml")


def test_a_packet_is_explained_with_the_rule_that_decides(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "packet", "sdn 10.1.2.3 -> core 10.9.1.5 tcp/443", "--site", file]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "sdn 10.1.2.3 -> core 10.9.1.5 tcp/443",
        f"allow: rule from sdn to core (site.yaml:{line('rate: 50')})",
    ]
    assert main(["explain", "packet", "sdn 10.1.2.3 -> core 10.9.1.5 tcp/80", "--site", file]) == 1
    assert "deny: no rule and no agreement allows it" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        "sdn 10.1.2.3 to core 10.9.1.5 tcp/443",
        "sdn 10.1.2.3 -> core 10.9.1.5 tcp/443",
        "sdn 10.1.2.3 core 10.9.1.5 tcp/443",
        "sdn 10.1.2.3 to 10.9.1.5 tcp/443",
        "sdn 10.1.2.3->10.9.1.5 tcp/443",
    ],
)
def test_a_packet_needs_no_quotes(file: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "packet", *words.split(), "--site", file]) == 0
    assert main(["explain", "packet", "--site", file, *words.split()]) == 0
    assert capsys.readouterr().out.count(f"allow: rule from sdn to core (site.yaml:{line('rate: 50')})") == 2
    assert main(["explain", "packet", words, "--site", file]) == 0


def test_an_arrow_that_the_shell_has_taken_is_told(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "packet", *["sdn", "10.1.2.3", "-", "10.9.1.5", "tcp/443"], "--site", file]) == 2
    assert "the shell took the `>`" in capsys.readouterr().err


def test_an_agreement_is_explained_for_a_time(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["explain", "packet", "sdn 10.2.0.9 -> core 10.9.2.9 tcp/5061", "--site", file]
    assert main(["--json", *words, "--at", "2030-12-31T12:00:00+01:00"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], found["text"], found["zone"]) == ("agreement", "agreement a-1", "core")
    assert main([*words, "--at", "2031-01-01T12:00:00+01:00"]) == 1
    assert "agreement a-1 is not in force at that time" in capsys.readouterr().out


@pytest.mark.parametrize("packet", ["nonsense", "dmz 10.1.2.3 -> core 10.9.1.5 tcp/80"])
def test_what_is_no_packet_is_told(file: str, packet: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "packet", packet, "--site", file]) == 2
    assert capsys.readouterr().err


def test_check_tells_what_is_doubtful(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", file]) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"notice: site.yaml:{line('any: true')}: no rule names service 'all'" in said
    assert not [each for each in said if "opens less" in each]
    assert main(["--json", "check", file]) == 0
    assert "unused" in {each["code"] for each in json.loads(capsys.readouterr().out)["findings"]}
