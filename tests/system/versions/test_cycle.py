"""Versions on a real kernel: they come, wait, go back, and survive whatever ends gatewayd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from itertools import count
from pathlib import Path

import pytest

from tests.gatewayd.edge import OWNER, STRANGER, eventually
from tests.gatewayd.test_restart_system import LEASE, open_stream
from tests.system.versions.conftest import Appliance
from vdx import versions
from vdx.control import Hangup
from vdx.pinhole import List, Listed, Refused, Revoked
from vdx.versions import Applied, Confirm, Declined, History, Journal, Principal, Situation

pytestmark = pytest.mark.system

NEW = "10.0.0.77"


def changed(appliance: Appliance, calls: int, address: str = NEW) -> str:
    """Give a site with another limit, and another address of the SDN side."""
    zones = dict(appliance.edge.site["zones"])
    zones["sdn"] = {**zones["sdn"], "addresses": [*zones["sdn"]["addresses"], f"{address}/24"]}
    return appliance.text(zones=zones, limits={"calls": calls, "streams_per_call": 4})


def test_what_nobody_confirms_goes_back_in_the_kernel_too(appliance: Appliance) -> None:
    appliance.edge.start()
    answer = appliance.apply(changed(appliance, 60), within=1)
    assert isinstance(answer, Applied)
    assert NEW in appliance.addresses()
    eventually(lambda: NEW not in appliance.addresses())
    eventually(lambda: appliance.calls() == 50)
    assert [each.state for each in appliance.ask(History(1)).versions] == ["taken back", "running"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_restart_before_it_is_confirmed_goes_back(appliance: Appliance, number: int) -> None:
    appliance.edge.start()
    assert isinstance(appliance.apply(changed(appliance, 60), within=600), Applied)
    assert NEW in appliance.addresses()
    appliance.edge.stop(number)
    appliance.edge.start()
    assert NEW not in appliance.addresses()
    assert appliance.calls() == 50


def test_a_kill_at_any_step_ends_in_the_old_version_or_the_new(appliance: Appliance) -> None:
    appliance.start_to_be_killed(1)
    old: int = 50
    ended: list[str] = []
    for step in count(1):
        new, address = 100 + step, f"10.0.0.{100 + step}"
        pushed = appliance.push(changed(appliance, new, address))
        (appliance.edge.directory / "armed").touch()
        try:
            assert isinstance(appliance.ask(versions.ApplyVersion(1, pushed.ref)), Applied)
        except EOFError:
            appliance.start_to_be_killed(step + 1)
        else:
            break  # it has no more steps
        found = appliance.calls()
        assert found in {old, new}, (step, found)
        assert (address in appliance.addresses()) == (found == new), step
        assert appliance.ask(Situation(1)).waiting == ()
        assert appliance.ask(Journal(1, verify=True)).damage == ""
        ended.append("new" if found == new else "old")
        old = found
    steps = (appliance.edge.directory / "steps").read_text().split()
    assert len(steps) >= len(ended) >= 8, steps
    assert "_run" in steps, "no transaction of the kernel was among them"
    assert set(ended) == {"old", "new"}
    assert sorted(ended, reverse=True) == ended, ended  # once it is new, it stays so


def test_a_peer_that_is_cut_off_loses_its_media_at_once_and_for_good(appliance: Appliance) -> None:
    appliance.edge.start()
    owner = appliance.edge.owner()
    open_stream(appliance.edge, owner)
    done = appliance.edge.ctl("cut", "peer", "hospital", "--why", "stolen key")
    assert (done.returncode, done.stdout) == (0, "done\n")
    event = owner.event()
    assert isinstance(event, Revoked)
    assert event.leases == (LEASE,)
    listed = owner.ask(List(5))
    assert isinstance(listed, Listed)
    assert listed.leases == ()
    appliance.edge.stop(signal.SIGKILL)
    appliance.edge.start()
    assert [cut.name for cut in appliance.ask(Situation(1)).cuts] == ["hospital"]
    with pytest.raises(AssertionError, match="hospital"):
        open_stream(appliance.edge, appliance.edge.owner())
    assert appliance.edge.ctl("uncut", "peer", "hospital").returncode == 0
    open_stream(appliance.edge, appliance.edge.owner())


def test_the_web_asks_for_people_and_for_nothing_else(appliance: Appliance) -> None:
    appliance.edge.site["management"] = {"people": {"dora": {"role": "viewer"}}}
    appliance.edge.start("--web", str(OWNER))
    asked = Situation(1, principal=Principal("dora"))
    assert appliance.ask(asked, "web.sock").number == 1
    assert isinstance(appliance.ask(Situation(1), "web.sock"), Declined)
    assert isinstance(appliance.ask(Confirm(1, principal=Principal("dora")), "web.sock"), Declined)
    assert isinstance(appliance.ask(Hangup(1, "abcdefghijklm"), "web.sock"), Refused)  # type: ignore[arg-type]
    for user, served in ((OWNER, True), (STRANGER, False)):
        script = (
            "import os, socket, sys; os.setresuid(*3 * [int(sys.argv[2])]); s = socket.socket(socket.AF_UNIX); "
            's.connect(sys.argv[1]); s.sendall(b\'{"op":"situation","id":1}\\n\'); print(s.makefile().readline())'
        )
        path = str(appliance.edge.run_dir / "web.sock")
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, path, str(user)], capture_output=True, text=True, timeout=20, check=False
        )
        assert ("declined" in done.stdout) is served, (user, done)
    assert appliance.edge.run_dir.joinpath("admin.sock").stat().st_mode & 0o777 == 0o600


def test_a_push_that_breaks_off_changes_nothing(appliance: Appliance) -> None:
    appliance.edge.start()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(appliance.edge.run_dir / "admin.sock"))
        asking.sendall(b'{"op":"push","id":1,"fragment":"base","text":"' + b"x" * 100_000)
    assert appliance.ask(versions.Candidates(1)).candidates == ()
    assert appliance.ask(Situation(1)).number == 1


@pytest.fixture
def small_disk(appliance: Appliance) -> Path:
    """Give the state directory on a file system of its own, with little room."""
    path = appliance.edge.directory / "state"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(path)], check=True, timeout=20)
    return path


def test_a_disk_that_is_full_or_read_only_leaves_what_runs(appliance: Appliance, small_disk: Path) -> None:
    try:
        appliance.edge.start()
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(1 << 20))
        base = appliance.ask(Situation(1)).fragments[0]
        answer = appliance.ask(versions.Push(1, base.name, changed(appliance, 60), base.ref))
        assert (answer.code, "No space left on device" in answer.reasons[0]) == ("storage", True)
        done = appliance.edge.ctl("cut", "peer", "clinic")  # an emergency needs no disk
        assert done.returncode == 0
        assert [cut.name for cut in appliance.ask(Situation(1)).cuts] == ["clinic"]
        filler.unlink()
        assert isinstance(appliance.apply(changed(appliance, 60)), Applied)
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True, timeout=20)
        answer = appliance.ask(versions.Rollback(1, 1))
        assert (answer.code, "Read-only" in answer.reasons[0]) == ("storage", True)
        assert NEW in appliance.addresses()
        appliance.edge.stop(signal.SIGKILL)
        appliance.edge.start()  # it starts from a disk that it cannot write
        assert NEW in appliance.addresses()
        assert os.path.ismount(small_disk)
    finally:
        if appliance.edge.process:
            appliance.edge.stop()
        subprocess.run(["umount", str(small_disk)], check=True, timeout=20)
