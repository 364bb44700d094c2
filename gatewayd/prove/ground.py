"""The throw-away network: the edge in a namespace of its own, and the far end of each zone's link in another.

    hosts: zone1 ---- sdn0  :edge        zoneN is a packet socket: it sends what any host of the zone could, and sees
           zone2 ---- net0  :            what the edge sends there. The edge has the candidate's addresses, routes and
           ...                           rules, set by what sets them on the appliance.
           first ---- second             tells when everything sent before has come out

Nothing here waits for a time to pass. All of it runs on one processor, on which the kernel takes frames in the order
in which they were queued: once a frame has gone from ``first`` to ``second``, the edge has decided about all sent
before; once a second one has, what it let out is at the far ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nftables

from gatewayd.errors import NetworkError, ProofError
from gatewayd.network import sysctl
from gatewayd.network.kernel import Kernel
from gatewayd.network.netlink import IPRoute
from gatewayd.network.plan import plan
from gatewayd.network.state import Network
from gatewayd.prove import frames, portions
from gatewayd.prove.frames import Seen
from gatewayd.sandbox import CLONE_NEWNET, setns, unshare
from nft import apply as ruleset
from nft.model import Edge
from nft.policy.packet import Packet
from nft.policy.parts import TABLE
from nft.policy.ruleset import Ruleset

EDGE_MAC = "02:00:00:00:00:01"
_MAC = bytes.fromhex(EDGE_MAC.replace(":", ""))
TOGETHER = 50
"""Packets sent before those that came out are read: as many fit the buffer of a packet socket many times over."""

PATIENCE_MS = 10_000
"""Until frames that do not come through the kernel are a fault: they take microseconds."""

ALL, EXPERIMENT = 3, 0x88B5  # ETH_P_ALL; a type for experiments (IEEE 802)
SOL_PACKET, PACKET_STATISTICS = 263, 6  # linux/if_packet.h
NETFILTER, FLUSH_FLOWS = 12, 0x0102  # NETLINK_NETFILTER; NFNL_SUBSYS_CTNETLINK and IPCTNL_MSG_CT_DELETE
REQUEST, ACK, ERROR = 1, 4, 2  # linux/netlink.h


class Ground:
    """The network of one proof; made inside the namespaces of ``sandbox.enter``. ``ProofError`` where it cannot be."""

    def __init__(self, edge: Edge, network: Network) -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        self._edge = edge
        self._open = contextlib.ExitStack()
        self._counted: list[str] = []
        self._links: dict[str, socket.socket] = {}
        try:
            self._build(network)
        except (OSError, NetworkError) as error:
            self.close()
            raise ProofError(f"the throw-away network cannot be made: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its sockets; the network goes with the process."""
        self._open.close()

    def load(self, transit: Ruleset, now: float) -> None:
        """Bring the edge's tables and the policy's into the kernel, as `gatewayd` does; ``ApplyError``."""
        started = time.monotonic()
        portions.load(transit.added((), now))
        ruleset.apply(self._edge, transit, now + time.monotonic() - started)
        self._counted = [part.name for part in transit.parts if part.kind == "set" and " dynamic" in part.text]

    def shift(self, transit: Ruleset, now: float) -> None:
        """Bring what agreements open to another time, as `gatewayd` does every minute."""
        ruleset.settle(transit, now)

    def forget(self) -> None:
        """Forget flows and sources, as if nothing had been sent yet: no limit is reached by what came before."""
        request = struct.pack("=IHHIIBBH", 20, FLUSH_FLOWS, REQUEST | ACK, 1, 0, socket.AF_UNSPEC, 0, 0)
        self._netfilter.send(request)
        answer = self._netfilter.recv(4096)
        kind, code = int.from_bytes(answer[4:6], "little"), struct.unpack_from("=i", answer, 16)[0]
        if kind != ERROR or code:
            raise ProofError(f"the flows of the throw-away network cannot be ended: {os.strerror(-code)}")
        if self._counted:
            context = nftables.Nftables()
            code, _, said = context.cmd("".join(f"flush set inet {TABLE} {name}\n" for name in self._counted))
            if code:
                raise ProofError(f"the limits of the throw-away network cannot be reset: {said}")

    def cross(self, sent: Sequence[tuple[int, Packet]]) -> dict[int, tuple[str, Seen]]:
        """Send packets with their tags from the hosts of their zones; return by tag where each came out, and how."""
        found: dict[int, tuple[str, Seen]] = {}
        for start in range(0, len(sent), TOGETHER):
            for tag, packet in sent[start : start + TOGETHER]:
                self._links[packet.zone].send(frames.build(packet, tag, _MAC))
            self._settle()
            for zone, link in self._links.items():
                found.update({seen.tag: (zone, seen) for seen in _arrived(link)})
        return found

    def _build(self, network: Network) -> None:
        hosts = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._open.callback(os.close, hosts)
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")  # the far ends speak when they are told
        with IPRoute() as route:
            _pair(route, "first", "second")
        self._first, self._second = (self._socket(name) for name in ("first", "second"))
        unshare(CLONE_NEWNET)
        with Path("/proc/thread-self/ns/net").open("rb") as inside, IPRoute() as route:
            (loopback,) = route.link_lookup(ifname="lo")
            route.link("set", index=loopback, state="up")
            names = {zone.interfaces[0]: zone.name for zone in self._edge.zones}
            for number, name in enumerate(names):
                far = f"zone{number}"
                _pair(route, name, far, hosts)
                setns(hosts)
                try:
                    with IPRoute() as there:
                        (index,) = there.link_lookup(ifname=far)
                        there.link("set", index=index, state="up")
                    self._links[names[name]] = self._socket(far)
                finally:
                    setns(inside.fileno())
        self._netfilter = self._open.enter_context(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER))
        self._netfilter.settimeout(PATIENCE_MS / 1000)
        sysctl.write(sysctl.settings(names))
        asyncio.run(_configure(replace(network, links=())))

    def _socket(self, name: str) -> socket.socket:
        made = self._open.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        made.bind((name, ALL))
        made.setblocking(False)
        return made

    def _settle(self) -> None:
        """Wait until everything sent has been decided about and has come out."""
        for step in (b"decided", b"come out"):
            self._first.send(bytes(12) + EXPERIMENT.to_bytes(2, "big") + step.ljust(46, b"\0"))
            while not any(step in frame for frame in _frames(self._second)):
                if not select.select([self._second], [], [], PATIENCE_MS / 1000)[0]:
                    raise ProofError("packets do not come through the throw-away network: is this machine overloaded?")


def _pair(route: Any, near: str, far: str, hosts: int | None = None) -> None:  # noqa: ANN401 - pyroute2 has no types
    """Make a link; its far end goes into the namespace of ``hosts``."""
    route.link("add", ifname=near, kind="veth", address=EDGE_MAC, peer={"ifname": far})
    for name in (near, far):
        (index,) = route.link_lookup(ifname=name)
        if name == far and hosts is not None:
            route.link("set", index=index, net_ns_fd=hosts)
        else:
            # nobody answers for neighbours at the far end, and nobody is asked
            route.link("set", index=index, arp=False, state="up")


async def _configure(network: Network) -> None:
    kernel = Kernel()
    try:
        await kernel.apply(plan(await kernel.read(), network).build)
    finally:
        kernel.close()


def _frames(link: socket.socket) -> Iterable[bytes]:
    with contextlib.suppress(BlockingIOError):
        while True:
            frame, where = link.recvfrom(2048)
            if where[2] != socket.PACKET_OUTGOING:
                yield frame


def _arrived(link: socket.socket) -> list[Seen]:
    found = [seen for frame in _frames(link) if (seen := frames.read(frame))]
    _, lost = struct.unpack("=II", link.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    if lost:
        raise ProofError(f"{lost} packets were lost before they could be seen: is this machine overloaded?")
    return found
