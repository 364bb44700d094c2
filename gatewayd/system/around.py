"""What stands around the gateway, for the doctor: name servers, peers, and the ports media has left."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gatewayd.ctl.ask import ask_once
from gatewayd.system.finding import FULL, Finding
from vdx.control import Pinholes, Status, StatusReport
from vdx.pinhole import Listed, OpenLease
from vdx.site.model import Site

DNS_SECONDS = 3.0
"""For an answer of a name server; resolvers of programs give up after five."""

DNS_PORT = 53
PEER = "peer "
"""What the facts about peers begin with in the status of `b2bua`."""

Asked = Callable[[str], bool]


def name_servers(told: Site | None, answers: Asked | None = None) -> Iterator[Finding]:
    """Ask each name server of the site once."""
    ask = answers or resolves
    for server in told.upstream.dns if told and told.upstream else ():
        if ask(str(server)):
            yield Finding("well", f"name server {server}", "answers")
        else:
            advice = "Look at its address in `upstream.dns`, and whether UDP 53 passes to it"
            yield Finding("bad", f"name server {server}", f"no answer within {DNS_SECONDS:.0f} s", advice)


def resolves(server: str) -> bool:
    """Ask a name server for the servers of the root (RFC 1035, 4.1), which each of them knows."""
    number = secrets.token_bytes(2)
    question = number + bytes.fromhex("0100 0001 0000 0000 0000 00 0002 0001")
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(DNS_SECONDS)
        try:
            asking.connect((server, DNS_PORT))
            asking.send(question)
            answer = asking.recv(4096)
        except OSError:
            return False
    return answer[:2] == number and len(answer) > 3 and bool(answer[2] & 0x80) and answer[3] & 0x0F in (0, 5)


def gateway(told: Site | None, run_dir: Path) -> Iterator[Finding]:
    """Ask `gatewayd` for peers and ports; raises `VdxError` where it does not answer."""
    if told is None:
        return
    status, pinholes = (asyncio.run(ask_once(run_dir, each)) for each in (Status(1), Pinholes(2)))
    if isinstance(status, StatusReport):
        yield from peers(status)
        yield from unasked(told)
    if isinstance(pinholes, Listed):
        yield from ports(told, pinholes.leases)


def peers(status: StatusReport) -> Iterator[Finding]:
    """Tell which of the peers that are asked (`qualify`) answer."""
    for report in (status, *status.others):
        for about, said in report.facts.items():
            if not about.startswith(PEER):
                continue
            if str(said).startswith("down"):
                advice = "Look at its address, the way to it, and whether it lets OPTIONS of ours in"
                yield Finding("bad", about, str(said), advice)
            else:
                yield Finding("well", about, str(said))


def unasked(told: Site) -> Iterator[Finding]:
    """Name the peers that calls go to and nobody asks."""
    names = [name for name, peer in told.peers.items() if peer.target is not None and peer.qualify is None]
    if names:
        text = f"nobody asks whether they answer: {', '.join(names)}"
        yield Finding("look", "peers", text, "`qualify: 30` has each of them asked by OPTIONS every 30 s")


def ports(told: Site, leases: Iterable[OpenLease]) -> Iterator[Finding]:
    """Tell how many ports each media address has left."""
    used: Counter[tuple[str, str]] = Counter()
    for lease in leases:
        for side, local in zip(lease.zones, lease.local, strict=True):
            used[side, local.rpartition(":")[0].strip("[]")] += 2 if lease.kind == "rtp" else 1
    for name, zone in told.zones.items():
        first, last = zone.media.ports
        for each in zone.media.addresses:
            most = last - first + 1
            left = most - used[name, str(each.address)]
            short = left < most * (1 - FULL)
            advice = "Add an address to `media.addresses`, or widen `media.ports`" if short else ""
            text = f"{left} of {most} ports left"
            yield Finding("look" if short else "well", f"media of {name} ({each.address})", text, advice)
