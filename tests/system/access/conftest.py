from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.users import GROUP
from tests.peers.wires import Transport
from tests.system.calls.edge import Edge, wait_until_serving

PASSWORD = "a-password-for-the-lab"  # noqa: S105 - nobody else's, and without blanks, as baresip needs it
USERS = ("room-1", "room-2", "room-3")
PUBLIC = ("clinic", "home")
"""Hosts on the internet: no peers here, they have to log in."""


@contextmanager
def running(name: str, transport: Transport, **access: object) -> Iterator[Edge]:
    """Run an edge whose rooms register from anywhere on the internet; they are reached over `transport`."""
    with Lab.temporary(name) as lab:
        secrets = lab.state.directory / "rooms"
        secrets.write_text("".join(f"{user} password {PASSWORD}\n" for user in USERS))
        os.chown(secrets, 0, GROUP)
        secrets.chmod(0o640)
        site = yaml.safe_load(lab.state.site.read_text())
        site["peers"] = {name: peer for name, peer in site["peers"].items() if name.rstrip("6") not in PUBLIC}
        site["peers"]["rooms"] = {
            "zone": "internet",
            "credentials": {"file": str(secrets)},
            "registers": True,
            "media": ["198.51.100.0/24", "2001:db8:100::/48"],
        }
        rules = [rule for rule in site["dialplan"] if rule["alias"].rstrip("6") not in PUBLIC]
        site["dialplan"] = [{"alias": "room-*", "to": "rooms"}, *rules]
        site["access"] = {"realm": "lab", "ban": 120, **access}
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        up = Edge(lab, transport)
        wait_until_serving(up)
        yield up


@pytest.fixture(scope="package", params=["udp", "tcp"])
def edge(request: pytest.FixtureRequest) -> Iterator[Edge]:
    """Give the edge that the tests of this folder share, once for each transport."""
    with running(f"access{request.param}", request.param) as up:
        yield up
