"""The policy of a site in the kernel: loaded with its version, kept to the date, and there without gatewayd too."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nft.netlink import Netlink
from nft.policy.opening import OF_NONE
from tests.gatewayd.edge import Edge, arrives, eventually

pytestmark = pytest.mark.system

PORT = 7000
PATIENCE = 60.0  # seconds; what is waited for is due within ten


def within(*spans: tuple[float, float]) -> dict[str, Any]:
    """Return agreements over the same path, each from and until some seconds from now."""
    now = datetime.now(UTC).replace(microsecond=0)

    def moment(seconds: float) -> datetime:
        return now + timedelta(seconds=seconds)

    return {
        "organisations": ["clinic", "hospital"],
        "services": {
            "echo": {"organisation": "hospital", "zone": "sdn", "endpoints": ["10.0.0.2/32"], "udp": [PORT]},
        },
        "clients": {"clinic": {"organisation": "clinic", "zone": "internet", "prefixes": ["198.51.100.2/32"]}},
        "agreements": {
            f"a-{number}": {
                "client": "clinic",
                "service": "echo",
                "starts": moment(starts),
                "ends": moment(ends),
                "approved": True,
            }
            for number, (starts, ends) in enumerate(spans)
        },
    }


def ends(machine: Edge) -> tuple[socket.socket, socket.socket]:
    return machine.udp("right", "198.51.100.2"), machine.udp("left", "10.0.0.2", PORT)


def passes(client: socket.socket, server: socket.socket) -> bool:
    return arrives(client, ("10.0.0.2", PORT), server) is not None


def held(machine: Edge) -> list[str]:
    def read() -> list[str]:
        with Netlink() as netlink:
            names = [name for name in netlink.declarations("transit") if name.startswith("open_")]
            shapes = [replace(OF_NONE.open, name=name) for name in names]
            return [element.comment for shape in shapes for element in netlink.dump(shape)]

    return machine.on("edge", read)


def denied(machine: Edge) -> int:
    """Return how many packets the table has denied since it was made."""
    command = ["nft", "list", "counter", "inet", "transit", "denied"]
    listed = machine.on("edge", lambda: subprocess.run(command, check=True, capture_output=True, text=True)).stdout
    return int(listed.split("packets", 1)[1].split()[0])


def test_an_agreement_ends_also_when_gatewayd_is_dead(machine: Edge) -> None:
    machine.site["agreements"] = within((-100, 3600))
    machine.start()
    client, server = ends(machine)
    assert passes(client, server)
    machine.site["agreements"] = within((-100, 12))
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    machine.stop(signal.SIGKILL)
    eventually(lambda: not passes(client, server), PATIENCE)
    assert held(machine) == []


def test_what_opens_again_after_a_pause_is_written_in_time(machine: Edge) -> None:
    machine.site["agreements"] = within((-100, 4), (9, 3600))
    machine.start()
    client, server = ends(machine)
    eventually(lambda: held(machine) == ["a-1"], PATIENCE)
    eventually(lambda: passes(client, server), PATIENCE)
    eventually(lambda: "agreement=a-1" in machine.log(), PATIENCE)  # it ends within the notice
    assert "\nvdx_agreements_ending " in machine.ctl("metrics").stdout


def test_an_agreement_alone_is_written_without_the_rest(machine: Edge) -> None:
    machine.site["agreements"] = within((-100, 3600))
    machine.start()
    client, server = ends(machine)
    machine.site["agreements"] = within((-100, -50))
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert not passes(client, server)
    machine.site["agreements"] = within((-100, 3600))
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert passes(client, server)
    assert denied(machine) > 0, "the table is still the same one"
    machine.site["policy"] = {"rules": [{"zone": "sdn", "into": "internet", "action": "deny"}]}
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert passes(client, server)
    assert denied(machine) > 0, "and where more has changed, what has not stays"


def test_agreements_that_change_cut_no_flow_of_others_and_open_at_once(machine: Edge) -> None:
    machine.start()
    client, server = ends(machine)
    assert not passes(client, server)
    machine.site["agreements"] = within((-100, 3600))
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert passes(client, server)
    del machine.site["agreements"]
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert not passes(client, server)


def test_a_version_whose_stated_test_does_not_hold_is_refused_and_the_old_one_goes_on(machine: Edge) -> None:
    machine.site["agreements"] = within((-100, 3600))
    machine.start()
    client, server = ends(machine)
    machine.site["policy"] = {
        "rules": [{"zone": "internet", "into": "sdn", "action": "deny"}],
        "tests": [{"packet": f"internet 198.51.100.2 -> sdn 10.0.0.2 udp/{PORT}", "expect": "allow"}],
    }
    machine.write_site()
    done = machine.ctl("reload")
    assert done.returncode == 1
    assert "should be allow; it is deny: rule from internet to sdn (site.yaml:" in done.stderr
    assert passes(client, server)
    assert machine.ctl("check", str(machine.directory / "site.yaml")).returncode == 2


def test_a_table_that_somebody_removes_comes_back(machine: Edge) -> None:
    machine.site["agreements"] = within((-100, 3600))
    machine.start()
    client, server = ends(machine)
    command = ["nft", "delete", "table", "inet", "transit"]
    machine.on("edge", lambda: subprocess.run(command, check=True))
    assert not passes(client, server)
    eventually(lambda: passes(client, server), PATIENCE)
