"""The units of the appliance: what systemd itself says of them, without a running systemd."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "images" / "units"
PROVER = ROOT / "gatewayd" / "prove" / "units" / "vdx-prove@.service"
EXPOSURE = {"gatewayd": 35, "gatewayd-web": 20, "b2bua": 20, "mediad": 20, "certd": 20}
"""The most that `systemd-analyze security` may give, times ten: 0 is locked up, 100 is root without bounds."""


class Unit(configparser.RawConfigParser):
    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(path)


@pytest.mark.parametrize(("program", "most"), [*EXPOSURE.items(), ("vdx-looped", 20)])
def test_programs_are_locked_up(program: str, most: int) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={most}"]
    told = subprocess.run([*command, UNITS / f"{program}.service"], capture_output=True, text=True, check=False)
    assert "Overall exposure level" in told.stdout, told.stderr
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("program", ["gatewayd", "gatewayd-web", "b2bua", "mediad"])
def test_services_are_watched_and_restarted_within_limits(program: str) -> None:
    unit = Unit(UNITS / f"{program}.service")
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["WatchdogSec"] == "20s"
    assert unit["Service"]["Restart"] == "always"
    assert int(unit["Unit"]["StartLimitBurst"]) < int(unit["Unit"]["StartLimitIntervalSec"])


def test_only_gatewayd_may_change_the_network() -> None:
    holders = {path.stem for path in UNITS.glob("*.service") if "CAP_NET_ADMIN" in path.read_text()}
    assert holders == {"gatewayd", "vdx-setup"}  # the latter ends before the first call, and names cards


def test_every_program_has_a_user_of_its_own_with_a_number_that_stays() -> None:
    listed = (ROOT / "images/tree/usr/lib/sysusers.d/vdx.conf").read_text().splitlines()
    users = {line.split()[1]: int(line.split()[2]) for line in listed if line.startswith("u ")}
    assert set(users) == set(EXPOSURE)
    assert len(set(users.values())) == len(users)
    for program in EXPOSURE:
        assert Unit(UNITS / f"{program}.service")["Service"]["User"] == program
    started = Unit(UNITS / "mediad.service")["Service"]["ExecStart"].split()
    assert started[-2:] == ["--user-of-gatewayd", str(users["gatewayd"])]


def test_health_fails_with_the_gateway_and_is_not_skipped() -> None:
    unit = Unit(UNITS / "vdx-health.service")
    assert "vdx.target" in unit["Unit"]["Wants"]
    assert "Requires" not in unit["Unit"]
    assert unit["Unit"]["FailureAction"] == "reboot"
    assert unit["Install"]["RequiredBy"] == "boot-complete.target"


@pytest.mark.parametrize("path", sorted(UNITS.glob("*.service")), ids=lambda path: path.name)
def test_programs_are_those_of_the_image(path: Path) -> None:
    started = Unit(path)["Service"]["ExecStart"].lstrip("-").split()
    assert started[0].startswith(("/usr/lib/vdx/bin/", "/usr/bin/systemd-", "/lib/systemd/"))
    if started[1:3] == ["-I", "-m"]:
        module = ROOT / Path(*started[3].split("."))
        assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()
