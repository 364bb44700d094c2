from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
import yaml

from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.users import GROUP
from tests.system.calls.edge import Edge, collect, wait_until_serving
from tests.system.routing.server import name_server
from tests.system.web.named import Named

HOME, USER, OTHER = "home", "guest", "visitor"
NAMED = (
    Named("clinic", "udp", 5100),
    Named("hospital", "udp", 5110),
    Named("clinic", "tcp", 5120),
    Named("hospital", "tcp", 5130),
    Named("clinic", "tls", 5140),
    Named("hospital", "tls", 5150),
    Named("hospital", "udp", 5160),
)
"""Both ways over each transport; the last one is called from a page."""

PASSWORD = "a password, for the lab"  # noqa: S105 - nobody else's


@pytest.fixture(scope="package")
def edge() -> Iterator[Edge]:
    """Give an edge at which browsers of the internet log in; others are reached over UDP, two under more names.

    `hospital-tcp`, `clinic-tls` and so on are the same hosts over another transport; NAMED are looked up.
    """
    with Lab.temporary("web") as lab:
        secrets = lab.state.directory / "guests"
        secrets.write_text("".join(f"{user} password {PASSWORD}\n" for user in (USER, OTHER)))
        os.chown(secrets, 0, GROUP)
        secrets.chmod(0o640)
        site = yaml.safe_load(lab.state.site.read_text())
        site["peers"] = {name: peer for name, peer in site["peers"].items() if name.rstrip("6") != "home"}
        site["peers"]["guests"] = {
            "zone": "internet",
            "credentials": {"file": str(secrets)},
            "registers": True,
            "media": ["198.51.100.0/24"],
            "refer": "allow",
        }
        rules = [rule for rule in site["dialplan"] if rule["alias"].rstrip("6") != "home"]
        site["dialplan"] = [*({"alias": user, "to": "guests"} for user in (USER, OTHER)), *rules]
        for name, transport in itertools.product(("hospital", "clinic"), ("tcp", "tls")):
            peer = site["peers"][name]
            target = {"address": peer["target"]["address"], "transport": transport}
            site["peers"][f"{name}-{transport}"] = {"zone": peer["zone"], "media": peer["media"], "target": target}
            site["dialplan"].append({"alias": f"{name}-{transport}", "to": f"{name}-{transport}"})
        for named in NAMED:
            site["peers"][named.alias] = named.peer(site["peers"][named.host])
            site["dialplan"].append({"alias": named.alias, "to": named.alias})
        collect(lab, site)
        clinic = lab.host("clinic")
        site["upstream"] = {"zone": "internet", "dns": [clinic.address(4)]}
        site["access"] = {"realm": "lab"}
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        up = Edge(lab, "udp")
        wait_until_serving(up)
        records = [record for named in NAMED for record in named.records(lab)]
        with name_server(clinic, clinic.address(4), records, lab.state.run / "dnsmasq.log"):
            yield up
        up.wait_idle()
