from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.gatewayd.edge import Edge, edge
from tests.gatewayd.web.running import WEB, Web, web

PORTS = {"web": {"protocol": "tcp", "port": 8443, "sources": ["198.51.100.2/32"]}}
PEOPLE = {
    "anna": {"role": "admin"},
    "carl": {"role": "operator"},
    "dora": {"role": "viewer"},
    "bo": {"role": "owner", "organisation": "north"},
}


@dataclass
class Managed:
    """An edge with its management zone, and the web program on it."""

    edge: Edge
    web: Web


@pytest.fixture
def managed() -> Iterator[Managed]:
    with edge() as made:
        made.site["zones"]["mgmt"] = {
            "interface": "net0",
            "addresses": ["198.51.100.1/24"],
            "services": PORTS,
        }
        del made.site["zones"]["internet"]
        made.site["peers"] = {"hospital": made.site["peers"]["hospital"]}
        made.site["management"] = {"people": PEOPLE}
        made.site["delegations"] = {"north": {"networks": {"sdn": ["10.9.0.0/16"]}, "domains": ["north.example"]}}
        made.site["policy"] = {"rules": [{"zone": "mgmt", "into": "sdn", "action": "deny"}]}
        made.start("--web", str(WEB))
        with web(
            made.directory / "web",
            made.run_dir,
            "198.51.100.1",
            lambda job: made.on("edge", job),
            lambda job: made.on("right", job),
            8443,
        ) as running:
            yield Managed(made, running)
