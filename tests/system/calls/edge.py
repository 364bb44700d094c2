"""An edge that is up in a lab, and what tests ask of it."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from lab.host import Host
from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.topology import SIP_PORT
from nft.schema import STATIC_MEDIA
from tests.peers.wires import Transport
from vdx.control import (
    AdminClientCodec,
    CallList,
    Calls,
    FromGatewayd,
    Hangup,
    Pinholes,
    Status,
    StatusReport,
    ToGatewayd,
)
from vdx.pinhole import Listed, OpenLease
from vdx.record import CallRecord, RecordList, Records

READY_SECONDS = 20.0
IDLE_SECONDS = 10.0
ASK_SECONDS = 5.0
TURN_SECONDS = 0.05
HELD = ("legs", "clients", "servers", "merged", "timers", "calls", "ringing", "questions", "relayed")
TRANSACTION_SECONDS = 60.0  # 64 * T1 = 32 s (RFC 3261 section 17.1.1.2), and a busy machine

HEP_PORT = 9060
"""Where messages are sent on to, at the administrator's desk."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Edge:
    """A lab whose edge runs, with every peer reached over `transport`."""

    lab: Lab
    transport: Transport

    def host(self, name: str) -> Host:
        """Return a host of the lab."""
        return self.lab.host(name)

    def address(self, zone: str, family: int = 4) -> str:
        """Return the edge's address in a zone."""
        return next(str(one.ip) for one in self.lab.topology.zone(zone).addresses if one.version == family)

    def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Ask gatewayd."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ASK_SECONDS)
            connection.connect(str(self.lab.state.run / "admin.sock"))
            connection.sendall(AdminClientCodec.encode(request))
            with connection.makefile("rb") as lines:
                return AdminClientCodec.decode(lines.readline())

    def leases(self) -> tuple[OpenLease, ...]:
        """Return the open leases."""
        answer = self.ask(Pinholes(next(_numbers)))
        assert isinstance(answer, Listed), answer
        return answer.leases

    def calls(self) -> list[str]:
        """Return the calls that are up or being set up."""
        answer = self.ask(Calls(next(_numbers)))
        assert isinstance(answer, CallList), answer
        return [one.call for one in answer.calls]

    def wait_for_record(self, call: str = "") -> CallRecord:
        """Wait for the record of a call that has ended, of any where none is named."""
        found: list[CallRecord] = []

        def there() -> bool:
            answer = self.ask(Records(next(_numbers), 0.0))
            assert isinstance(answer, RecordList), answer
            found[:] = [record for record in answer.records if call in {"", record.call}]
            return bool(found)

        wait_for(there, IDLE_SECONDS, lambda: f"no record {call}")
        return found[-1]

    def status(self) -> StatusReport:
        """Return how gatewayd is."""
        answer = self.ask(Status(next(_numbers)))
        assert isinstance(answer, StatusReport), answer
        return answer

    def wait_idle(self) -> None:
        """Wait until no call and no lease is left; raises AssertionError that names what is, after ending it."""
        try:
            wait_for(self._idle, IDLE_SECONDS, lambda: f"{self.calls()}, {self.leases()}")
        except AssertionError:
            for call in self.calls():  # the next test begins with an idle edge all the same
                self.ask(Hangup(next(_numbers), call))
            raise

    def _idle(self) -> bool:
        return not self.calls() and not self.leases()

    def wait_until_transactions_end(self) -> None:
        """Wait until the signalling holds nothing at all any more: the last timers of a call run for half a minute."""
        wait_for(lambda: not any(self.held().values()), TRANSACTION_SECONDS, lambda: str(self.held()))

    def held(self) -> dict[str, str | int | float]:
        """Return how much b2bua holds of each kind: calls, dialogs, transactions, timers."""
        (b2bua,) = self.status().others
        return {name: value for name, value in b2bua.facts.items() if name in HELD}

    def kernel_elements(self) -> int:
        """Count what the kernel holds of pinholes: elements of the relay's maps and sets but those of the site."""
        done = self.host("edge").run(["nft", "--json", "list", "table", "inet", "media"], timeout=ASK_SECONDS)
        objects = json.loads(done.stdout)["nftables"]
        keyed = [one[kind] for one in objects for kind in ("set", "map") if kind in one]
        return sum(len(one.get("elem", ())) for one in keyed if one["name"] not in STATIC_MEDIA)


@contextmanager
def running(
    prefix: str, transport: Transport, change: Callable[[dict[str, Any]], None] = lambda _site: None
) -> Iterator[Edge]:
    """Build a lab, tell the edge to reach every peer over `transport`, start its programs, take all down at the end.

    `change` may change the site file before.
    """
    with Lab.temporary(prefix) as lab:
        site = yaml.safe_load(lab.state.site.read_text())
        for peer in site["peers"].values():
            peer["target"]["transport"] = transport
        collect(lab, site)
        change(site)
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        edge = Edge(lab, transport)
        wait_until_serving(edge)
        yield edge


def collect(lab: Lab, site: dict[str, Any]) -> None:
    """Have the messages of all calls sent on to the administrator's desk, whether somebody listens there or not."""
    site["hep"] = {"zone": "mgmt", "address": lab.host("admin").address(4), "port": HEP_PORT}


def wait_until_serving(edge: Edge) -> None:
    """Wait until every program of the edge knows the others."""
    wait_for(lambda: _serving(edge), READY_SECONDS, lambda: str(edge.status()))


def sip(address: str) -> tuple[str, int]:
    """Return where SIP is at an address."""
    return address, SIP_PORT


def _serving(edge: Edge) -> bool:
    report = edge.status()
    versions = {other.version for other in report.others}
    found = report.state, report.facts["mediad"], report.facts["owners"], versions
    return found == ("serving", "connected", "b2bua", {report.facts["site version"]})


def wait_for(until: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait for a condition; raises AssertionError that says what is, where it does not come within `seconds`."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"not within {seconds} s: {otherwise()}"
        time.sleep(TURN_SECONDS)
