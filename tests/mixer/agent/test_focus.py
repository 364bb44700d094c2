"""The focus without sockets: who is answered, and what a fault does."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from b2bua import sip
from mixer.agent.caller import Caller
from mixer.agent.config import Sources
from mixer.agent.focus import Answer, Focus, display

US, EDGE, STRANGER = ("192.0.2.10", 5060), ("192.0.2.1", 5060), ("192.0.2.99", 5060)
INVITE = b"""INVITE sip:1000@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa
Max-Forwards: 70
From: "Anna" <tel:+4512345678>;tag=f
To: <sip:1000@192.0.2.10>
Call-ID: c1
CSeq: 1 INVITE
Contact: <sip:anna@192.0.2.1>
Content-Length: 0

""".replace(b"\n", b"\r\n")


class PaperHub:
    """Refuses every call, or fails to."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[tuple[str, str]] = []
        self._fails = fails

    async def admit(self, leg: sip.Leg, request: sip.Request) -> Caller | Answer:
        del leg
        self.asked.append(display(request))
        if self._fails:
            raise RuntimeError("a fault")
        return 404, "", ()

    async def begin(self, caller: Caller) -> None:
        del caller

    def ended(self, caller: Caller, why: str, status: int = 480) -> None:
        del caller, why, status

    def available(self) -> Answer | None:
        return None

    def subscribed(self, handle: sip.ServerRequest, request: sip.Request, leg: sip.Leg | None) -> None:
        del request, leg
        handle.respond(0.0, 403)

    def notified(self, handle: sip.ClientRequest, status: int) -> None:
        del handle, status


def statuses(hub: PaperHub, data: bytes, remote: tuple[str, int] = EDGE) -> list[int]:
    """Give what is answered to one message."""

    async def said() -> list[int]:
        focus = Focus(hub, Sources(("192.0.2.1/32",)), lambda: 0.0)
        focus.receive(data, sip.Flow("udp", US, remote, "core", 1, US), 0.0)
        focus.settle()
        for _ in range(5):
            await asyncio.sleep(0)
        focus.settle()
        answers = [sip.parse(outgoing.data) for outgoing in focus.to_send()]
        await focus.close()
        return [answer.status for answer in answers if isinstance(answer, sip.Response)]

    return asyncio.run(said())


def test_a_call_is_refused_as_the_hub_says_and_a_telephone_number_is_a_name_too() -> None:
    hub = PaperHub()
    assert statuses(hub, INVITE) == [404]
    assert hub.asked == [("Anna", "tel:+4512345678")]


def test_nobody_but_the_edge_is_answered() -> None:
    hub = PaperHub()
    assert statuses(hub, INVITE, STRANGER) == []
    assert hub.asked == []


def test_a_fault_is_an_answer_and_not_a_silence() -> None:
    assert statuses(PaperHub(fails=True), INVITE) == [500]


def test_what_is_not_spoken_is_refused() -> None:
    options = INVITE.replace(b"INVITE", b"OPTIONS")
    assert statuses(PaperHub(), options) == [200]
    assert statuses(PaperHub(), INVITE.replace(b"INVITE", b"REGISTER")) == [405]


@settings(max_examples=60)
@given(st.integers(0, len(INVITE) - 1), st.binary(min_size=1, max_size=12))
def test_damaged_messages_of_the_edge_are_answered_or_dropped(at: int, noise: bytes) -> None:
    assert all(status >= 400 or status == 200 for status in statuses(PaperHub(), INVITE[:at] + noise + INVITE[at:]))
