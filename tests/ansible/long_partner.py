"""The partner's own monitoring, for `tools/test-deploy`: a collector of logs over TLS, and a reader by SNMPv3."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.authority import Authority, Pair
from tests.ansible.conftest import OUTSIDER, UP_S, Boot, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

NAME = "log.partner.example"
ADDRESS = "192.0.2.20"
USER, AUTHENTICATION, ENCRYPTION = "see", "authentication-of-the-test", "encryption-of-the-test"
UPTIME = "1.3.6.1.2.1.1.3.0"
WHERE = "1.3.6.1.2.1.1.6.0"
"""sysLocation, which elsewhere may be written to (RFC 3418)."""

V3 = ("-v3", "-u", USER, "-a", "SHA-256", "-x", "AES", "-t", "2", "-r", "2")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("partner"))


@pytest.fixture(scope="module")
def watched(site: Boot, authority: Authority) -> Site:
    made = site({"core1": ADDRESS}, {"bus": ["core1"]})
    made.variables["common_syslog"] = {"host": NAME, "address": OUTSIDER, "trust": str(authority.path)}
    made.variables["common_snmp"] = {
        "address": ADDRESS, "user": USER, "authentication": AUTHENTICATION, "encryption": ENCRYPTION,
        "sources": [f"{OUTSIDER}/32"],
    }  # fmt: skip
    made.play("site")
    return made


def test_every_line_of_the_log_arrives_over_tls(watched: Site, authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("collector", [NAME])
    with _collector(watched, pair, tmp_path / "log") as log:
        _say(watched, "the first line")
        line = _line(log, "the first line")
    assert line.startswith("<13>1 20")  # RFC 5424: user.notice, version 1, a date
    _say(watched, "while nobody listened")
    with _collector(watched, pair, tmp_path / "again") as log:
        _line(log, "while nobody listened")  # it waited on the disk


def test_who_only_says_to_be_the_collector_gets_nothing(watched: Site, authority: Authority, tmp_path: Path) -> None:
    others = (
        Authority(tmp_path / "other").issue("impostor", [NAME]),  # the name, signed by somebody else
        authority.issue("sibling", ["mail.partner.example"]),  # signed by the right one, for another name
    )
    for number, pair in enumerate(others):
        with _collector(watched, pair, tmp_path / f"false{number}") as log:
            before = _refusals(watched)
            _say(watched, f"a secret {number}")
            ends = time.monotonic() + UP_S
            while _refusals(watched) == before:
                assert time.monotonic() < ends, "it was not refused"
                time.sleep(0.2)
            assert "a secret" not in log.read_text()
    with _collector(watched, authority.issue("true", [NAME]), tmp_path / "true") as log:
        for number in range(len(others)):
            _line(log, f"a secret {number}")


def test_snmp_three_reads_with_both_passphrases_alone(watched: Site) -> None:
    said = _snmp(
        watched, "snmpwalk", "-l", "authPriv", "-A", AUTHENTICATION, "-X", ENCRYPTION, ADDRESS, "1.3.6.1.2.1.1"
    )
    assert said.returncode == 0, said.stderr
    assert "1.3.6.1.2.1.1.5.0" in said.stdout  # sysName
    disk = _snmp(
        watched, "snmpwalk", "-l", "authPriv", "-A", AUTHENTICATION, "-X", ENCRYPTION, ADDRESS, "1.3.6.1.2.1.25.2"
    )
    assert "1.3.6.1.2.1.25.2.3.1" in disk.stdout  # hrStorage: memory and disks
    for refused in (
        ("-l", "authPriv", "-A", AUTHENTICATION, "-X", "another-passphrase"),
        ("-l", "authPriv", "-A", "another-passphrase", "-X", ENCRYPTION),
        ("-l", "authNoPriv", "-A", AUTHENTICATION),
        ("-l", "noAuthNoPriv"),
    ):
        said = _snmp(watched, "snmpget", *refused, ADDRESS, UPTIME)
        assert "Timeticks" not in said.stdout, refused
        assert said.returncode != 0, refused


def test_snmp_writes_nothing_and_answers_no_older_version(watched: Site) -> None:
    said = _snmp(
        watched, "snmpset", "-l", "authPriv", "-A", AUTHENTICATION, "-X", ENCRYPTION, ADDRESS, WHERE, "s", "elsewhere"
    )
    assert said.returncode != 0
    assert "noAccess" in said.stderr + said.stdout or "notWritable" in said.stderr + said.stdout
    for version in ("-v1", "-v2c"):
        old = _run(watched, "snmpget", version, "-c", "public", "-t", "1", "-r", "1", ADDRESS, UPTIME)
        assert old.returncode != 0
        assert "Timeticks" not in old.stdout


def test_a_second_run_changes_nothing(watched: Site) -> None:
    assert watched.play("site") == []


def _snmp(site: Site, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(site, program, *V3, *arguments)


def _run(site: Site, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["ip", "netns", "exec", site.caller, program, "-On", *arguments]
    environment = os.environ | {"MIBS": "", "SNMPCONFPATH": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)


@contextmanager
def _collector(site: Site, pair: Pair, log: Path) -> Iterator[Path]:
    program = [sys.executable, str(Path(__file__).with_name("collector.py")), OUTSIDER, *pair.texts]
    with (
        log.open("wb") as out,
        subprocess.Popen(["ip", "netns", "exec", site.caller, *program], stdout=out, stderr=out) as process,
    ):
        try:
            _line(log, "ready")
            yield log
        finally:
            process.kill()


def _say(site: Site, words: str) -> None:
    site.machines["core1"].shell(f"logger --tag partner '{words}'")


def _refusals(site: Site) -> int:
    """Count how often the sender has said that it does not talk to who is there."""
    ask = "journalctl --unit rsyslog --grep 'not permitted to talk to' --output cat --no-pager || true"
    return len(site.machines["core1"].shell(ask).splitlines())


def _line(log: Path, words: str) -> str:
    ends = time.monotonic() + UP_S
    while time.monotonic() < ends:
        for line in log.read_text(errors="replace").splitlines():
            if words in line:
                return line
        time.sleep(0.1)
    raise AssertionError(f"{words!r} never came: {log.read_text(errors='replace')[-2000:]}")
