"""Places of a route: what a lead turns out to be, and where no name may lead."""

from __future__ import annotations

import pytest

from b2bua.call.attempts import MAX_ATTEMPTS, Attempt, attempts
from b2bua.call.dialled import Dialled
from b2bua.call.plan import Plan
from b2bua.call.registrar import Binding, Place
from b2bua.call.route import Lead, Route
from b2bua.locate import Destination
from b2bua.sip import Flow, Target
from vdx.access import PeerAccess
from vdx.control import PeerTls, Signalling, SipListener, SipPeer
from vdx.dialplan import Dialling, HostTarget, PeerDial

HOST = HostTarget("sip.clinic.example")
LISTENERS = tuple(
    SipListener(zone, transport, host, port, host, port)  # type: ignore[arg-type]
    for zone, host in (("internet", "192.0.2.10"), ("sdn", "198.18.0.10"))
    for transport, port in (("udp", 5060), ("tcp", 5060), ("tls", 5061))
)
EDGE, DEVICE = ("192.0.2.10", 5061), ("1.1.1.1", 5061)
OWN = ("192.0.2.10", "192.0.2.130", "198.18.0.10", "8.8.8.8")


def peer(zone: str = "internet", *reach: str, tls: PeerTls | None = None) -> SipPeer:
    return SipPeer("clinic", zone, (), 4, tls=tls, dial=PeerDial(host=HOST, reach=reach))


def places(clinic: SipPeer, *found: Destination) -> list[Attempt]:
    plan = Plan("v1", Signalling(LISTENERS, (clinic,), (), 10, dial=Dialling(own=OWN)))
    route = Route((Lead(clinic, "desk", HOST),), Dialled("desk", "", ours=True), "site:1")
    return attempts(route, plan, {HOST: found}, lambda _peer, _user: [], lambda _place: False)


def at(host: str) -> Destination:
    return Destination("udp", host, 5060)


@pytest.mark.parametrize(
    ("zone", "reach", "host", "reached"),
    [
        ("internet", (), "1.1.1.1", True),
        ("internet", (), "10.0.0.1", False),
        ("internet", (), "100.64.0.1", False),
        ("internet", (), "127.0.0.1", False),
        ("internet", (), "169.254.169.254", False),
        ("internet", (), "224.0.0.1", False),
        ("internet", (), "8.8.8.8", False),  # our own
        ("internet", ("198.51.100.0/24",), "198.51.100.7", True),
        ("internet", ("198.51.100.0/24",), "1.1.1.1", False),
        ("internet", ("0.0.0.0/0",), "192.0.2.130", False),
        ("sdn", (), "10.0.0.1", True),
        ("sdn", (), "127.0.0.1", False),
        ("sdn", (), "224.0.0.1", False),
        ("sdn", (), "198.18.0.10", False),
    ],
)
def test_where_a_name_may_lead(zone: str, reach: tuple[str, ...], host: str, reached: bool) -> None:
    assert bool(places(peer(zone, *reach), at(host))) is reached


@pytest.mark.parametrize(
    ("tls", "names", "server_name"),
    [
        (None, {"sip.clinic.example"}, "sip.clinic.example"),
        (PeerTls(names=("clinic.example",)), {"clinic.example"}, "sip.clinic.example"),
        (PeerTls(server_name="edge.clinic.example"), {"edge.clinic.example"}, "edge.clinic.example"),
    ],
)
def test_over_tls_the_certificate_carries_the_name_that_was_looked_up(
    tls: PeerTls | None, names: set[str], server_name: str
) -> None:
    (place,) = places(peer(tls=tls), Destination("tls", "1.1.1.1", 5061, "sip.clinic.example"))
    assert isinstance(place.to, Target)
    assert place.to.wanted is not None
    assert (set(place.to.wanted.names), place.to.wanted.server_name) == (names, server_name)


def test_what_no_listener_of_ours_reaches_is_left_out() -> None:
    assert places(peer(), Destination("udp", "2606:4700::1111", 5060)) == []


@pytest.mark.parametrize(("secure", "over"), [(False, ["udp", "tls", "tcp"]), (True, ["tls"])])
def test_a_call_to_sips_reaches_a_device_over_tls_alone(secure: bool, over: list[str]) -> None:
    rooms = SipPeer("rooms", "internet", (), 4, access=PeerAccess(registers=True))
    plan = Plan("v1", Signalling(LISTENERS, (rooms,), (), 10))
    route = Route((Lead(rooms, "or-1"),), Dialled("or-1", "", ours=True, secure=secure), "site:1")

    def registered(_peer: str, _user: str) -> list[Place]:
        flows = [Flow(transport, EDGE, DEVICE, "internet", 1, EDGE) for transport in ("udp", "tls", "tcp")]
        return [Place(binding(flow), flow, "sip:or-1@1.1.1.1", ()) for flow in flows]

    assert [one.to.transport for one in attempts(route, plan, {}, registered, lambda _place: False)] == over


def binding(flow: Flow) -> Binding:
    way = ("internet", flow.transport, flow.local, flow.remote)
    return Binding("rooms", "or-1", flow.transport, "sip:or-1@1.1.1.1", 600.0, 0.0, "c", 1, *way)


def test_there_is_an_end() -> None:
    assert len(places(peer(), *(at(f"1.1.1.{number}") for number in range(1, 100)))) == MAX_ATTEMPTS
