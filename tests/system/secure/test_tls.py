"""Calls over TLS between scripted agents, both ways across the edge: what holds over UDP and TCP holds here too."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event

import pytest
import yaml
from cryptography import x509

from lab.authority import Authority
from lab.keys import issue_edge
from lab.site import ROOT_FILE
from lab.topology import DOMAIN
from tests.peers import sdp
from tests.peers.agent import PATIENCE
from tests.system.calls.crossing import Crossing
from tests.system.calls.edge import wait_for
from vdx.control import Ok, Reload

pytestmark = pytest.mark.system

LONG = 4 * PATIENCE
TURN = 0.05
"""Seconds in which a peer that is not waited for looks at its sockets."""

LOAD = 4
"""Who makes connections at the same time while certificates are renewed."""

RENEWALS = 3


def wait_until_hung_up(crossing: Crossing, address: str) -> None:
    """Wait until the edge has closed every connection with an address: what it sends before is lost.

    One in close-wait is closed by the other end alone: the kernel knows, and the edge has not read it yet.
    """
    deadline = time.monotonic() + LONG
    command = ["ss", "-Htn", "state", "established", "state", "close-wait", "dst", address]
    while crossing.edge.host("edge").run(command, timeout=LONG).stdout.strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_call_and_its_end_from_either_side(crossing: Crossing) -> None:
    for ends in ("left", "right"):
        with crossing.agents() as (left, right):
            call = crossing.establish(left, right)
            assert [one.address for one in call.told_right] == [crossing.edge_right] * 3
            assert [one.address for one in call.told_left] == [crossing.edge_left] * 3
            assert call.invite["Via"].startswith("SIP/2.0/TLS ")
            assert "transport=tls" in call.invite["Contact"]
            first, second, dialog = (left, right, call.left) if ends == "left" else (right, left, call.right)
            first.bye(dialog)
            second.reply(second.expect("BYE"), 200)
            first.expect(200)
            crossing.check_hidden(left, right)


def test_a_change_of_the_session(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.request(call.left, "INVITE", body=crossing.offer("sendonly", version=2))
        again = right.expect("INVITE")
        assert sdp.read(again.body)[0].direction == "sendonly"
        right.reply(again, 200, call=call.right, body=crossing.answer("recvonly", version=2))
        left.ack(call.left, left.expect(200))
        right.expect("ACK")
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_a_call_that_is_given_up(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        theirs = right.accept(invite)
        right.reply(invite, 180, call=theirs)
        left.expect(180)
        left.cancel(call)
        cancel = right.expect("CANCEL")
        right.reply(cancel, 200)
        right.reply(invite, 487, call=theirs)
        right.expect("ACK")
        assert sorted(one.status for one in left.expect_each(200, 487)) == [200, 487]


def test_a_refusal(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.invite(left, crossing.offer())
        invite = right.expect("INVITE")
        right.reply(invite, 486, call=right.accept(invite))
        left.ack(call, left.expect(486))
        right.expect("ACK")


def test_a_call_goes_on_over_another_connection(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        right.wire.hang_up()  # type: ignore[attr-defined]
        wait_until_hung_up(crossing, crossing.right_address)
        left.bye(call.left)
        right.reply(right.expect("BYE", within=LONG), 200)  # the edge came back to where it had called
        left.expect(200)


def test_the_caller_comes_back_over_another_connection(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.wire.hang_up()  # type: ignore[attr-defined]
        left.bye(call.left)  # the wire opens a connection of the same certificate
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def test_nobody_else_takes_a_call_over(crossing: Crossing) -> None:
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        left.wire.close()
        with crossing.agent(crossing.left, crossing.left_address, crossing.caller, "municipality") as thief:
            bye = thief.request(call.left, "BYE")
            assert bye.method == "BYE"
            thief.expect(481)
        right.bye(call.right)
        right.expect(200)


def test_the_callee_shows_another_certificate(crossing: Crossing) -> None:
    with (
        crossing.agent(crossing.left, crossing.left_address, crossing.caller) as left,
        crossing.agent(crossing.right, crossing.right_address, crossing.callee, "municipality") as right,
    ):
        log = crossing.edge.lab.state.logs / "b2bua.log"
        before = len(log.read_text())
        call = crossing.invite(left, crossing.offer())

        def turned_away() -> bool:
            right.expect_nothing(TURN)  # it has to take its part in the handshake
            return "municipality.lab.example, not for" in log.read_text()[before:]

        wait_for(turned_away, LONG, lambda: log.read_text()[before:])
        left.ack(call, left.expect(500, within=LONG))
        assert not right.received


def test_a_certificate_of_somebody_else_is_turned_away(crossing: Crossing) -> None:
    keys = crossing.edge.lab.state.keys
    other = Authority(keys / "other", "Other Root")
    pair = other.issue("stranger", [f"{crossing.caller}.lab.example"])
    with crossing.agents() as (left, right):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(keys / ROOT_FILE)
        context.load_cert_chain(pair.certificate, pair.key)
        raw = crossing.left.socket(kind=socket.SOCK_STREAM)
        raw.settimeout(LONG)
        raw.connect(crossing.hop)
        heard = b""
        with suppress(OSError), context.wrap_socket(raw) as secure:  # TLS 1.3: the client is refused after its part
            secure.sendall(b"\r\n\r\n")
            heard = secure.recv(100)
        assert heard == b""
        call = crossing.establish(left, right)  # and the edge goes on
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


def serial(crossing: Crossing) -> int:
    """Return the serial number of the certificate that the edge shows to the caller."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(crossing.edge.lab.state.keys / ROOT_FILE)
    raw = crossing.left.socket(kind=socket.SOCK_STREAM)
    raw.settimeout(LONG)
    raw.connect(crossing.hop)
    with context.wrap_socket(raw) as secure:
        shown = secure.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def reload(crossing: Crossing) -> None:
    """Have the edge read its site file and its certificates again."""
    answer = crossing.edge.ask(Reload(1))
    assert isinstance(answer, Ok), answer


def test_certificates_are_renewed_under_a_call(crossing: Crossing) -> None:
    keys = crossing.edge.lab.state.keys
    authority = crossing.edge.lab.authority
    assert authority is not None
    with crossing.agents() as (left, right):
        call = crossing.establish(left, right)
        before = serial(crossing)
        pair = issue_edge(crossing.edge.lab.topology, authority)
        assert pair.certificate.parent == keys
        reload(crossing)
        assert before != serial(crossing) == pair.serial
        left.bye(call.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
        second = crossing.establish(left, right)
        left.bye(second.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)


@contextmanager
def ending(over: Event) -> Iterator[None]:
    """Set an event at the end, whatever happens: threads wait for it."""
    try:
        yield
    finally:
        over.set()


def shake(crossing: Crossing, over: Event) -> list[int]:
    """Make connections, one after another, until it is over; give the serial number that each was shown."""
    shown = [serial(crossing)]
    while not over.is_set():
        shown.append(serial(crossing))
    return shown


def test_certificates_are_renewed_under_load(crossing: Crossing) -> None:
    """Connections are made and calls set up all the while; each is shown one pair or the next, and a call goes on."""
    authority = crossing.edge.lab.authority
    assert authority is not None
    over = Event()
    with crossing.agents() as (left, right), ThreadPoolExecutor(LOAD) as pool, ending(over):
        standing = crossing.establish(left, right)
        valid = [serial(crossing)]
        load = [pool.submit(shake, crossing, over) for _ in range(LOAD)]
        for _ in range(RENEWALS):
            valid.append(issue_edge(crossing.edge.lab.topology, authority).serial)
            reload(crossing)
            assert serial(crossing) == valid[-1]
            call = crossing.establish(left, right)
            left.bye(call.left)
            right.reply(right.expect("BYE"), 200)
            left.expect(200)
        over.set()
        shown = [each.result() for each in load]
        left.bye(standing.left)
        right.reply(right.expect("BYE"), 200)
        left.expect(200)
    for each in shown:
        order = [valid.index(number) for number in each]  # no other certificate was ever shown
        assert order == sorted(order), "and none again that another had taken the place of"


def test_a_peer_is_known_by_its_certificate_wherever_it_is(crossing: Crossing) -> None:
    """The caller's addresses are taken out of the site file; its certificate alone lets it in."""
    path = crossing.edge.lab.state.site
    before = path.read_text()
    site = yaml.safe_load(before)
    peer = site["peers"][crossing.caller]
    del peer["sources"]
    peer["certificate"] = {"names": [f"{crossing.caller}.{DOMAIN}"], "subject": {"serialNumber": crossing.caller}}
    path.write_text(yaml.safe_dump(site, sort_keys=False))
    try:
        reload(crossing)
        with crossing.agents() as (left, right):
            call = crossing.establish(left, right)
            left.bye(call.left)
            right.reply(right.expect("BYE"), 200)
            left.expect(200)
        with crossing.agent(crossing.left, crossing.left_address, crossing.caller, "municipality") as other:
            crossing.invite(other, crossing.offer())
            other.expect(403)
    finally:
        path.write_text(before)
        reload(crossing)
