"""The firewall with real packets: what reaches the gateway itself, what it sends, and what passes through."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from nft.kernel import Kernel
from tests.nft import frames
from tests.nft.conftest import PAYLOAD
from tests.nft.topology import Network, address, inside

pytestmark = pytest.mark.system

VERSIONS = pytest.mark.parametrize("version", [4, 6], ids=["ipv4", "ipv6"])


def at(zone: str, host: int, version: int, port: int) -> tuple[str, int]:
    return str(address(zone, host, version)), port


def tcp(net: Network, zone: str, version: int) -> socket.socket:
    with inside(net.names[zone]):
        made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    made.settimeout(0.3)
    return made


def gateway_udp(net: Network, zone: str, version: int, port: int) -> socket.socket:
    with inside(net.names["gw"]):
        made = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(0.3)
    made.bind(at(zone, 1, version, port))
    return made


def got(made: socket.socket) -> bytes | None:
    try:
        return made.recv(2000)
    except TimeoutError:
        return None


def counted(net: Network, table: str, name: str, action: Callable[[], object]) -> int:
    before = net.counter(table, name)
    action()
    return net.counter(table, name) - before


@VERSIONS
def test_sip_reaches_its_listener_and_is_answered(net: Network, version: int) -> None:
    with gateway_udp(net, "internet", version, 5060) as server, net.udp("internet", 2, 5070, version) as client:
        client.sendto(b"OPTIONS", at("internet", 1, version, 5060))
        server.sendto(b"200", server.recvfrom(100)[1])
        assert got(client) == b"200"


@VERSIONS
def test_sip_to_another_zones_listener_is_dropped(net: Network, version: int) -> None:
    with gateway_udp(net, "sdn", version, 5060) as server, net.udp("internet", 2, 5071, version) as client:
        sent = counted(net, "edge", "input_denied", lambda: client.sendto(b"OPTIONS", at("sdn", 1, version, 5060)))
        assert got(server) is None
        assert sent == 1


@VERSIONS
def test_a_port_without_a_listener_says_nothing(net: Network, version: int) -> None:
    with net.packets("internet") as link, net.udp("internet", 2, 5072, version) as client:
        assert counted(net, "edge", "input_denied", lambda: client.sendto(b"x", at("internet", 1, version, 161))) == 1
        assert not frames.errors(frames.arriving(link))


@VERSIONS
def test_a_media_address_answers_nothing_on_its_media_ports(net: Network, version: int) -> None:
    with gateway_udp(net, "internet", version, 45000) as server, net.udp("internet", 2, 5073, version) as client:
        assert counted(net, "media", "unknown", lambda: client.sendto(b"x", at("internet", 1, version, 45000))) == 1
        assert got(server) is None


@VERSIONS
def test_a_service_answers_its_sources_only(net: Network, version: int) -> None:
    with tcp(net, "gw", version) as server:
        server.bind(at("core", 1, version, 22))
        server.listen(4)
        with tcp(net, "core", version) as client:
            client.bind(at("core", 2, version, 0))
            client.connect(at("core", 1, version, 22))
        with tcp(net, "core", version) as stranger:
            stranger.bind(at("core", 3, version, 0))
            with pytest.raises(TimeoutError):
                stranger.connect(at("core", 1, version, 22))
        with tcp(net, "sdn", version) as outsider, pytest.raises(TimeoutError):
            outsider.connect(at("core", 1, version, 22))


@VERSIONS
def test_nothing_is_routed_between_zones(net: Network, version: int) -> None:
    with net.udp("sdn", 2, 5074, version) as inner, net.udp("internet", 2, 5075, version) as outer:
        sent = counted(net, "edge", "forward_denied", lambda: inner.sendto(b"x", outer.getsockname()[:2]))
        assert got(outer) is None
        assert sent == 1


@VERSIONS
def test_the_gateway_sends_only_what_it_needs(net: Network, version: int) -> None:
    with net.udp("internet", 2, 9999, version) as outer, gateway_udp(net, "internet", version, 9998) as program:
        with pytest.raises(PermissionError):
            program.sendto(b"x", at("internet", 2, version, 9999))
        assert got(outer) is None
    with gateway_udp(net, "internet", version, 5060) as sip, net.udp("internet", 2, 5076, version) as peer:
        sip.sendto(b"INVITE", at("internet", 2, version, 5076))
        assert got(peer) == b"INVITE"


@VERSIONS
def test_sip_over_tcp_leaves_from_the_listeners_address(net: Network, version: int) -> None:
    with tcp(net, "internet", version) as peer, tcp(net, "gw", version) as client:
        peer.bind(at("internet", 2, version, 5060))
        peer.listen(1)
        client.bind(at("internet", 1, version, 0))
        client.connect(at("internet", 2, version, 5060))


@VERSIONS
def test_a_spared_source_is_heard_although_it_is_banned(net: Network, kernel: Kernel, version: int) -> None:
    spared = address("internet", 3, version)
    with gateway_udp(net, "internet", version, 5060) as server, net.udp("internet", 3, 5090, version) as client:
        kernel.ban(spared, 60)
        client.sendto(b"1", at("internet", 1, version, 5060))
        assert got(server) == b"1"
        assert kernel.bans() == {spared: pytest.approx(60, abs=5)}
        kernel.unban(spared)


@VERSIONS
def test_a_ban_drops_a_source_until_it_runs_out(net: Network, kernel: Kernel, version: int) -> None:
    banned = address("internet", 4, version)
    with gateway_udp(net, "internet", version, 5060) as server, net.udp("internet", 4, 5077, version) as client:
        to = at("internet", 1, version, 5060)
        client.sendto(b"1", to)
        assert got(server) == b"1"
        kernel.ban(banned, 60)
        kernel.ban(banned, 50)
        assert kernel.bans() == {banned: pytest.approx(50, abs=5)}
        assert counted(net, "edge", "banned", lambda: client.sendto(b"2", to)) == 1
        assert got(server) is None, "an established flow is cut as well"
        kernel.unban(banned)
        client.sendto(b"3", to)
        assert got(server) == b"3"
        kernel.ban(banned, 0.2)
        assert got(server) is None  # 0.3 s
        client.sendto(b"4", to)
        assert got(server) == b"4"
        assert kernel.bans() == {}


@VERSIONS
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (("sdn", 2), "spoofed"),  # routed elsewhere
        (("internet", 1), "spoofed"),  # our own address
        (("core", 1), "spoofed"),  # our own address of another zone
        (None, "martian"),
    ],
)
def test_a_forged_source_is_dropped(net: Network, version: int, source: tuple[str, int] | None, reason: str) -> None:
    forged = str(address(*source, version)) if source else ("240.0.0.1" if version == 4 else "::ffff:9.9.9.9")
    frame = frames.udp("internet", (forged, 5060), at("internet", 1, version, 5060), b"forged")
    with gateway_udp(net, "internet", version, 5060) as server, net.packets("internet") as link:
        if source == ("sdn", 2):
            # the zone's own table has a default route, so every unicast address may come from there but what is ours
            net.gateway("ip", f"-{version}", "route", "add", "blackhole", _prefix("sdn", version), "table", "102")
        try:
            dropped = counted(net, "edge", reason, lambda: link.send(frame))
        finally:
            if source == ("sdn", 2):
                net.gateway("ip", f"-{version}", "route", "del", _prefix("sdn", version), "table", "102")
        assert got(server) is None
    assert dropped == 1


def _prefix(zone: str, version: int) -> str:
    return str(address(zone, 0, version)) + ("/24" if version == 4 else "/64")


@VERSIONS
def test_a_flood_of_new_flows_from_one_source_is_cut(net: Network, version: int) -> None:
    with net.packets("sdn") as link:
        target = at("sdn", 1, version, 5060)
        made = [frames.udp("sdn", at("sdn", 3, version, port), target, b"x") for port in range(1024, 1624)]

        def flood() -> None:
            for frame in made:
                link.send(frame)

        assert counted(net, "edge", "flood", flood) > 200


def flood(link: socket.socket, made: list[bytes], count: int) -> None:
    for number in range(count):
        link.send(made[number % len(made)])


@VERSIONS
def test_a_flood_within_one_flow_is_cut(net: Network, version: int) -> None:
    target = at("sdn", 1, version, 5060)
    with gateway_udp(net, "sdn", version, 5060) as server, net.packets("sdn") as link:
        frame = frames.udp("sdn", at("sdn", 4, version, 5090), target, b"x")
        link.send(frame)
        server.sendto(b"200", server.recvfrom(100)[1])  # from now on its packets are established
        assert counted(net, "edge", "sip_flood", lambda: flood(link, [frame], 5_000)) == 0  # a trunk after an outage
        assert counted(net, "edge", "sip_flood", lambda: flood(link, [frame], 30_000)) > 0


@VERSIONS
@pytest.mark.parametrize(("counter", "count"), [("flood", 600), ("sip_flood", 30_000)])
def test_a_flood_forged_in_one_zone_leaves_the_source_its_own_zone(
    net: Network, version: int, counter: str, count: int
) -> None:
    with gateway_udp(net, "sdn", version, 5060) as server, net.packets("internet") as link:
        forged = frames.udp("internet", at("sdn", 2, version, 5091), at("internet", 1, version, 5060), b"x")
        assert counted(net, "edge", counter, lambda: flood(link, [forged], count)) > 0
        with net.udp("sdn", 2, 5091, version) as client:
            client.sendto(b"OPTIONS", at("sdn", 1, version, 5060))
            assert got(server) == b"OPTIONS"


@pytest.mark.parametrize(("counter", "count"), [("flood", 600), ("sip_flood", 30_000)])
def test_many_addresses_of_one_subnet_are_one_source(net: Network, counter: str, count: int) -> None:
    target = at("core", 1, 6, 5060)
    made = [frames.udp("core", (f"2001:db8:3::f:{number:x}", 5092), target, b"x") for number in range(1, 101)]
    with gateway_udp(net, "core", 6, 5060), net.packets("core") as link:
        assert counted(net, "edge", counter, lambda: flood(link, made, count)) > 0


@VERSIONS
def test_pings_are_answered_within_measure(net: Network, version: int) -> None:
    source, target = str(address("core", 2, version)), str(address("core", 1, version))
    requests = [frames.echo("core", source, target, number) for number in range(200)]
    with net.packets("core") as link:
        for request in requests:
            link.send(request)
        answers = frames.echoes(frames.arriving(link))
    assert 1 <= answers < 150


def test_neighbours_are_found_and_only_on_the_link(net: Network) -> None:
    source, target = str(address("core", 2, 6)), str(address("core", 1, 6))
    with net.packets("core") as link:
        link.send(frames.solicitation("core", source, target, hops=64))
        assert not frames.advertisements(frames.arriving(link))
        link.send(frames.solicitation("core", source, target, hops=255))
        assert frames.advertisements(frames.arriving(link)) == [target]


def test_a_thousand_lookups_from_the_gateway_are_all_answered(net: Network) -> None:
    lookups = 1000
    with net.udp("core", 2, 53) as server:
        server.settimeout(5)

        def answer() -> None:
            for _ in range(lookups):
                question, client = server.recvfrom(512)
                server.sendto(question, client)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        answered = 0
        for number in range(lookups):
            with inside(net.names["gw"]), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(1)
                client.sendto(b"%d" % number, at("core", 2, 4, 53))
                answered += client.recv(512) == b"%d" % number
                assert client.getsockname()[1] < 40000
        thread.join(5)
    assert answered == lookups


@VERSIONS
def test_a_mark_set_by_a_host_means_nothing(net: Network, version: int) -> None:
    with net.udp("sdn", 2, 5078, version) as inner, net.udp("internet", 2, 5079, version) as outer:
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0x02049C40)
        inner.sendto(PAYLOAD, outer.getsockname()[:2])
        assert got(outer) is None
