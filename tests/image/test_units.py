"""The units of the appliance: what systemd itself says of them, without a running systemd."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import jinja2
import pytest
import yaml

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "images" / "units"
PROGRAMS = {"gatewayd", "gatewayd-web", "b2bua", "mediad", "certd", "vdx-console@"}
"""Those with a user of their own; helpers are root's, with the rights that their work needs, or nobody's."""

EXPOSURE = 20
HIGHER = {"gatewayd": 35}
"""The most that `systemd-analyze security` may give, times ten, and units that may have more.

0 is locked up, 100 is root without bounds.
"""

EVERY = sorted(
    path
    for folder in ROOT.iterdir()
    if folder.is_dir() and folder.name[0] != "." and folder.name != "build"
    for path in folder.rglob("*.service*")
    if path.is_file() and path.suffix in (".service", ".j2")
)
"""Every unit of ours, wherever it stands; those of roles are templates."""


class Unit(configparser.RawConfigParser):
    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]
        self.read(path)


def rendered(path: Path, folder: Path) -> Path:
    """Give a unit as systemd would have it; roles leave the lines of their templates with what they have set."""
    unit = folder / path.name.removesuffix(".j2")
    text = path.read_text()
    if path.suffix == ".j2":
        role = path.parents[1] / "defaults/main.yml"
        known = {**(yaml.safe_load(role.read_text()) if role.exists() else {}), "hub_credentials": {"mail": ""}}
        text = jinja2.Environment(undefined=jinja2.ChainableUndefined, autoescape=False).from_string(text).render(known)  # noqa: S701 - a unit, not HTML
    unit.write_text(text)
    return unit


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_every_unit_is_locked_up(path: Path, tmp_path: Path) -> None:
    unit = rendered(path, tmp_path)
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    command.append(f"--threshold={HIGHER.get(unit.stem, EXPOSURE)}")
    told = subprocess.run([*command, unit], capture_output=True, text=True, check=False)
    assert "Overall exposure level" in told.stdout, told.stderr
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_what_hangs_is_ended(path: Path, tmp_path: Path) -> None:
    service = Unit(rendered(path, tmp_path))["Service"]
    kind = service.get("Type", "simple")
    if kind == "notify":
        assert service["WatchdogSec"]
        assert service["Restart"] in ("always", "on-failure")
        assert service["TimeoutStartSec"]
    elif kind == "oneshot":  # which may run for ever unless it is told
        assert service["TimeoutStartSec"]
    elif service.get("StandardInput") == "socket":
        assert service["RuntimeMaxSec"]
    elif "Restart" not in service:  # one for each connection: whoever lost his gets another
        assert service["WatchdogSec"]
    else:  # a program of somebody else that tells systemd nothing
        assert "nats-server" in service["ExecStart"]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_no_unit_has_secrets_in_its_environment(path: Path, tmp_path: Path) -> None:
    service = Unit(rendered(path, tmp_path))["Service"]
    assert service.get("EnvironmentFile", "/run/vdx-start/web.env") == "/run/vdx-start/web.env"  # an address
    if path.stem.partition(".")[0] in ("b2bua", "gatewayd-web", "vdx-hub", "vdx-hub-provision", "vdx-bus", "mixer"):
        assert "LoadCredential" in service


@pytest.mark.parametrize("program", ["gatewayd", "gatewayd-web", "b2bua", "mediad"])
def test_services_are_watched_and_restarted_within_limits(program: str) -> None:
    unit = Unit(UNITS / f"{program}.service")
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["WatchdogSec"] == "20s"
    assert unit["Service"]["Restart"] == "always"
    assert int(unit["Unit"]["StartLimitBurst"]) < int(unit["Unit"]["StartLimitIntervalSec"])


def test_only_gatewayd_may_change_the_network() -> None:
    holders = {path.stem for path in UNITS.glob("*.service") if "CAP_NET_ADMIN" in path.read_text()}
    # the second names cards before the first call; the last lists rules, and ends with the bundle they are for
    assert holders == {"gatewayd", "vdx-cards", "vdx-desk-look@"}


def test_every_program_has_a_user_of_its_own_with_a_number_that_stays() -> None:
    listed = (ROOT / "images/tree/usr/lib/sysusers.d/vdx.conf").read_text().splitlines()
    users = {line.split()[1]: int(line.split()[2]) for line in listed if line.startswith("u ")}
    assert set(users) == {program.removesuffix("@") for program in PROGRAMS}
    assert len(set(users.values())) == len(users)
    for program in PROGRAMS:
        assert Unit(UNITS / f"{program}.service")["Service"]["User"] == program.removesuffix("@")
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
    assert started[0].startswith(("/usr/lib/vdx/bin/", "/usr/bin/systemd-", "/usr/bin/udevadm", "/lib/systemd/"))
    if started[1:3] == ["-I", "-m"]:
        module = ROOT / Path(*started[3].split("."))
        assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()
