"""The registrar: what a REGISTER does, and where calls go then."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua import sip
from b2bua.call.contacts import MAX_CONTACT, MAX_PATH
from b2bua.call.registrar import Binding, Registrar
from vdx.access import AccessRules

EDGE = ("192.0.2.1", 5060)
UDP = sip.Flow("udp", EDGE, ("198.51.100.9", 5060), "internet", 1, EDGE)
NAT = sip.Flow("udp", EDGE, ("203.0.113.9", 33_333), "internet", 1, EDGE)
TCP = sip.Flow("tcp", EDGE, ("198.51.100.9", 40_001), "internet", 7, EDGE)
WSS = sip.Flow("wss", EDGE, ("198.51.100.9", 40_002), "internet", 8, EDGE)
RULES = AccessRules(shortest=60, usual=600, longest=3600, per_user=3, in_all=5)
INSTANCE = '"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
T = 1_800_000_000.0


def register(
    *lines: str, contact: str | None = "<sip:room@198.51.100.9>", to: str = "room", call: str = "a", number: int = 1
) -> sip.Request:
    text = (
        f"REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nTo: <sip:{to}@192.0.2.1>\r\n"
        f"From: <sip:{to}@192.0.2.1>;tag=1\r\nCall-ID: {call}\r\nCSeq: {number} REGISTER\r\nUser-Agent: Cisco/1\r\n"
    )
    text += "".join(f"Contact: {contact}\r\n" for contact in ([contact] if contact else []))
    read = sip.parse((text + "".join(f"{line}\r\n" for line in lines) + "Content-Length: 0\r\n\r\n").encode())
    assert isinstance(read, sip.Request)
    return read


def refused(registrar: Registrar, request: sip.Request, wall: float = T, flow: sip.Flow = UDP) -> sip.Refusal:
    before = registrar.listed(wall)
    registrar.changes()
    with pytest.raises(sip.Refusal) as refusal:
        registrar.register(request, flow, "rooms", "room", wall)
    assert registrar.listed(wall) == before
    assert [change for change in registrar.changes() if change.binding] == []
    return refusal.value


def test_a_device_is_found_where_it_registered() -> None:
    made = Registrar(RULES)
    done = made.register(register(), UDP, "rooms", "Room", T)
    assert done.contacts == ("<sip:room@198.51.100.9>;expires=600",)
    (place,) = made.find("rooms", "ROOM", T + 599)
    assert (place.to, place.uri, place.route) == (UDP, "sip:room@198.51.100.9", ())
    assert made.find("rooms", "room", T + 600) == []
    assert made.find("others", "room", T) == []
    assert len(made) == 0


def test_behind_a_nat_it_is_reached_where_it_speaks_from() -> None:
    made = Registrar(RULES)
    made.register(register(contact="<sip:room@10.0.0.5:5060>"), NAT, "rooms", "room", T)
    (place,) = made.find("rooms", "room", T)
    assert (place.to, place.uri) == (NAT, "sip:room@10.0.0.5:5060")


def test_nobody_registers_a_third_partys_address_as_his_own() -> None:
    made = Registrar(RULES)
    made.register(register(contact="<sip:room@192.0.2.200:5060>"), UDP, "rooms", "room", T)
    assert [place.to for place in made.find("rooms", "room", T)] == [UDP]


def test_a_device_that_listens_on_another_port_is_called_there() -> None:
    made = Registrar(RULES)
    made.register(register(contact="<sip:room@198.51.100.9:5070>"), UDP, "rooms", "room", T)
    (place,) = made.find("rooms", "room", T)
    assert place.to == sip.Target("internet", "udp", "198.51.100.9", 5070, EDGE[0])


def test_a_connection_is_used_while_it_is_there_and_opened_anew_where_that_can_be() -> None:
    made = Registrar(RULES)
    made.register(register(contact="<sip:room@198.51.100.9;transport=tcp>"), TCP, "rooms", "room", T)
    assert made.find("rooms", "room", T)[0].to == TCP
    made.flow_closed(TCP)
    assert made.find("rooms", "room", T)[0].to == sip.Target("internet", "tcp", "198.51.100.9", 5060, EDGE[0])
    made.register(register(contact="<sip:x@y.invalid;transport=ws>", number=2), WSS, "rooms", "room", T)
    made.register(
        register(contact="<sip:room@198.51.100.9;transport=tcp>;expires=0", number=3), TCP, "rooms", "room", T
    )
    made.flow_closed(WSS)
    assert made.find("rooms", "room", T) == []
    assert [one.connected for one in made.listed(T)] == [False]


def test_nobody_registers_for_another_user() -> None:
    assert refused(Registrar(RULES), register(to="boss")).status == 403


def test_times() -> None:
    made = Registrar(RULES)
    brief = refused(made, register("Expires: 59"))
    assert (brief.status, [*brief.headers]) == (423, [("Min-Expires", "60")])
    assert "expires=60" in made.register(register("Expires: 60"), UDP, "rooms", "room", T).contacts[0]
    asked = register("Expires: 60", contact="<sip:room@198.51.100.9>;expires=9999", number=2)
    assert "expires=3600" in made.register(asked, UDP, "rooms", "room", T).contacts[0]
    odd = register("Expires: soon", contact="<sip:room@198.51.100.9>;expires=later", number=3)
    assert "expires=600" in made.register(odd, UDP, "rooms", "room", T).contacts[0]


def test_a_guest_is_registered_no_longer_than_his_token_counts() -> None:
    made = Registrar(RULES)
    assert "expires=90" in made.register(register(), UDP, "guests", "room", T, T + 90).contacts[0]
    assert made.find("guests", "room", T + 90) == []


def test_asking_changes_nothing() -> None:
    made = Registrar(RULES)
    made.register(register(), UDP, "rooms", "room", T)
    made.changes()
    assert made.register(register(contact=None, number=2), UDP, "rooms", "room", T + 100).contacts == (
        "<sip:room@198.51.100.9>;expires=500",
    )
    assert made.changes() == []


def test_a_device_leaves() -> None:
    made = Registrar(RULES)
    made.register(register(), UDP, "rooms", "room", T)
    assert made.register(register("Expires: 0", number=2), UDP, "rooms", "room", T).contacts == ()
    assert [change.binding is None for change in made.changes()] == [False, True]
    assert made.register(register("Expires: 0", number=3), UDP, "rooms", "room", T).contacts == ()


def test_all_devices_leave_at_once() -> None:
    made = Registrar(RULES)
    made.register(register(), UDP, "rooms", "room", T)
    made.register(register(contact="<sip:room@198.51.100.10>", call="b"), UDP, "rooms", "room", T)
    assert refused(made, register(contact="*", number=5)).status == 400
    assert refused(made, register("Expires: 60", contact="*", number=5)).status == 400
    assert refused(made, register("Expires: 0", "Contact: <sip:a@b>", contact="*", number=5)).status == 400
    assert refused(made, register("Expires: 0", contact="*", number=1)).status == 500
    assert made.register(register("Expires: 0", contact="*", number=2), UDP, "rooms", "room", T).contacts == ()
    assert len(made) == 0


def test_what_was_overtaken_changes_nothing() -> None:
    made = Registrar(RULES)
    made.register(register(number=5), UDP, "rooms", "room", T)
    assert refused(made, register(number=5)).status == 500
    assert refused(made, register("Expires: 0", number=4)).status == 500
    made.register(register(call="after a restart", number=1), UDP, "rooms", "room", T)


def test_outbound_names_a_device_by_its_instance() -> None:
    made = Registrar(RULES)
    contact = f"<sip:room@10.0.0.5;transport=tcp>;+sip.instance={INSTANCE};reg-id=1"
    done = made.register(register("Supported: path, outbound", contact=contact), TCP, "rooms", "room", T)
    assert done.headers == (("Require", "outbound"), ("Flow-Timer", "120"))
    assert done.contacts == (f"<sip:room@10.0.0.5;transport=tcp>;+sip.instance={INSTANCE};reg-id=1;expires=600",)
    moved = contact.replace("10.0.0.5", "10.0.0.6")
    again = replace(TCP, id=9, remote=("198.51.100.9", 40_009))
    made.register(register("Supported: outbound", contact=moved, call="b"), again, "rooms", "room", T)
    (place,) = made.find("rooms", "room", T)
    assert (place.to, place.uri) == (again, "sip:room@10.0.0.6;transport=tcp")
    made.flow_closed(TCP)  # the old connection goes later: nobody is on it any more
    assert [place.to for place in made.find("rooms", "room", T)] == [again]


def test_outbound_through_a_proxy_that_does_not_know_it() -> None:
    made = Registrar(RULES)
    contact = f"<sip:room@10.0.0.5>;+sip.instance={INSTANCE};reg-id=1"
    lines = ("Supported: outbound", "Via: SIP/2.0/UDP y;branch=z9hG4bKy")
    assert refused(made, register(*lines, contact=contact)).status == 439
    done = made.register(register(*lines, "Path: <sip:proxy;lr;ob>", contact=contact), UDP, "rooms", "room", T)
    assert ("Require", "outbound") in done.headers


def test_a_call_passes_the_proxies_of_path() -> None:
    made = Registrar(RULES)
    done = made.register(register("Path: <sip:p1;lr>, <sip:p2;lr>"), TCP, "rooms", "room", T)
    assert done.headers == (("Path", "<sip:p1;lr>, <sip:p2;lr>"),)
    (place,) = made.find("rooms", "room", T)
    assert (place.to, place.route) == (TCP, ("<sip:p1;lr>", "<sip:p2;lr>"))
    made.flow_closed(TCP)
    assert made.find("rooms", "room", T) == []


def test_the_preferred_place_comes_first_then_the_newest() -> None:
    made = Registrar(RULES)
    for number, (host, quality) in enumerate([("1", "0.5"), ("2", "0.9"), ("3", "0.9")]):
        contact = f"<sip:room@198.51.100.{host}>;q={quality}"
        made.register(register(contact=contact, call=host), UDP, "rooms", "room", T + number)
    assert [place.uri[-1] for place in made.find("rooms", "room", T + 9)] == ["3", "2", "1"]


def test_a_user_holds_so_many_and_the_longest_unheard_goes() -> None:
    made = Registrar(RULES)
    for number in range(5):
        made.register(
            register(contact=f"<sip:room@198.51.100.{number}>", call=f"{number}"), UDP, "rooms", "room", T + number
        )
    assert {place.uri[-1] for place in made.find("rooms", "room", T + 9)} == {"2", "3", "4"}
    many = ", ".join(f"<sip:a@198.51.100.{number}>" for number in range(4))
    assert refused(made, register(contact=many)).status == 403


def test_an_appliance_holds_so_many_and_what_is_over_makes_room() -> None:
    made = Registrar(RULES)
    for number in range(5):
        made.register(register(to=f"r{number}", call="x"), UDP, "rooms", f"r{number}", T)
    full = refused(made, register())
    assert (full.status, [*full.headers]) == (503, [("Retry-After", "60")])
    assert made.register(register(), UDP, "rooms", "room", T + 601).contacts
    assert len(made) == 1


@pytest.mark.parametrize(
    "contact",
    [
        f"<sip:{'x' * MAX_CONTACT}@y>",
        "<sip:a@b?Subject=x>",
        "<sip:a@b;x=%0d%0aVia>",
        f'<sip:a@b>;+sip.instance="{"x" * MAX_CONTACT}"',
        "<sip:a@b>, <sip:a@B>",
    ],
)
def test_contacts_that_cannot_be_kept(contact: str) -> None:
    assert refused(Registrar(RULES), register(contact=contact)).status == 400


@pytest.mark.parametrize("contact", ["<tel:+4612>", "<mailto:a@b>", "nonsense", "<sip:a@b>;reg-id=99999999999"])
def test_contacts_that_are_none(contact: str) -> None:
    made = Registrar(RULES)
    if "reg-id" in contact:
        contact += f";+sip.instance={INSTANCE}"
    with pytest.raises(sip.SipError):
        made.register(register(contact=contact), UDP, "rooms", "room", T)
    assert len(made) == 0


def test_a_path_without_end() -> None:
    assert refused(Registrar(RULES), register(*(["Path: <sip:p;lr>"] * (MAX_PATH + 1)))).status == 400
    assert refused(Registrar(RULES), register(call="c" * 300)).status == 400


def test_bindings_come_back_after_a_restart() -> None:
    made, after = Registrar(RULES), Registrar(RULES)
    made.register(register(contact="<sip:room@198.51.100.9:5060>"), UDP, "rooms", "room", T)
    made.register(register(contact="<sip:x@y.invalid;transport=ws>", call="b"), WSS, "rooms", "room", T)
    made.register(register(to="gone", call="c"), UDP, "rooms", "gone", T - 601)
    stored = [change.binding for change in made.changes() if change.binding]
    after.load(stored, T)
    assert [(change.user, change.binding) for change in after.changes()] == [("gone", None)]
    assert len(after) == 2
    assert [place.to for place in after.find("rooms", "room", T)] == [
        sip.Target("internet", "udp", "198.51.100.9", 5060, EDGE[0])
    ]
    assert (
        refused(after, register(contact="<sip:room@198.51.100.9:5060>")).status == 500
    )  # the order of CSeq holds across a restart


steps = st.tuples(
    st.sampled_from(["room", "r2"]),
    st.integers(0, 3),
    st.sampled_from([0, 60, 600]),
    st.sampled_from([UDP, TCP, WSS]),
    st.floats(0, 400),
)


@given(st.lists(steps, max_size=40))
def test_the_stored_changes_are_the_whole_truth(history: list[tuple[str, int, int, sip.Flow, float]]) -> None:
    made, wall, stored = Registrar(RULES), T, dict[tuple[str, str, str], Binding]()
    for number, (user, host, seconds, flow, passed) in enumerate(history, 1):
        wall += passed
        contact = f"<sip:{user}@198.51.100.{host}>;expires={seconds}"
        with suppress(sip.Refusal):  # there is no room
            made.register(register(contact=contact, to=user, number=number), flow, "rooms", user, wall)
        if number % 3 == 0:
            made.flow_closed(flow)
        for change in made.changes():
            if change.binding:
                stored[change.peer, change.user, change.key] = change.binding
            else:
                del stored[change.peer, change.user, change.key]
        assert len(stored) == len(made) <= RULES.in_all
    after = Registrar(RULES)
    after.load(stored.values(), wall)
    hidden = [replace_connected(one) for one in after.listed(wall)]
    assert sorted(hidden, key=str) == sorted((replace_connected(one) for one in made.listed(wall)), key=str)


def replace_connected(info: object) -> str:
    return str(info).replace("connected=False", "").replace("connected=True", "")
