"""The program as it is started: by `gatewayctl`, by `gatewayd`, by a socket, and by an ordinary user."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from gatewayd import prove, sandbox
from gatewayd.ctl import main
from gatewayd.errors import ProofError
from gatewayd.prove import batches, order, proof
from gatewayd.prove.proof import judge
from tests.gatewayd.prove.conftest import SITE
from vdx.proof import Difference
from vdx.site.source import LoadedSite, load, parse

pytestmark = pytest.mark.system

CHECKOUT = Path(__file__).parents[3]
PROGRAM = (sys.executable, "-P", "-m", "gatewayd.prove")
ROUTED = "routes: [{to: 10.1.0.0/16, via: 10.0.0.254}]"
EVERYWHERE = "routes: [{to: default, via: 10.0.0.254}]"
MASKED = (
    "  publish:",
    """\
    - {zone: mgmt, into: core, action: allow}
  mask:
    - {zone: mgmt, into: core, address: 10.9.255.1, targets: [web]}
  publish:""",
)
PATIENCE = 60.0


def changed(*changes: tuple[str, str]) -> LoadedSite:
    text = SITE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse(text.encode())


def stating(packet: str, expect: str) -> tuple[str, str]:
    """Return what adds a test to the site."""
    return "\nagreements:\n  org", f'\n    - {{packet: "{packet}", expect: {expect}}}\nagreements:\n  org'


def start(candidate: LoadedSite, running: LoadedSite | None = None, socket: Path = Path("/nowhere")) -> list[str]:
    report = asyncio.run(prove.start(candidate, running, now=time.time(), socket=socket))
    assert report.packets > 0
    return [str(each) for each in report.differences]


def namespaces() -> set[str]:
    return {str(entry.readlink()) for entry in Path("/proc/self/ns").iterdir() if entry.name in ("net", "user")}


def test_a_site_that_is_right_holds_with_its_limits_translations_and_times_and_nothing_of_ours_moves() -> None:
    before = namespaces()
    assert start(changed((ROUTED, EVERYWHERE), MASKED)) == []
    assert namespaces() == before


def test_an_agreement_of_many_years_and_a_test_at_another_time_are_proved() -> None:
    stated = stating("sdn 10.1.7.3 -> core 10.9.2.9 tcp/5061", "allow, at: 2050-01-01")
    candidate = changed(("ends: 2030-12-31", "ends: 2099-12-31"), stated)
    assert start(candidate, candidate) == []


def test_a_test_to_where_no_route_leads_is_told_with_its_line() -> None:
    candidate = changed(stating("sdn 10.1.0.3 -> core 10.20.0.5 tcp/80", "allow"))
    (said,) = start(candidate)
    assert said == (
        "sdn 10.1.0.3 -> 10.20.0.5 tcp/80: the policy says allow (rule from sdn to core); the kernel drops it, "
        "as no route of zone 'core' leads to a host 10.20.0.5 (site.yaml:22)"
    )


def test_check_prove_shows_the_report_and_refuses_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE.replace("targets: [away]}", "targets: [away], services: [https]}"))
    assert main(["check", "--prove", "--running", str(file), str(file)]) == 0
    assert "the kernel does what the policy says" in capsys.readouterr().out
    file.write_text(SITE.replace(*stating("sdn 10.1.0.3 -> core 10.20.0.5 tcp/443", "allow")))
    assert main(["check", "--prove", "--running", str(tmp_path / "none"), str(file)]) == 2
    assert "the kernel drops it" in capsys.readouterr().err
    assert main(["--json", "check", "--prove", "--running", str(tmp_path / "none"), str(file)]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["proof"]["different"]) == (False, 1)


def late(pipe: Connection, wanted: order.Order) -> None:
    """Make a proof whose time is over with its first packet."""
    sandbox.enter()
    clock = [0.0]

    def sent(*arguments: Any) -> list[Difference]:
        clock[0] = order.LONGEST_SECONDS + 1
        return judge(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "MAX_BATCH", 1)
        patch.setattr(proof, "judge", sent)
        pipe.send(proof.prove(wanted, lambda: clock[0]))


def test_what_is_owed_and_was_not_sent_in_time_refuses_the_candidate(tmp_path: Path) -> None:
    wanted = order.of(load(written(tmp_path)), None, time.time())
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=late, args=(far, wanted), daemon=True)
    process.start()
    far.close()
    report = near.recv()
    process.join(PATIENCE)
    assert (report.packets, report.different, report.holds) == (1, 0, False)
    assert report.unmet == len(report.unproved) > 1
    assert f"test at {wanted.policy.tests[0].origin}" not in report.unproved


def test_an_ordinary_user_without_any_right_makes_a_proof(tmp_path: Path) -> None:
    candidate = order.encode(order.of(load(written(tmp_path)), None, time.time()))
    command = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", *PROGRAM)
    user = sandbox.NOBODY if os.geteuid() == 0 else None
    done = subprocess.run(
        command, input=candidate, capture_output=True, timeout=PATIENCE, check=False, cwd=CHECKOUT,
        user=user, group=user, extra_groups=[] if user else None, env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (done.stderr, done.returncode) == (b"", 0)
    assert json.loads(done.stdout)["packets"] > 0


def written(folder: Path) -> Path:
    (folder / "site.yaml").write_text(SITE)
    return folder / "site.yaml"


def test_what_is_no_order_is_refused_in_one_sentence() -> None:
    done = subprocess.run(PROGRAM, input=b"{", capture_output=True, timeout=PATIENCE, check=False, cwd=CHECKOUT)
    assert (done.stderr, done.returncode) == (b"", 2)
    assert json.loads(done.stdout)["reason"].startswith("the order of a proof cannot be read")


def test_a_prover_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProofError, match="the prover ended without a report"):
        start(changed())


@pytest.fixture
def activated(tmp_path: Path) -> Iterator[Path]:
    """Give a socket at which systemd starts a prover for each connection."""
    path = tmp_path / "prove.sock"
    environment = [f"--setenv={name}={value}" for name, value in (("PYTHONPATH", os.pathsep.join(sys.path)),)]
    command = ("systemd-socket-activate", "--accept", "--inetd", *environment, f"--listen={path}", *PROGRAM)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=CHECKOUT)
    assert server.stderr
    assert b"Listening on" in server.stderr.readline()
    yield path
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=PATIENCE)


def test_a_unit_behind_a_socket_makes_a_proof(activated: Path) -> None:
    candidate = changed()
    assert start(candidate, candidate, activated) == []


def test_the_units_are_what_systemd_understands() -> None:
    units = sorted(map(str, (CHECKOUT / "gatewayd/prove/units").iterdir()))
    done = subprocess.run(
        ("systemd-analyze", "verify", *units), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)
