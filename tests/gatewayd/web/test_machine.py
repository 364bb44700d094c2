"""The machine itself over the API: real desks behind their sockets, a disk of files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewayd.system import far, machine, paths
from gatewayd.system.errors import DiskError
from gatewayd.web import doorway
from tests.gatewayd.system import releases
from tests.gatewayd.system.releases import KEY, OTHER, ROOT, pem
from tests.gatewayd.system.test_update import PaperDisk
from tests.gatewayd.web.desks import Desks
from tests.gatewayd.web.world import World
from vdx import desks
from vdx.management import TendMachine


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperDisk:
    """Have a machine with a disk that trusts a key."""
    home = tmp_path / "disk"
    home.mkdir()
    made = PaperDisk(home)
    trusted = tmp_path / "update.pub"
    trusted.write_bytes(pem(KEY))
    monkeypatch.setattr(paths, "KEYS", trusted)
    monkeypatch.setattr(machine, "running", lambda: "1.0.0")
    monkeypatch.setattr(machine, "release", lambda: {"VARIANT_ID": "metal"})
    monkeypatch.setattr(machine.Disk, "found", lambda _: made)
    return made


@pytest.fixture
def appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desks]:
    monkeypatch.setattr(desks, "DIRECTORY", tmp_path)
    made = Desks(tmp_path)
    yield made
    made.close()


def test_an_update_is_written_while_it_arrives_and_starts_next(edge: World, appliance: Desks, disk: PaperDisk) -> None:
    answer = edge.call("PUT", "/machine/update", content=releases.update(), params={"why": "ward 3"})
    assert (answer.status_code, answer.json()["said"][-1][:44]) == (200, "version 1.1.0 starts with the next boot; 1.0")
    assert disk.would_start() == ("1.1.0", ROOT)
    assert appliance.asked == ["receive"]
    asked = edge.appliance.asked[-1]
    assert isinstance(asked, TendMachine)
    assert (asked.deed, asked.why, asked.principal and asked.principal.name) == ("update", "ward 3", "anna")
    told = edge.call("GET", "/machine").json()
    assert (told["running"], [each["left"] for each in told["entries"]]) == ("1.0.0", [None, 2])
    assert edge.call("POST", "/machine/rollback").json()["said"] == ["version 1.1.0 starts with the next boot"]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (releases.update(key=OTHER), "signed by nobody this appliance trusts"),
        (releases.update(releases.manifest("0.9.0")), "older than 1.0.0"),
        (releases.update()[:-15000], "ends within root.img"),
        (releases.update(root=ROOT[:-1] + b"!"), "root.img is not what was signed"),
        (b"no update at all", "this is no update"),
    ],
)
def test_what_is_no_update_of_ours_is_told_and_never_started(
    edge: World, appliance: Desks, disk: PaperDisk, sent: bytes, sentence: str
) -> None:
    answer = edge.call("PUT", "/machine/update", content=sent)
    assert answer.status_code == 422
    assert sentence in answer.json()["reasons"][0]
    assert disk.would_start()[0] == "1.0.0"
    assert appliance.asked == ["receive"]


def test_who_may_not_and_who_sends_too_much_reaches_no_desk(
    edge: World, appliance: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method, path in (("PUT", "/update"), ("POST", "/restart"), ("POST", "/rollback"), ("GET", "/support-bundle")):
        assert edge.call(method, f"/machine{path}", "carl").status_code == 403  # an operator
    monkeypatch.setattr(doorway, "MAX_UPDATE", 10)
    assert edge.call("PUT", "/machine/update", content=b"x" * 11).status_code == 413

    def parts() -> Iterator[bytes]:
        yield b"x" * 6
        yield b"x" * 6

    assert edge.call("PUT", "/machine/update", content=parts()).status_code == 413  # which does not say how much
    edge.log_in("anna")
    assert edge.client.put("/api/v1/machine/update", content=b"x").status_code == 403  # a session without its secret
    assert [each for each in appliance.asked if each != "receive"] == []


def test_a_look_at_the_machine_is_told_as_it_is(edge: World, appliance: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [{"grade": "bad", "about": "clock", "text": "follows no time server", "advice": "Name them"}]
    monkeypatch.setitem(far.DESKS["look"], desks.FINDINGS, lambda _, line: line(f"{findings}".replace("'", '"')))
    assert edge.call("GET", "/machine/doctor", "carl").json() == {"findings": findings}
    answer = edge.call("GET", "/machine/support-bundle")
    assert (answer.headers["content-type"], gzip.decompress(answer.content)) == ("application/gzip", b"texts")
    assert appliance.asked == ["findings", "support-bundle"]


def test_what_the_machine_does_not_do_is_said(edge: World, appliance: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise DiskError("systemctl failed: Access\ndenied")

    monkeypatch.setitem(far.DESKS["tell"], desks.ANEW, refused)
    answer = edge.call("POST", "/machine/restart")
    assert (answer.status_code, answer.json()["reasons"]) == (422, ["systemctl failed: Access denied"])
    assert appliance.asked == ["start-anew"]


def test_an_edge_without_desks_says_so(edge: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "DIRECTORY", tmp_path / "none")
    answer = edge.call("GET", "/machine/doctor")
    assert (answer.status_code, "plain Debian" in answer.text) == (503, True)
