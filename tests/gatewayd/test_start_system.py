"""How gatewayd starts, or says why not; what a reload does, or leaves alone."""

from __future__ import annotations

import json
import signal
import socket
import subprocess

import pytest

from gatewayd.network.state import PROTOCOL
from tests.gatewayd.edge import Edge, Owner, arrives, eventually
from vdx.pinhole import End, Lease, Leased, Remote, Revoked, Stream

pytestmark = pytest.mark.system

CALL = "abcdefghijklm"
LEASE = f"{CALL}.0"


def state(machine: Edge) -> tuple[str, str, str]:
    """Give everything a start could change: rules, addresses, routes and routing rules."""

    def run(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def read() -> tuple[str, str, str]:
        addresses = json.loads(run("ip", "-json", "address"))
        kept = [[one["local"] for one in link["addr_info"] if one["scope"] == "global"] for link in addresses]
        routing = run("ip", "route", "show", "table", "all", "proto", str(PROTOCOL)) + run("ip", "rule")
        return run("nft", "-s", "list", "ruleset"), str(kept), routing

    return machine.on("edge", read)


def test_without_rights(machine: Edge) -> None:
    machine.write_site()
    before = state(machine)
    assert machine.refuse(user=64399) == (
        2,
        "gatewayd: gatewayd changes the network of this machine and may not: run it as root or with CAP_NET_ADMIN",
    )
    assert state(machine) == before


def test_with_a_fault_in_the_site_file(machine: Edge) -> None:
    machine.site["zones"]["sdn"]["adresses"] = []
    line = machine.line("adresses")
    status, said = machine.refuse()
    assert status == 2
    assert said == f"gatewayd: site.yaml:{line}: zones.sdn.adresses: unknown key; did you mean 'addresses'?"


def test_with_an_interface_that_is_not_there(machine: Edge) -> None:
    machine.site["zones"]["internet"]["interface"] = "net7"
    line = machine.line("net7")
    before = state(machine)
    status, said = machine.refuse()
    assert status == 2
    assert said == (
        f"gatewayd: site.yaml:{line}: there is no interface 'net7' on this machine: correct its name or add the card"
    )
    assert state(machine) == before


def test_a_second_gatewayd(machine: Edge) -> None:
    machine.start()
    before = state(machine)
    taken = machine.run_dir / "admin.sock"
    assert machine.refuse() == (2, f"gatewayd: another program already listens at {taken}: stop it first")
    assert state(machine) == before


def test_a_route_that_the_kernel_refuses_leaves_nothing(machine: Edge) -> None:
    # a VLAN on an interface that cannot carry one: the kernel says no after other changes were made
    machine.site["interfaces"] = {"sdn0.7": {"vlan": 7, "parent": "lo"}}
    machine.write_site()
    before = state(machine)
    status, said = machine.refuse()
    assert status == 2
    assert said.startswith("gatewayd: adding vlan sdn0.7 failed: ")
    assert state(machine) == before


def test_check_needs_no_rights(machine: Edge) -> None:
    machine.write_site()
    done = machine.ctl("check", str(machine.directory / "site.yaml"))
    assert done.returncode == 0
    assert done.stdout.endswith("can be applied\n")


def test_starting_twice_with_the_same_file_changes_nothing(machine: Edge) -> None:
    machine.start()
    before = state(machine)
    machine.stop()
    assert state(machine) == before
    machine.start()
    assert state(machine) == before


def open_stream(machine: Edge, peer: str = "clinic") -> tuple[Owner, list[object]]:
    owner = machine.owner()
    room, phone = machine.udp("left", "10.0.0.2"), machine.udp("right", "198.51.100.2")
    a = End("sdn", "hospital", 4, Remote("10.0.0.2", room.getsockname()[1]))
    b = End("internet", peer, 4, Remote("198.51.100.2", phone.getsockname()[1]))
    opened = owner.ask(Lease(1, CALL, (Stream(LEASE, "rtp", a, b),)))
    assert isinstance(opened, Leased), opened
    return owner, [phone, (opened.streams[0].b.address, opened.streams[0].b.port), room]


def test_a_reload_with_a_bad_file_changes_nothing(machine: Edge) -> None:
    machine.start()
    before = state(machine)
    machine.site["zones"]["sdn"]["routes"][0]["via"] = "192.168.0.1"
    machine.write_site()
    done = machine.ctl("reload")
    assert done.returncode == 1
    assert done.stderr.endswith("no address of zone 'sdn' lies in its network\n")
    assert state(machine) == before


def test_a_reload_brings_the_new_and_takes_the_old_away_and_cuts_nothing(machine: Edge) -> None:
    machine.start()
    _, packet = open_stream(machine)
    machine.site["zones"]["sdn"]["addresses"].append("10.0.0.9/24")
    machine.site["zones"]["sdn"]["routes"] = [{"to": "10.9.0.0/16", "via": "10.0.0.3"}]
    machine.write_site()
    done = machine.ctl("reload")
    assert (done.returncode, done.stdout) == (0, "done\n"), machine.log()
    _, addresses, routing = state(machine)
    assert "10.0.0.9" in addresses
    assert "10.9.0.0/16 via 10.0.0.3 dev sdn0 table 5601" in routing
    assert "default via 10.0.0.2" not in routing
    assert arrives(*packet)  # type: ignore[arg-type]
    machine.site["zones"]["sdn"]["addresses"].remove("10.0.0.9/24")
    machine.write_site()
    assert machine.process
    machine.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: "10.0.0.9" not in state(machine)[1])
    assert "10.0.0.9" not in state(machine)[2]
    assert arrives(*packet)  # type: ignore[arg-type]


def test_a_reload_that_forbids_a_peer_revokes_its_leases(machine: Edge) -> None:
    machine.start()
    owner, packet = open_stream(machine)
    machine.site["peers"]["clinic"]["media"] = ["198.51.100.3/32"]
    machine.write_site()
    assert machine.ctl("reload").returncode == 0
    told = owner.event()
    assert isinstance(told, Revoked)
    assert (told.leases, told.reason) == ((LEASE,), "media of peer 'clinic' may no longer go to 198.51.100.2")
    assert [usage.lease for usage in told.usage] == [LEASE]
    assert arrives(*packet) is None  # type: ignore[arg-type]


def test_a_flushed_ruleset_comes_back_with_its_pinholes(machine: Edge) -> None:
    machine.start()
    before = state(machine)[0]
    _, packet = open_stream(machine)
    machine.on("edge", lambda: subprocess.run(["nft", "flush", "ruleset"], check=True))
    assert eventually(lambda: arrives(*packet))  # type: ignore[arg-type]
    assert before.count("chain") == state(machine)[0].count("chain")


def test_status_tells_what_serves(machine: Edge) -> None:
    machine.start()
    machine.owner()
    done = machine.ctl("--json", "status")
    report = json.loads(done.stdout)
    assert (report["op"], report["program"], report["state"]) == ("status-report", "gatewayd", "waiting for b2bua")
    assert report["facts"]["site"] == "test-edge"
    assert report["facts"]["owners"] == "b2bua"
    away = machine.ctl("calls")
    assert (away.returncode, away.stderr) == (1, "b2bua is not running: calls are its business, start it first\n")


def test_management_stays_reachable_through_every_change(machine: Edge) -> None:
    zones = machine.site["zones"]
    zones["mgmt"] = {**zones.pop("internet"), "services": {
        "ssh": {"protocol": "tcp", "port": 22, "sources": ["198.51.100.0/24"]}
    }}  # fmt: skip
    del zones["mgmt"]["media"]
    machine.site["peers"] = {"hospital": machine.site["peers"]["hospital"]}
    machine.start()
    listener = machine.on("edge", lambda: socket.create_server(("198.51.100.1", 22)))
    machine.opened.append(listener)
    made = machine.on("right", socket.socket)
    machine.opened.append(made)
    made.settimeout(5)
    made.connect(("198.51.100.1", 22))
    accepted, _ = listener.accept()
    machine.opened.append(accepted)

    def talks() -> bool:
        made.sendall(b"x")
        accepted.settimeout(5)
        return accepted.recv(1) == b"x"

    zones["mgmt"]["addresses"].append("198.51.100.9/24")
    machine.write_site()
    assert machine.ctl("reload").returncode == 0, machine.log()
    assert talks()
    zones["mgmt"]["interface"] = "net7"
    machine.write_site()
    assert machine.ctl("reload").returncode == 1
    assert talks()
    machine.stop(signal.SIGKILL)
    assert talks()
    with machine.on("left", socket.socket) as foreign:  # from another zone nobody answers
        foreign.settimeout(0.5)
        with pytest.raises(TimeoutError):
            foreign.connect(("198.51.100.1", 22))
