"""Configuration goes forwards with a new version, and comes back as it was with the old one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gatewayd.system import migrate, takeover
from gatewayd.system.errors import BackupError
from gatewayd.system.migrate import Step


def louder(tree: Path) -> None:
    site = tree / "appliance/site/site.yaml"
    site.write_text(site.read_text().upper())


def longer(tree: Path) -> None:
    site = tree / "appliance/site/site.yaml"
    site.write_text(site.read_text() * 2)


NEW = {1: louder}
NEWER = {1: louder, 2: longer}


class Appliance:
    def __init__(self, top: Path) -> None:
        self.home, self.state, self.restored = top / "appliance", top / "state", top / "restored"
        (self.home / "site").mkdir(parents=True)
        (self.state / "versions").mkdir(parents=True)
        (self.state / "versions/journal").write_text("one")
        self.site.write_text("name: edge1\n")

    @property
    def site(self) -> Path:
        return self.home / "site/site.yaml"

    def start(self, steps: Mapping[int, Step]) -> str:
        takeover.take_over(self.restored, self.home, self.state)
        said = migrate.prepare(self.home, self.state, self.restored, steps)
        takeover.take_over(self.restored, self.home, self.state)
        return said


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    return Appliance(tmp_path)


def test_without_a_new_form_nothing_is_done(appliance: Appliance) -> None:
    assert appliance.start({}) == ""
    assert not (appliance.home / "form").exists()


def test_every_step_up_to_the_own_form_is_gone(appliance: Appliance) -> None:
    assert appliance.start(NEWER) == "the configuration was brought from form 1 to 3"
    assert appliance.site.read_text() == "NAME: EDGE1\n" * 2
    assert (appliance.state / "versions/journal").read_text() == "one"
    assert appliance.start(NEWER) == ""


def test_the_version_before_finds_its_own_again(appliance: Appliance) -> None:
    appliance.start(NEW)
    appliance.site.write_text("changed by the new one")
    assert appliance.start({}) == "the configuration was brought from form 2 to 1"
    assert appliance.site.read_text() == "name: edge1\n"
    assert appliance.start(NEW) == "the configuration was brought from form 1 to 2"
    assert appliance.site.read_text() == "NAME: EDGE1\n"


def test_a_step_that_fails_leaves_everything(appliance: Appliance) -> None:
    def broken(tree: Path) -> None:
        louder(tree)
        raise BackupError("cannot")

    with pytest.raises(BackupError, match="cannot"):
        appliance.start({1: broken})
    assert appliance.start({}) == ""
    assert appliance.site.read_text() == "name: edge1\n"
    assert not appliance.restored.exists()


@pytest.mark.parametrize("lost", ["whole", "form"])
def test_a_power_cut_in_the_midst_is_made_good(appliance: Appliance, lost: str) -> None:
    migrate.prepare(appliance.home, appliance.state, appliance.restored, NEW)
    (appliance.restored / (lost if lost == "whole" else "appliance/form")).unlink()  # had not been written yet
    if lost == "form":
        (appliance.restored / "whole").unlink()
    assert appliance.start(NEW) == "the configuration was brought from form 1 to 2"
    assert appliance.site.read_text() == "NAME: EDGE1\n"


def test_a_newer_form_without_the_own_kept_is_told(appliance: Appliance) -> None:
    (appliance.home / "form").write_text("7")
    with pytest.raises(BackupError, match="has form 7, and this version reads 1: start the newer version again"):
        appliance.start({})
    assert appliance.site.read_text() == "name: edge1\n"
