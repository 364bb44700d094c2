from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import Edge, running
from tests.system.routing.server import name_server

CLINIC = "198.51.100.10"
RECORDS = (
    # NAPTR leads to UDP; its first server is overloaded, the second one takes the call
    "--naptr-record=partner.example,10,50,S,SIP+D2U,,_sip._udp.partner.example",
    "--srv-host=_sip._udp.partner.example,one.partner.example,5070,10,100",
    "--srv-host=_sip._udp.partner.example,two.partner.example,5080,20,100",
    f"--host-record=one.partner.example,{CLINIC}",
    f"--host-record=two.partner.example,{CLINIC}",
    # nobody listens where the first one leads: over TCP that is heard of at once
    "--srv-host=_sip._tcp.stream.example,one.partner.example,5071,10,100",
    "--srv-host=_sip._tcp.stream.example,two.partner.example,5080,20,100",
    # a name that leads into the private network
    "--host-record=trap.example,198.18.1.10",
)


@pytest.fixture(scope="package")
def edge() -> Iterator[Edge]:
    """Give an edge that looks names up at the clinic's name server, and holds the clinic to one call."""
    with running("route", "udp", _change) as up:
        log = up.lab.state.run / "dnsmasq.log"
        with name_server(up.host("clinic"), CLINIC, RECORDS, Path(log)):
            yield up


def _change(site: dict[str, Any]) -> None:
    site["domains"] = ["health.example"]
    site["upstream"] = {"zone": "internet", "dns": [CLINIC]}
    site["peers"]["clinic"]["limits"] = {"calls": 1}
    site["peers"]["partner"] = {"zone": "internet", "media": [f"{CLINIC}/32"]}
    site["dialplan"].append({"alias": "+47*", "to": "clinic", "user": "desk"})
    site["dialplan"].append({"domain": "*", "to": "dns", "via": "partner"})


@pytest.fixture
def crossing(edge: Edge) -> Iterator[Crossing]:
    """Give the way from the hospital to the clinic, which is idle again afterwards."""
    yield Crossing(edge, "hospital", "clinic")
    edge.wait_idle()
