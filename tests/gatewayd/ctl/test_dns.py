"""Records to publish: a zone file that a DNS library reads, and that leads RFC 3263 to every listener."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.rdatatype
import dns.zone
import pytest

from b2bua.locate import Naptr, NotFoundError, Query, Srv, locate
from gatewayd.ctl import main
from gatewayd.ctl.dns import records
from tests.b2bua.locate.zone import Zone
from tests.gatewayd.site import TEXT, load

OURS = TEXT + "domains: [health.example, town.example]\n"
SIX = OURS.replace(
    "      - {transport: udp, address: 10.0.0.1}\n",
    '      - {transport: udp, address: 10.0.0.1}\n      - {transport: tcp, address: "2001:db8:a::1", port: 5070}\n',
)


def views(text: str) -> dict[str, list[str]]:
    """Give the zone files by zone."""
    found: dict[str, list[str]] = {}
    for line in records(load(text).site).splitlines():
        if line.startswith("; zone "):
            current = found.setdefault(line.split()[2].rstrip(":"), [])
        else:
            current.append(line)
    return found


def published(lines: list[str], domain: str) -> Zone:
    """Have a DNS library read the records of a domain, as a name server would."""
    begin = lines.index(f"$ORIGIN {domain}.")
    end = [*lines, ""].index("", begin)
    text = "\n".join(["@ 60 IN SOA ns hostmaster 1 60 60 60 60", "@ 60 IN NS ns", *lines[begin + 1 : end], ""])
    read = dns.zone.from_text(text, domain, relativize=False)
    zone = Zone()
    data: Any
    for name, _, data in read.iterate_rdatas():
        label = name.to_text(omit_final_dot=True)
        if data.rdtype == dns.rdatatype.NAPTR:
            replacement = data.replacement.to_text(omit_final_dot=True)
            one = Naptr(data.order, data.preference, data.flags.decode(), data.service.decode(), replacement)
            zone.naptrs.setdefault(label, []).append(one)
        elif data.rdtype == dns.rdatatype.SRV:
            target = data.target.to_text(omit_final_dot=True)
            zone.srvs.setdefault(label, []).append(Srv(data.priority, data.weight, data.port, target))
        elif data.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}:
            zone.hosts.setdefault(label, []).append(data.address)
    return zone


@pytest.mark.parametrize("domain", ["health.example", "town.example"])
@pytest.mark.parametrize(
    ("zone", "expected"),
    [("sdn", ["tcp 2001:db8:a::1 5070", "udp 10.0.0.1 5060"]), ("internet", ["tcp 203.0.113.1 5060"])],
)
def test_they_lead_to_every_listener_as_it_is_seen_from_outside(domain: str, zone: str, expected: list[str]) -> None:
    served = published(views(SIX)[zone], domain)
    reached: set[str] = set()
    for transport in ("tls", "tcp", "udp"):
        for version in (6, 4):
            query = Query(domain, 0, "", secure=False, usable=frozenset({(transport, version)}))
            with suppress(NotFoundError):
                found = asyncio.run(locate(query, served, lambda: 0.5))
                reached |= {f"{one.transport} {one.host} {one.port}" for one in found}
    assert reached == set(expected)


def test_a_port_at_some_addresses_alone_has_a_host_of_its_own() -> None:
    """RFC 2782: an SRV record leads to each address of its target."""
    lines = views(SIX)["sdn"]
    assert [line for line in lines if " SRV " in line or " A" in line][:5] == [
        "_sip._tcp 3600 IN SRV 10 100 5070 edge-1-2",
        "_sip._udp 3600 IN SRV 10 100 5060 edge-1-3",
        "edge-1 3600 IN A 10.0.0.1",
        "edge-1 3600 IN AAAA 2001:db8:a::1",
        "edge-1-2 3600 IN AAAA 2001:db8:a::1",
    ]


def test_zones_without_listeners_have_no_view() -> None:
    assert list(views(OURS)) == ["sdn", "internet"]


def test_without_domains_there_is_nothing_to_publish() -> None:
    assert records(load().site).startswith("; the site file names no `domains`")


def test_the_verb_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(OURS)
    assert main(["dns", str(file)]) == 0
    assert "_sip._udp 3600 IN SRV 10 100 5060 edge-1\n" in capsys.readouterr().out
