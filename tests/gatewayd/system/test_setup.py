from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewayd.system import backup, byhand, health, paths, place, setup, support, takeover
from gatewayd.system.errors import BackupError, SetupError
from vdx import site
from vdx.control import StatusReport
from vdx.site.source import SiteError

CARD = "52:54:00:00:00:01"
HERE = {CARD: "eth0", "52:54:00:00:00:02": "mgmt0"}
SITE = "name: edge1\nzones:\n  mgmt: {interface: mgmt0, addresses: [10.9.0.10/24]}\n"


def test_an_address_of_digits_alone_is_read_as_it_was_written() -> None:
    assert setup.parse(b"cards: {sdn0: 52:54:00:00:00:01}\nsite: site.yaml\n", "setup.yaml").cards == {"sdn0": CARD}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("site: a\ncards:\n  sdn0: nonsense\n", "setup.yaml:3: cards.sdn0"),
        ("site: a\nsites: b\n", "setup.yaml:2: sites"),
        ("cards: [\n", "setup.yaml:"),
        ("", "site"),
    ],
)
def test_a_wrong_setup_is_told_with_its_line(text: str, told: str) -> None:
    with pytest.raises(SiteError, match=told):
        setup.parse(text.encode(), "setup.yaml")


def test_the_setup_of_another_machine_is_refused() -> None:
    setup.check_machine(setup.MachineName(serial="A1", card=CARD), "A1", {CARD: "eth0"})
    with pytest.raises(SetupError, match="for the machine 'A2', and this one is 'A1'"):
        setup.check_machine(setup.MachineName(serial="A2"), "A1", {})
    with pytest.raises(SetupError, match="this one has none such"):
        setup.check_machine(setup.MachineName(card=CARD), "", {"52:54:00:00:00:02": "eth0"})


def test_names_are_for_cards_that_are_there() -> None:
    with pytest.raises(SetupError, match=f"no card has the address {CARD}; this machine has none"):
        setup.check_cards({"sdn0": CARD}, {})
    with pytest.raises(SetupError, match="two names for the same card"):
        setup.check_cards({"sdn0": CARD, "net0": CARD}, {CARD: "eth0"})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SITE", "NETWORK", "CREDENTIALS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    return tmp_path


def test_everything_is_put_in_place_and_the_site_last(home: Path) -> None:
    told = {"cards": {"sdn0": CARD}, "site": SITE, "credentials": {"trunk": "secret"}}
    setup.carry_out(setup.parse(yaml.safe_dump(told).encode(), "setup.yaml"), None, "setup.yaml", HERE)
    assert (home / "site/site.yaml").read_text() == SITE
    assert f"PermanentMACAddress={CARD}" in (home / "network/10-sdn0.link").read_text()
    assert (home / "credentials/b2bua/trunk").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"site": "site.yaml"}, "no file beside it"),
        ({"site": "name: edge1\nzones: {moon: {}}\n"}, "site.yaml:2"),
        ({"site": SITE.replace("mgmt0", "eth7")}, "no network card is called eth7; this machine has 2: eth0, mgmt0"),
        ({"site": SITE, "files": ["../../etc/shadow"]}, "files"),
        ({"site": SITE, "certificate": "-----BEGIN CERTIFICATE-----"}, "belong together"),
    ],
)
def test_what_is_at_fault_changes_nothing(home: Path, told: dict[str, object], reason: str) -> None:
    with pytest.raises((SetupError, SiteError), match=reason):
        setup.carry_out(setup.parse(yaml.safe_dump(told).encode(), "setup.yaml"), None, "setup.yaml", HERE)
    assert not list(home.iterdir())


def test_zones_may_share_a_card() -> None:
    told = "interfaces: {mgmt0: {vlan: 7, parent: bond0}, bond0: {members: [eth0, eth1]}}\n" + SITE
    setup.check_zones(site.parse(told.encode()).site, {"eth1": "52:54:00:00:00:02"}, HERE)
    with pytest.raises(SetupError, match="no network card is called eth1"):
        setup.check_zones(site.parse(told.encode()).site, {}, HERE)


class PowerCut(Exception):  # noqa: N818 - what it is
    """The power goes."""


@pytest.mark.parametrize("steps", range(5))
def test_the_power_may_go_at_any_step_of_a_setup(home: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    told = {"cards": {"sdn0": CARD}, "site": SITE, "credentials": {"trunk": "secret"}, "files": ["blocked.txt"]}
    (home / "stick").mkdir()
    (home / "stick/blocked.txt").write_text("192.0.2.0/24\n")
    parsed = setup.parse(yaml.safe_dump(told).encode(), "setup.yaml")
    left = [steps]

    def cut(path: Path, *rest: Any) -> None:
        if not left[0]:
            raise PowerCut
        left[0] -= 1
        put(path, *rest)

    put = place.put
    with monkeypatch.context() as patched:
        patched.setattr(place, "put", cut)
        with suppress(PowerCut):
            setup.carry_out(parsed, home / "stick", "setup.yaml", HERE)
    assert (home / "site/site.yaml").exists() == (steps == 4)  # or it waits for its setup again
    setup.carry_out(parsed, home / "stick", "setup.yaml", HERE)
    assert (home / "site/site.yaml").read_text() == SITE
    assert (home / "credentials/b2bua/trunk").read_text() == "secret"
    assert (home / "site/blocked.txt").exists()


def test_an_address_by_hand_makes_a_site_of_its_own() -> None:
    told = site.parse(byhand.changed(None, "eth0", "192.0.2.10/24", "192.0.2.1")).site
    assert str(told.zones["mgmt"].addresses[0]) == "192.0.2.10/24"


def test_an_address_by_hand_leaves_the_rest_of_a_site() -> None:
    before = yaml.safe_load(SITE) | {"limits": {"calls": 7}}
    told = site.parse(byhand.changed(yaml.safe_dump(before).encode(), "eth1", "192.0.2.10/24", "")).site
    assert (told.limits.calls, told.zones["mgmt"].interface) == (7, "eth1")


@pytest.mark.parametrize(
    ("address", "router", "reason"),
    [
        ("192.0.2.300/24", "", "write an address as in"),
        ("192.0.2.10", "", "no prefix length"),
        ("192.0.2.10/24", "198.51.100.1", "could not be reached"),
    ],
)
def test_an_address_by_hand_that_is_none_is_refused(address: str, router: str, reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        byhand.changed(None, "eth0", address, router)


def test_a_backup_comes_back_as_it_was(tmp_path: Path) -> None:
    home, state, restored = tmp_path / "home", tmp_path / "state", tmp_path / "restored"
    (home / "site").mkdir(parents=True)
    (home / "site/site.yaml").write_text(SITE)
    (state / "versions").mkdir(parents=True)
    (state / "versions/journal").write_text("one")
    made = backup.make("correct-horse-battery", home=home, state=state)
    assert SITE.encode() not in made
    (home / "site/site.yaml").write_text("changed")
    (state / "versions/later").write_text("two")
    backup.restore(made, "correct-horse-battery", restored)
    assert takeover.take_over(restored, home, state)
    assert (home / "site/site.yaml").read_text() == SITE
    assert [path.name for path in (state / "versions").iterdir()] == ["journal"]
    assert not restored.exists()


def test_a_backup_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    made = backup.make("correct-horse-battery", home=tmp_path, state=tmp_path)
    for content, word in ((made, "another-passphrase"), (made[:-1], "correct-horse-battery"), (b"", "x")):
        with pytest.raises(BackupError):
            backup.restore(content, word, tmp_path / "restored")
    with pytest.raises(BackupError, match="fewer than 12"):
        backup.make("short", home=tmp_path, state=tmp_path)
    assert not (tmp_path / "restored").exists()


def test_a_backup_of_a_newer_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/form").write_text("9")
    made = backup.make("correct-horse-battery", home=tmp_path / "home", state=tmp_path)
    with pytest.raises(BackupError, match="is of form 9, and this version reads 1: update it first"):
        backup.restore(made, "correct-horse-battery", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_backup_that_was_unpacked_in_part_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "restored/appliance/site").mkdir(parents=True)
    assert not takeover.take_over(tmp_path / "restored", tmp_path / "home", tmp_path / "state")
    assert not (tmp_path / "restored").exists()


def test_secrets_stay_out_of_a_support_bundle() -> None:
    text = 'password: hunter2 token=abcdef pin 1234 Authorization: Digest response="f00" cpr 010203-1234\n' + "a1" * 24
    cleaned = support.clean(text)
    for secret in ("hunter2", "abcdef", "1234", "f00", "010203", "a1a1"):
        assert secret not in cleaned


def test_health_names_what_is_amiss() -> None:
    facts: dict[str, str | int | float] = {"site version": "", "b2bua": "away", "mediad": "connected"}
    amiss = health.of(StatusReport(1, "gatewayd", "1", "serving", facts))
    assert amiss == ["no site version is active", "gatewayd has no b2bua"]
    facts |= {"site version": "one", "b2bua": "connected", "owners": "none connected"}
    b2bua = StatusReport(1, "b2bua", "", "running", {})
    amiss = health.of(StatusReport(1, "gatewayd", "1", "serving", facts, (b2bua,)))
    assert amiss == ["b2bua cannot ask for pinholes yet", "b2bua runs another site version"]
    facts["owners"] = "b2bua, other"
    b2bua = StatusReport(1, "b2bua", "one", "running", {})
    assert health.of(StatusReport(1, "gatewayd", "1", "serving", facts, (b2bua,))) == []
