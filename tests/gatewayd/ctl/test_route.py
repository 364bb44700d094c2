"""`gatewayctl route explain`, `drain`: what is asked, and how the answer looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.ctl import command, main, route
from gatewayd.ctl.route import written
from vdx import control
from vdx.control import FromGatewayd, ToGatewayd
from vdx.drain import Drain, Undrain
from vdx.explain import Explain, Explained, ExplainStep
from vdx.pinhole import Refused


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[list[ToGatewayd], list[FromGatewayd]]:
    questions: list[ToGatewayd] = []
    answers: list[FromGatewayd] = []

    async def ask_once(_run_dir: Path, request: ToGatewayd) -> FromGatewayd:
        questions.append(request)
        return answers.pop(0)

    monkeypatch.setattr(route, "ask_once", ask_once)
    monkeypatch.setattr(command, "ask_once", ask_once)
    return questions, answers


Asked = tuple[list[ToGatewayd], list[FromGatewayd]]
STEPS = (ExplainStep("identify", "x is a peer"), ExplainStep("rule", "it matches"))


def test_steps_stand_below_each_other() -> None:
    assert written(Explained(1, STEPS, 0)) == "identify  x is a peer\nrule      it matches"


@pytest.mark.parametrize(("status", "exits"), [(0, 0), (404, 1)])
def test_explain(asked: Asked, capsys: pytest.CaptureFixture[str], status: int, exits: int) -> None:
    asked[1].append(Explained(1, STEPS, status))
    assert main(["route", "explain", "hospital", "ward", "--at", "2026-03-02T08:00+00:00"]) == exits
    assert asked[0] == [Explain(1, "hospital", "ward", 1772438400.0)]
    assert capsys.readouterr().out == "identify  x is a peer\nrule      it matches\n"


def test_explain_for_programs(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked[1].append(Explained(1, STEPS, 0, ("sip:a@b",)))
    assert main(["--json", "route", "explain", "hospital", "ward"]) == 0
    assert '"places":["sip:a@b"]' in capsys.readouterr().out


def test_explain_refused(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked[1].append(Refused(1, "unknown", "b2bua is not running"))
    assert main(["route", "explain", "hospital", "ward"]) == 1
    assert capsys.readouterr().err == "b2bua is not running\n"


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["drain"], Drain(1)),
        (["drain", "--deadline", "90s"], Drain(1, 90.0)),
        (["drain", "--deadline", "2h"], Drain(1, 7200.0)),
        (["undrain"], Undrain(1)),
    ],
)
def test_drain(asked: Asked, arguments: list[str], request_: ToGatewayd) -> None:
    asked[1].append(control.Ok(1))
    assert main(arguments) == 0
    assert asked[0] == [request_]


@pytest.mark.parametrize(
    "arguments",
    [
        ["drain", "--deadline", "soon"],
        ["drain", "--deadline", "200h"],
        ["route"],
        ["route", "explain", "a", "b", "--at", "x"],
    ],
)
def test_what_cannot_be_asked(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
