"""An appliance is upgraded through its management API: it is drained, handed its image, started anew, taken back."""

from pathlib import Path

import pytest
import yaml

from gatewayd.system import paths, setup
from gatewayd.web import credentials
from tests.ansible.machine import ansible
from tests.gatewayd.web.test_schemathesis_system import served

pytestmark = [pytest.mark.system, pytest.mark.deploy]  # Ansible is installed by tools/setup-deploy


def _upgrade(address: str, version: str, home: Path, image: Path, *more: str) -> tuple[int, str]:
    said = {"edge_api": address, "edge_token": (home / "token").read_text(), "bundle_version": version}
    said |= {
        "edge_image": str(image),
        "ansible_become": "false",
        "edge_update_minutes": "1",
        "edge_trust": "/etc/ssl/certs/ca-certificates.crt",
    }
    extra = [word for name, value in said.items() for word in ("-e", f"{name}={value}")]
    arguments = ["-i", "inventories/one-site/hosts.yml", "--connection=local", "--limit=edge1", "playbooks/upgrade.yml"]
    done = ansible("ansible-playbook", [*arguments, *extra, *more], home)
    return done.returncode, done.stdout + done.stderr


SITE = """\
name: edge1
zones:
  mgmt:
    interface: mgmt0
    addresses: [198.51.100.11/24]
    services: {web: {protocol: tcp, port: 443, sources: [198.51.100.0/24]}}
management: {people: {ansible: {role: admin}, prometheus: {role: viewer}}}
"""


def test_a_stick_is_taken_by_a_new_appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITE", "NETWORK", "CREDENTIALS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    (tmp_path / "edge1.yaml").write_text(SITE)
    secrets = tmp_path / "secrets"
    cards = {"mgmt0": "52:54:00:00:01:04"}
    said = {"site_secrets": str(secrets), "edge_site": str(tmp_path / "edge1.yaml"), "edge_cards": cards}
    (tmp_path / "said.yml").write_text(yaml.safe_dump(said))

    def play(name: str, *more: str) -> tuple[int, str]:
        arguments = ["-i", "inventories/one-site/hosts.yml", "--limit=edge1", f"playbooks/{name}.yml"]
        done = ansible("ansible-playbook", [*arguments, "-e", f"@{tmp_path / 'said.yml'}", *more], tmp_path)
        return done.returncode, done.stdout + done.stderr

    for name in ("secrets", "stick"):
        status, told = play(name)
        assert status == 0, told
    stick = secrets / "edge/edge1"
    taken = setup.parse((stick / "setup.yaml").read_bytes(), "setup.yaml")
    setup.carry_out(taken, stick, "setup.yaml", dict.fromkeys(cards.values(), "eth3"))
    assert (tmp_path / "site/site.yaml").read_text() == SITE
    listed = credentials.load(tmp_path / "site/web/credentials.json")
    assert {each.name for each in listed.tokens} == {"ansible", "prometheus"}
    assert (tmp_path / "credentials/mgmt/key.pem").read_bytes() == (secrets / "tls/edge1.key").read_bytes()
    status, told = play("stick", "-e", "site_mgmt=198.51.100.99")
    assert (status, "is not for 198.51.100.99, the address in the zone" in " ".join(told.split())) == (2, True), told


def test_an_appliance_is_handed_its_image(tmp_path: Path) -> None:
    image = tmp_path / "vdx-2.update"
    image.write_text("version 2")
    received = tmp_path / "received"
    with served(tmp_path) as address:
        status, said = _upgrade(address, "2", tmp_path, image, "--check")
        assert (status, received.exists()) == (0, False), said
        status, said = _upgrade(address, "2", tmp_path, image)
        assert (status, received.read_text()) == (0, "2"), said
        order = [said.index(each) for each in ("/drain", "Hand it the image", "/machine/restart", "[Take calls again]")]
        assert order == sorted(order)
        status, said = _upgrade(address, "2", tmp_path, image)
        assert (status, received.read_text()) == (0, "2"), said  # it is of that version already
        image.write_text("of somebody else")
        status, said = _upgrade(address, "3", tmp_path, image)
        assert (status, "edge1 does not take" in said, "this is no update" in said) == (2, True, True), said
