"""An appliance is upgraded through its management API: it is drained, handed its image, started anew, taken back."""

from pathlib import Path

import pytest

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
