"""Templates of roles, rendered for machines of the inventories and read by the programs that they are for."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from hub import settings
from mixer.agent import config
from tests.ansible.machine import ansible
from vdx.bus.server import Server, configuration

pytestmark = [pytest.mark.system, pytest.mark.deploy]  # Ansible is installed by tools/setup-deploy


def _render(role: str, host: str, inventory: str, folder: Path, **variables: object) -> Path:
    said: dict[str, Any] = {"render_host": host, "render_role": role, "render_to": str(folder), **variables}
    said["site_secrets"] = str(folder / "secrets")
    (folder / "said.yml").write_text(yaml.safe_dump(said))
    paths = ["-i", f"inventories/{inventory}/hosts.yml", "--tags=render", "../tests/ansible/render.yml"]
    shared = Path(__file__).resolve().parents[2] / "ansible/playbooks/group_vars/all.yml"
    done = ansible("ansible-playbook", [*paths, "-e", f"@{shared}", "-e", f"@{folder / 'said.yml'}"], folder)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder


def test_a_mixing_server_reads_its_configuration(tmp_path: Path) -> None:
    read = config.load(_render("mixer", "mixer-a1", "two-data-centres", tmp_path) / "mixer.yaml")
    assert (read.name, read.site, read.media.address) == ("mixer-a1", "a", "192.0.2.31")
    assert read.bus is not None
    assert len(read.bus.servers) == 3
    listens = (tmp_path / "mixer-rooms.socket").read_text()
    assert f"ListenSequentialPacket={read.workers.socket}\n" in listens


def test_a_mixing_server_is_called_over_tls(tmp_path: Path) -> None:
    said = {"mixer_tls": True, "mixer_proxy": {"address": "192.0.2.11", "port": 5061, "transport": "tls"}}
    read = config.load(_render("mixer", "mixer1", "one-site", tmp_path, **said) / "mixer.yaml")
    (listener,) = read.sip
    assert (listener.transport, listener.port, listener.key) == ("tls", 5061, "/etc/vdx/tls/host.key")
    assert read.proxy is not None
    assert (read.proxy.transport, read.proxy.port) == ("tls", 5061)


def test_a_room_has_a_user_limits_and_no_network(tmp_path: Path) -> None:
    folder = _render("mixer", "mixer1", "one-site", tmp_path)
    room, agent = (set((folder / name).read_text().splitlines()) for name in ("mixer-rooms@.service", "mixer.service"))
    assert {"User=vdx-room", "PrivateNetwork=yes", "MemoryMax=2G", "TasksMax=4096", "CPUWeight=100"} <= room
    assert "User=vdx-mixer" in agent
    assert "Slice=mixerrooms.slice" in room
    units = [folder / name for name in ("mixer-rooms.socket", "mixerrooms.slice")]
    told = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert not [line for line in told.stderr.splitlines() if "mixer-rooms." in line or "mixerrooms." in line], (
        told.stderr
    )


def test_the_hub_reads_its_configuration(tmp_path: Path) -> None:
    read = settings.load(_render("hub", "core2", "one-site", tmp_path) / "hub.yaml")
    assert read.database == "postgresql://hub@/hub?host=192.0.2.21:5432"
    assert read.bus is not None


def test_a_server_of_the_bus_knows_the_others_and_who_may_connect(tmp_path: Path) -> None:
    text = (_render("bus", "core1", "one-site", tmp_path) / "bus.yaml").read_bytes()
    server = msgspec.yaml.decode(text, type=Server)
    assert server.cluster is not None
    assert server.cluster.routes == ("tls://192.0.2.22:6222", "tls://192.0.2.23:6222")
    names = {program.name for program in server.programs}
    assert names == {"hub", "desk", "edge1", "edge2", "mixer1", "mixer2", "mixer3"}
    assert '"accounts"' in configuration(server)


def test_a_cluster_of_the_database_is_described_to_patroni(tmp_path: Path) -> None:
    folder = _render("database", "core-a", "two-data-centres", tmp_path)
    read = yaml.safe_load((folder / "patroni.yml").read_text())
    assert len(read["etcd3"]["hosts"]) == 3
    assert read["bootstrap"]["dcs"]["synchronous_mode"] is True
    initial = "ETCD_INITIAL_CLUSTER=core-a=https://192.0.2.21:2380,core-b=https://198.51.100.21:2380,"
    assert initial + "witness=https://203.0.113.21:2380\n" in (folder / "etcd").read_text()


@pytest.mark.parametrize(
    ("role", "host", "units"),
    [
        ("bus", "core1", ["vdx-bus"]),
        ("database", "core1", ["vdx-base-backup"]),
        ("hub", "core2", ["vdx-hub", "vdx-hub-provision"]),
        ("mixer", "mixer1", ["mixer", "mixer-rooms@"]),
    ],
)
def test_programs_are_locked_up(role: str, host: str, units: list[str], tmp_path: Path) -> None:
    folder = _render(role, host, "one-site", tmp_path)
    assert {path.stem for path in folder.glob("*.service")} == {*units}
    for unit in units:
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20"]
        told = subprocess.run([*command, folder / f"{unit}.service"], capture_output=True, text=True, check=False)
        assert "Overall exposure level" in told.stdout, told.stderr
        assert told.returncode == 0, told.stdout


def test_monitoring_reads_every_machine(tmp_path: Path) -> None:
    folder = _render("monitoring", "core3", "one-site", tmp_path, monitoring_name="see.example.org")
    read = yaml.safe_load((folder / "prometheus.yml").read_text())
    machines, *edges = read["scrape_configs"]
    assert len(machines["static_configs"][0]["targets"]) == 6  # an appliance has no exporter
    assert [each["static_configs"][0]["targets"] for each in edges] == [["198.51.100.11:443"], ["198.51.100.12:443"]]
    assert {each["metrics_path"] for each in edges} == {"/api/v1/metrics"}
    assert "hostname=https://see.example.org\n" in (folder / "keycloak.conf").read_text()
    assert yaml.safe_load((folder / "rules.yml").read_text())["groups"]


def test_turn_relays_to_nobody_but_the_edges(tmp_path: Path) -> None:
    said = {"turn_realm": "example.org", "turn_peers": ["192.0.2.11"]}
    text = (_render("turn", "core1", "one-site", tmp_path, **said) / "turnserver.conf").read_text()
    assert "allowed-peer-ip=192.0.2.11\n" in text
    assert "denied-peer-ip=0.0.0.0-255.255.255.255\n" in text


def test_the_partner_reads_snmp_three_alone(tmp_path: Path) -> None:
    snmp = {"address": "192.0.2.21", "user": "see", "authentication": "a" * 12, "encryption": "b" * 12}
    said = {
        "common_snmp": snmp | {"sources": ["192.0.2.0/28"]},
        "common_syslog": {"host": "log.example", "trust": "/x"},
        "common_admins": [],
    }
    folder = _render("common", "core1", "one-site", tmp_path, **said)
    text = (folder / "snmpd.conf").read_text()
    assert "rouser see priv" in text
    assert "community" not in text.replace("communities", "")
    assert 'StreamDriverAuthMode="x509/name"' in (folder / "rsyslog.conf").read_text()
    assert "udp dport 161 accept" in (folder / "nftables.conf").read_text()
