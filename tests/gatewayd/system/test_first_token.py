"""How the first administrator of an appliance comes in: by its setup, or at its console."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewayd.system import byhand, cards, desk, machine, paths, selfsigned, settle, setup
from gatewayd.system.errors import SetupError
from gatewayd.web import credentials
from gatewayd.web import server as web
from gatewayd.web.credentials import Credentials
from vdx import site
from vdx.site.source import SiteError

CARD = "52:54:00:00:00:01"
SITE = (
    "name: edge1\nzones:\n  mgmt: {interface: mgmt0, addresses: [10.9.0.10/24]}\n"
    "management: {people: {anna: {role: admin}, bo: {role: viewer}}}\n"
)
HERE = {CARD: "mgmt0"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "SITE", "NETWORK", "CREDENTIALS", "STATE", "START"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    return tmp_path


def _told(name: str, token: str) -> setup.Setup:
    told = {"site": SITE, "tokens": {name: token}}
    return setup.parse(yaml.safe_dump(told).encode(), "setup.yaml")


def test_the_token_of_a_setup_counts_and_is_kept_nowhere(home: Path) -> None:
    token = credentials.draw()
    setup.carry_out(_told("anna", token), None, "setup.yaml", HERE)
    file = home / "site/web/credentials.json"
    known = Credentials(file).token(token, 0)
    assert known is not None
    assert (known.principal.name, known.principal.role) == ("anna", "admin")
    assert file.stat().st_mode & 0o777 == 0o640
    assert not [each for each in home.rglob("*") if each.is_file() and token[13:] in each.read_text()]


def test_whom_the_site_does_not_know_gets_none(home: Path) -> None:
    with pytest.raises(SetupError, match="it has anna, bo"):
        setup.carry_out(_told("clara", credentials.draw()), None, "setup.yaml", HERE)
    assert not list(home.iterdir())


def test_what_is_no_token_is_told_without_showing_it() -> None:
    with pytest.raises(SiteError, match=r"tokens\.anna") as told:
        _told("anna", "vdx_mostly_secret")
    assert "mostly" not in str(told.value)


class Sitting:
    """Somebody at the console: what is typed, and what was shown and started."""

    def __init__(self, *typed: str) -> None:
        self._typed = list(typed)
        self.shown = ""
        self.started: list[tuple[str, ...]] = []

    def choose(self, word: str) -> None:
        desk.carry_out(desk.DESKS["tell"][word], desk.Terminal(lambda: self._typed.pop(0), self._show, self._run))

    def _show(self, text: str) -> None:
        self.shown += text

    def _run(self, *command: str) -> int:
        self.started.append(command)
        return 0


@pytest.fixture
def alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def run(*command: str, **_: Any) -> str:
        assert command[0] == "systemctl"
        return ""

    monkeypatch.setattr(machine, "run", run)
    monkeypatch.setattr(cards, "cards", lambda: HERE)
    return home


def test_by_hand_the_page_is_open_has_a_certificate_and_a_person(alone: Path) -> None:
    sitting = Sitting("mgmt0", "10.9.0.10/24", "")
    sitting.choose("address")
    told = site.load(alone / "site/site.yaml").site
    service = told.zones["mgmt"].services["web"]
    assert (service.port, [str(each) for each in service.sources]) == (settle.WEB_PORT, ["10.9.0.0/24"])
    assert byhand.admins(told) == ["admin"]
    certificate = alone / "credentials/mgmt/certificate.pem"
    held = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    assert len(held) > 100
    assert web.context(certificate, certificate.with_name("key.pem"), None)
    assert "fingerprint" in sitting.shown
    again = Sitting("mgmt0", "10.9.0.11/24", "10.9.0.1")
    again.choose("address")
    assert ssl.PEM_cert_to_DER_cert(certificate.read_text()) == held  # browsers know it already
    assert site.load(alone / "site/site.yaml").site.zones["mgmt"].services["web"] == service


def test_the_console_gives_a_token_to_the_only_admin(alone: Path) -> None:
    (alone / "site").mkdir()
    (alone / "site/site.yaml").write_text(SITE)
    sitting = Sitting()
    sitting.choose("token")
    assert sitting.started == [("/usr/lib/vdx/bin/gatewayd-web", "token", "anna")]


def test_the_console_asks_who_where_there_are_several(alone: Path) -> None:
    (alone / "site").mkdir()
    (alone / "site/site.yaml").write_text(SITE.replace("viewer", "admin"))
    sitting = Sitting("bo")
    sitting.choose("token")
    assert sitting.started[0][-1] == "bo"
    refused = Sitting("root")
    refused.choose("token")
    assert refused.started == []
    (alone / "site/site.yaml").write_text(SITE.replace("role: admin", "role: viewer"))
    nobody = Sitting()
    nobody.choose("token")
    assert nobody.started == []
    assert "has no admin" in nobody.shown


def test_a_router_in_between_does_not_lock_out() -> None:
    told = site.parse(byhand.changed(None, "eth0", "192.0.2.10/24", "192.0.2.1")).site
    assert [str(each) for each in told.zones["mgmt"].services["web"].sources] == ["0.0.0.0/0"]


def test_the_fingerprint_is_that_of_the_certificate() -> None:
    made = selfsigned.make("gateway", "2001:db8::10")
    assert len(made.fingerprint.split(":")) == 32
    assert made.fingerprint != selfsigned.make("gateway", "2001:db8::10").fingerprint
