"""A browser's user agent (JsSIP) at home, behind NAT, calls a hospital and is called by it, over secure WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.site import ROOT_FILE
from lab.topology import ORIGIN, SIP_PORT, WEB_PORT
from tests.peers import sdp
from tests.peers.agent import Agent
from tests.peers.browser import Browser
from tests.peers.secure import Web
from tests.system.calls.edge import Edge, sip
from tests.system.web.conftest import PASSWORD

pytestmark = pytest.mark.system

LONG = 20.0
HOSPITAL_PORTS = 31000


def description(address: str, port: int) -> str:
    return sdp.write(address, [sdp.audio(port), sdp.video(port + 2)])


@contextmanager
def page(edge: Edge, *, password: str = PASSWORD, origin: str = ORIGIN) -> Iterator[Browser]:
    """Open a page at home."""
    host, address = edge.host("home"), edge.address("internet")
    offer = description(host.address(4), 30000).replace("\r\no=peer 4711 1 ", "\r\no=peer 4711 VERSION ")
    with Browser(
        host,
        f"wss://{address}:{WEB_PORT}/sip",
        f"sip:guest@{address}",
        root=edge.lab.state.keys / ROOT_FILE,
        origin=origin,
        sdp=offer,
        password=password,
    ) as browser:
        yield browser


@contextmanager
def hospital(edge: Edge) -> Iterator[Agent]:
    host = edge.host("hospital")
    with Agent(host, host.address(4), SIP_PORT, "udp", "hospital") as agent:
        yield agent


def test_a_browser_calls_and_hangs_up(edge: Edge) -> None:
    with hospital(edge) as room, page(edge) as browser:
        browser.expect("registered")
        browser.do("call", to=f"sip:hospital@{edge.address('internet')}")
        invite = room.expect("INVITE", within=LONG)
        assert "invalid" not in str(invite)  # nothing of a browser's made-up host gets through
        theirs = room.accept(invite)
        room.reply(invite, 180, call=theirs)
        browser.expect("progress", by="remote")
        room.reply(invite, 200, call=theirs, body=description(room.address, HOSPITAL_PORTS))
        heard = browser.expect("sdp")
        browser.expect("confirmed")
        room.expect("ACK", within=LONG)
        assert room.address not in heard["sdp"]
        browser.do("press", tone="5")
        room.reply(room.expect("INFO", within=LONG), 200)
        browser.do("change")
        again = room.expect("INVITE", within=LONG)
        room.reply(again, 200, call=theirs, body=description(room.address, HOSPITAL_PORTS))
        room.expect("ACK", within=LONG)
        browser.expect("changed")
        browser.do("hangup")
        room.reply(room.expect("BYE", within=LONG), 200)
        browser.expect("ended", by="local")


def test_a_browser_is_called(edge: Edge) -> None:
    with hospital(edge) as room, page(edge) as browser:
        browser.expect("registered")
        to = f"sip:guest@{edge.address('sdn')}:{SIP_PORT}"
        call = room.invite(to, sip(edge.address("sdn")), body=description(room.address, HOSPITAL_PORTS))
        incoming = browser.expect("incoming")
        assert room.address not in incoming["from"]
        room.expect(180, within=LONG)
        browser.do("answer")
        final = room.expect(200, within=LONG)
        room.ack(call, final)
        browser.expect("confirmed")
        assert edge.host("home").address(4) not in final.body
        room.bye(call)
        room.expect(200, within=LONG)
        browser.expect("ended", by="remote")


def test_a_call_goes_on_when_a_browser_comes_back(edge: Edge) -> None:
    """Its socket breaks in the middle of a call: the device registers anew, and the far end still reaches it."""
    with hospital(edge) as room, page(edge) as browser:
        browser.expect("registered")
        to = f"sip:guest@{edge.address('sdn')}:{SIP_PORT}"
        call = room.invite(to, sip(edge.address("sdn")), body=description(room.address, HOSPITAL_PORTS))
        browser.expect("incoming")
        room.expect(180, within=LONG)
        browser.do("answer")
        room.ack(call, room.expect(200, within=LONG))
        browser.expect("confirmed")
        browser.do("drop")
        browser.expect("disconnected")
        browser.expect("registered")
        room.bye(call)
        room.expect(200, within=LONG)
        browser.expect("ended", by="remote")


def test_a_browser_refuses(edge: Edge) -> None:
    with hospital(edge) as room, page(edge) as browser:
        browser.expect("registered")
        to = f"sip:guest@{edge.address('sdn')}:{SIP_PORT}"
        call = room.invite(to, sip(edge.address("sdn")), body=description(room.address, HOSPITAL_PORTS))
        browser.expect("incoming")
        room.expect(180, within=LONG)
        browser.do("refuse", status=486)
        room.ack(call, room.expect(486, within=LONG))


def test_a_browser_that_is_gone_cannot_be_called(edge: Edge) -> None:
    with hospital(edge) as room:
        with page(edge) as browser:
            browser.expect("registered")
        to = f"sip:guest@{edge.address('sdn')}:{SIP_PORT}"
        call = room.invite(to, sip(edge.address("sdn")), body=description(room.address, HOSPITAL_PORTS))
        final = room.expect_one_of(404, 480, within=LONG)
        room.ack(call, final)


def test_a_wrong_password_and_a_wrong_page(edge: Edge) -> None:
    with page(edge, password="wrong") as browser:  # noqa: S106 - it is to fail
        browser.expect("registrationFailed")
    with page(edge, origin="https://elsewhere.example") as browser:
        assert "403" in browser.expect("broken")["why"]


def test_a_page_that_says_nothing_of_sip(edge: Edge) -> None:
    """A WebSocket client that sends rubbish loses nothing but itself."""
    host = edge.host("home")
    wire = Web(host, (edge.address("internet"), WEB_PORT), edge.lab.state.keys / ROOT_FILE, ORIGIN)
    for rubbish in (b"hello", b"\r\n\r\n", b"INVITE\r\n\r\n", b"x" * 60_000):
        wire.send(rubbish, ("", 0))
    wire.close()
    with page(edge) as browser:
        browser.expect("registered")
