"""Brute force and scanners: banned by the kernel where they cannot be forged, never otherwise, and never a peer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.topology import SIP_PORT
from tests.peers.agent import Agent
from tests.peers.wires import Transport
from tests.system.access.room import Room
from tests.system.calls.edge import ASK_SECONDS, Edge, sip, wait_for
from vdx.control import BanList, Bans, Unban

pytestmark = pytest.mark.system

PORT = SIP_PORT + 9
GUESSES = 12  # more than twice what a ban takes
BAN_SECONDS = 10.0  # until a ban that was asked for must be seen


def banned(edge: Edge) -> list[str]:
    """Return the addresses that the kernel drops."""
    found: list[str] = []
    for name in ("ban4", "ban6"):
        command = ["nft", "--json", "list", "set", "inet", "edge", name]
        objects = json.loads(edge.host("edge").run(command, timeout=ASK_SECONDS).stdout)["nftables"]
        elements = [one["set"].get("elem", []) for one in objects if "set" in one]
        found += [one["elem"]["val"] for each in elements for one in each]
    return found


def dropped(edge: Edge) -> int:
    """Return how many packets of banned sources the kernel has dropped."""
    command = ["nft", "--json", "list", "counter", "inet", "edge", "banned"]
    objects = json.loads(edge.host("edge").run(command, timeout=ASK_SECONDS).stdout)["nftables"]
    return next(int(one["counter"]["packets"]) for one in objects if "counter" in one)


@contextmanager
def guesser(edge: Edge, host: str, transport: Transport) -> Iterator[Room]:
    """Give somebody who does not know the password, from an IPv6 network of his own."""
    place = edge.host(host)
    with Agent(place, place.address(6), PORT, transport, "room-1") as agent:
        yield Room(agent, sip(edge.address("internet", 6)), "room-1", "no idea")


def test_a_brute_forcer_over_a_connection_is_banned(edge: Edge) -> None:
    with guesser(edge, "clinic", "tcp") as mallory:
        try:
            challenge = mallory.ask()
            for _ in range(4):
                mallory.log_in(challenge)
                challenge = mallory.agent.expect(401)
            assert banned(edge) == []
            mallory.log_in(challenge)
            address = mallory.agent.address
            wait_for(lambda: banned(edge) == [address], BAN_SECONDS, lambda: f"{banned(edge)}, {edge.status()}")
            listed = edge.ask(Bans(1))
            assert isinstance(listed, BanList)
            assert list(listed.bans) == [address]
            mallory.log_in(challenge)
            wait_for(lambda: dropped(edge) > 0, BAN_SECONDS, lambda: "no packet of the banned was dropped")
        finally:
            edge.ask(Unban(1, mallory.agent.address))


def test_a_brute_forcer_over_udp_is_silenced_but_never_banned(edge: Edge) -> None:
    with guesser(edge, "home", "udp") as mallory:
        challenge = mallory.ask()
        for _ in range(5):
            mallory.log_in(challenge)
            challenge = mallory.agent.expect(401)
        for _ in range(GUESSES):
            mallory.log_in(challenge)
        mallory.agent.expect_nothing()
        assert banned(edge) == []


def test_a_peer_is_never_banned_whatever_it_does(edge: Edge) -> None:
    place = edge.host("municipality")
    with Agent(place, place.address(4), PORT, "tcp", "municipality") as agent:
        peer = Room(agent, sip(edge.address("sdn")), "municipality", "no idea")
        for _ in range(GUESSES):
            agent.request(peer.call, "OPTIONS", more=[("User-Agent", "friendly-scanner")])
            agent.expect(200)
        assert banned(edge) == []
