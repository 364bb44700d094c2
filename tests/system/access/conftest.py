from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml
from joserfc.jwk import ECKey

from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.users import GROUP
from tests.peers.wires import Transport
from tests.system.calls.edge import Edge, wait_until_serving

PASSWORD = "a-password-for-the-lab"  # noqa: S105 - nobody else's, and without blanks, as baresip needs it
USERS = ("room-1", "room-2", "room-3")
ISSUER = "https://login.example.org"
KEY = ECKey.generate_key("P-256")
PUBLIC = ("clinic", "home")
"""Hosts on the internet: no peers here, they have to log in."""


def _file(lab: Lab, name: str, text: str) -> str:
    path = lab.state.directory / name
    path.write_text(text)
    os.chown(path, 0, GROUP)
    path.chmod(0o640)
    return str(path)


@contextmanager
def running(name: str, transport: Transport, **access: object) -> Iterator[Edge]:
    """Run an edge whose rooms register from anywhere on the internet; they are reached over `transport`."""
    with Lab.temporary(name) as lab:
        rooms = _file(lab, "rooms.secret", "".join(f"{user} password {PASSWORD}\n" for user in USERS))
        trunk = _file(lab, "trunk.secret", f"edge password {PASSWORD}\n")
        keys = _file(lab, "guests.json", json.dumps({"keys": [KEY.as_dict(private=False)]}))
        site = yaml.safe_load(lab.state.site.read_text())
        site["peers"] = {name: peer for name, peer in site["peers"].items() if name.rstrip("6") not in PUBLIC}
        site["peers"]["rooms"] = {
            "zone": "internet",
            "credentials": {"file": rooms},
            "registers": True,
            "media": ["198.51.100.0/24", "2001:db8:100::/48"],
        }
        site["peers"]["guests"] = {
            "zone": "internet",
            "tokens": {"issuer": ISSUER, "audience": "lab", "keys": keys, "authority": ISSUER},
            "media": ["198.51.100.0/24"],
        }
        site["peers"]["core"]["login"] = {"username": "edge", "file": trunk}
        for peer in site["peers"].values():
            if "target" in peer:
                peer["target"]["transport"] = transport
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
