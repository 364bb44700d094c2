"""Programs start on the edge as the users they should be, ready before anything else happens, or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import namespace, programs
from lab.errors import ProgramError
from lab.lab import Lab
from lab.processes import Process
from lab.programs import Program, start
from lab.users import B2BUA, GROUP, User

pytestmark = pytest.mark.system

MODULE = "tests.system.lab.stand_in"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.temporary("prog") as built:
        yield built


def _start(lab: Lab, behaviour: str, user: User | None) -> dict[str, Any]:
    start(Program(MODULE, ("--behave", behaviour), user), lab.host("edge"), lab.state)
    log = (lab.state.logs / f"{MODULE}.log").read_text()
    return dict(json.loads(log.splitlines()[-1]))


def test_an_unprivileged_program_has_no_rights(lab: Lab) -> None:
    seen = _start(lab, "ready", B2BUA)
    assert seen["uids"] == [B2BUA.uid] * 3
    assert seen["gids"] == [GROUP] * 3
    assert seen["groups"] == []
    assert seen["capabilities"] == ["CapEff:\t0000000000000000"]


def test_gatewayd_is_root_on_the_edge(lab: Lab) -> None:
    seen = _start(lab, "ready", None)
    assert seen["uids"] == [0, 0, 0]
    assert seen["interfaces"] == ["core0", "lo", "mgmt0", "net0", "sdn0"]


def test_programs_see_the_checkout_where_nobody_else_does(lab: Lab) -> None:
    seen = _start(lab, "ready", B2BUA)
    assert seen["code"] == str(lab.state.code)
    assert str(lab.state.code) in seen["mounts"]
    assert str(lab.state.code) not in Path("/proc/self/mountinfo").read_text()
    assert list(lab.state.code.iterdir()) == []


def test_a_program_does_not_hold_on_to_another_lab_that_goes(lab: Lab) -> None:
    with Lab.temporary("other") as other:
        _start(lab, "ready", B2BUA)
        (process,) = lab.state.programs().values()
        mounts = Path(f"/proc/{process.pid}/mountinfo")
        assert other.namespaces["home"] in mounts.read_text()
    assert other.namespaces["home"] not in mounts.read_text()


def test_a_program_is_remembered_and_ends_with_the_lab(lab: Lab) -> None:
    _start(lab, "ready", B2BUA)
    (process,) = lab.state.programs().values()
    assert process.alive()
    assert process.pid in namespace.processes([lab.namespaces["edge"]])
    lab.stop(MODULE)
    assert not process.alive()


def test_one_that_ends_is_not_waited_for_and_its_words_are_told(lab: Lab) -> None:
    with pytest.raises(ProgramError, match=r"ended with status 3; it said: .*the file is full of errors"):
        _start(lab, "dead", B2BUA)


def test_one_that_is_never_ready_is_given_up(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "READY_S", 1.0)
    with pytest.raises(ProgramError, match="was not ready in time"):
        _start(lab, "silent", B2BUA)


def test_an_unknown_program() -> None:
    with pytest.raises(ProgramError, match="no program httpd"):
        programs.program("httpd", Lab("unknown").state)


def test_programs_outlive_whoever_brought_the_lab_up() -> None:
    name = f"stay{os.getpid()}"
    script = f"""
from lab.lab import Lab
from lab.programs import Program, start
lab = Lab({name!r})
lab.up()
start(Program({MODULE!r}, ("--behave", "ready"), None), lab.host("edge"), lab.state)
lab.leave()
"""
    try:
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60, cwd=programs.CHECKOUT)
        (process,) = Lab(name).state.programs().values()
        assert isinstance(process, Process)
        assert process.alive()
    finally:
        Lab(name).down()
    assert not process.alive()
