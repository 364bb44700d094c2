"""What a call costs `b2bua` alone: its gateway fed in memory with what sipp says; no socket, kernel or other program.

Each call is INVITE, 180, 200, ACK, BYE with 26 lines of SDP each way and two streams, as in `signalling`. The clock is
a number, so timers fire and transactions end as they would at the rate that is played.

- *CPU per call*: the time in the gateway; what makes up the messages of both ends is not counted.
- *Memory per held call*: what calls that are up add to the objects (`tracemalloc`) and the memory (PSS) of this
  process, when no transaction is left of their set-up.
"""

from __future__ import annotations

import gc
import os
import re
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path

from b2bua.call.gateway import Gateway
from b2bua.call.plan import Plan
from b2bua.call.record import CallRecord
from b2bua.ids import GatewayIds
from b2bua.records import RecordBook, told
from b2bua.sip import Flow
from bench.processes import proportional_set
from bench.report import Aim, Report
from bench.session import VIDEO
from lab import compiled
from vdx import pinhole
from vdx.control import Signalling, SipListener, SipPeer
from vdx.dialplan import Dialling, DialRule

RATE = 100
"""Calls a second that are played."""

HOLD_SECONDS, QUIET_SECONDS = 1.0, 40.0
FIRST_CALLS = 200
"""Before memory is measured, as in `signalling`."""

WARM_CALLS = 4_000
"""Before anything counts: transactions of 64*T1 begin to end, caches are full."""

CPU, KILOBYTES = Aim("at most", 0.3), Aim("at most", 15)
ALICE, BOB, INSIDE, OUTSIDE = "198.18.1.10", "198.51.100.10", "198.18.0.10", "203.0.113.10"

HEARD = pinhole.Traffic(1000, 200_000, 10, 0.0)
"""What each end of a lease is told to have carried."""

_REQUEST = (
    "{method} sip:clinic@{there}:5060 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {here}:5060;branch=z9hG4bK-{number}-{method}\r\nMax-Forwards: 70\r\n"
    "From: <sip:u{number}@{here}:5060>;tag={number}c{number}\r\nTo: <sip:clinic@{there}:5060>{tag}\r\n"
    "Call-ID: {number}-4711@{here}\r\nCSeq: {cseq} {said}\r\n{more}Content-Length: {length}\r\n\r\n{body}"
)
_CONTACT = "Contact: <sip:sipp@{0}:5060;transport=UDP>\r\n"
_TYPED = "Content-Type: application/sdp\r\n"
_ECHOED = re.compile(rb"(?m)^(?:Via|From|Call-ID|CSeq): [^\r]*\r\n")
_TO = re.compile(rb"(?m)^To: ([^\r]*)\r\n")


class Drive:
    """A gateway between Alice and Bob; `spent` are the seconds that it took."""

    def __init__(self, records: Path) -> None:
        self.now = 1000.0
        self.spent = 0.0
        self._epoch = time.time() - self.now
        self._book = RecordBook(records, time.time)
        self._gateway = Gateway(GatewayIds(), self._keep, time.time)
        self._inside = Flow("udp", (INSIDE, 5060), (ALICE, 5060), "sdn", 1, (INSIDE, 5060))
        self._outside = Flow("udp", (OUTSIDE, 5060), (BOB, 5060), "internet", 2, (OUTSIDE, 5060))
        self._made = 0
        self._port = 40_000
        self._due: deque[tuple[float, int, str]] = deque()
        self._offer, self._answer = (
            VIDEO.format(address=host, audio=6000, video=6002).replace("\n", "\r\n") for host in (ALICE, BOB)
        )
        listeners = tuple(
            SipListener(zone, "udp", host, 5060, host, 5060) for zone, host in (("sdn", INSIDE), ("internet", OUTSIDE))
        )
        peers = (
            SipPeer("hospital", "sdn", (f"{ALICE}/32",), 4, (ALICE, 5060, "udp")),
            SipPeer("clinic", "internet", (f"{BOB}/32",), 4, (BOB, 5060, "udp")),
        )
        rules = (DialRule("site:1", "clinic", to="clinic"),)
        self._gateway.plan = Plan("v1", Signalling(listeners, peers, rules, 100_000, dial=Dialling()))
        self._gateway.pinholes_connected(self.now)

    @property
    def held(self) -> int:
        """How many calls are up."""
        return self._gateway.sizes["calls"] - self._gateway.sizes["unanswered"]

    @property
    def transactions(self) -> int:
        """How many transactions there are."""
        return self._gateway.sizes["clients"] + self._gateway.sizes["servers"]

    def play(self, calls: int, hold: float | None = HOLD_SECONDS) -> None:
        """Make calls at the rate; with None they are not ended."""
        for _ in range(calls):
            self.wait(1 / RATE)
            self._made += 1
            said = self._request("INVITE", self._made, 1, "", self._offer)
            to = self._answered(self._give(said))
            self._give(self._request("ACK", self._made, 1, to))
            if hold is not None:
                self._due.append((self.now + hold, self._made, to))

    def wait(self, seconds: float) -> None:
        """Let time pass; calls that have lasted end."""
        until = self.now + seconds
        while (due := self._gateway.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            began = time.thread_time()
            self._gateway.on_timer(self.now)
            self.spent += time.thread_time() - began
            self._settle()
        self.now = until
        while self._due and self._due[0][0] <= until:
            _, number, to = self._due.popleft()
            self._give(self._request("BYE", number, 2, to))

    def _give(self, data: str) -> list[bytes]:
        """Have Alice send; gives what she hears once Bob has answered all that he was asked."""
        began = time.thread_time()
        self._gateway.receive(data.encode(), self._inside, self.now)
        self.spent += time.thread_time() - began
        return self._settle()

    def _settle(self) -> list[bytes]:
        heard: list[bytes] = []
        while True:
            began = time.thread_time()
            questions = self._gateway.requests()
            said = self._gateway.to_send()
            self.spent += time.thread_time() - began
            if not questions and not said:
                return heard
            for question in questions:
                reply = self._reply(question)
                if reply is not None:
                    began = time.thread_time()
                    self._gateway.on_pinhole(reply, self.now)
                    self.spent += time.thread_time() - began
            for out in said:
                host = out.to.remote[0] if isinstance(out.to, Flow) else out.to.host
                if host == ALICE:
                    heard.append(out.data)
                    continue
                for answer in self._bob(out.data):
                    began = time.thread_time()
                    self._gateway.receive(answer, self._outside, self.now)
                    self.spent += time.thread_time() - began

    def _bob(self, data: bytes) -> list[bytes]:
        if data.startswith(b"INVITE"):
            body = self._answer.encode()
            contact = _CONTACT.format(BOB).encode()
            return [
                _response(data, b"180 Ringing", contact, b""),
                _response(data, b"200 OK", contact + _TYPED.encode(), body),
            ]
        return [_response(data, b"200 OK", b"", b"")] if data.startswith((b"BYE", b"OPTIONS")) else []

    def _reply(self, question: object) -> pinhole.Reply | None:
        match question:
            case pinhole.Lease(id, _, streams):
                return pinhole.Leased(id, tuple(self._opened(stream.lease) for stream in streams))
            case pinhole.SetRemote(id, _):
                return pinhole.Done(id)
            case pinhole.Release(id, leases):
                return pinhole.Released(id, tuple(pinhole.Usage(lease, HEARD, HEARD) for lease in leases))
            case pinhole.Renew(id, leases):
                return pinhole.Renewed(id, tuple(pinhole.Usage(lease, HEARD, HEARD) for lease in leases), ())
        return None

    def _opened(self, lease: str) -> pinhole.Opened:
        self._port = 40_000 + (self._port + 2) % 20_000
        port = self._port
        return pinhole.Opened(lease, pinhole.Local(INSIDE, port, port + 1), pinhole.Local(OUTSIDE, port, port + 1))

    def _request(self, method: str, number: int, cseq: int, to: str, body: str = "") -> str:
        return _REQUEST.format(
            method=method,
            said=method,
            here=ALICE,
            there=INSIDE,
            number=number,
            tag=to,
            cseq=cseq,
            more=(_CONTACT.format(ALICE) if method == "INVITE" else "") + (_TYPED if body else ""),
            length=len(body),
            body=body,
        )

    @staticmethod
    def _answered(heard: list[bytes]) -> str:
        """Give the tag of the 200."""
        for data in heard:
            if data.startswith(b"SIP/2.0 200") and (to := _TO.search(data)):
                return ";tag=" + to[1].rpartition(b";tag=")[2].decode()
        raise RuntimeError(f"a call was not answered: {[data[:40] for data in heard]}")

    def _keep(self, record: CallRecord) -> None:
        self._book.add(told(record, self._epoch))


def _response(data: bytes, status: bytes, more: bytes, body: bytes) -> bytes:
    found = _TO.search(data)
    to = found[1] if found else b""
    if b";tag=" not in to:
        to += b";tag=d" + bytes(str(hash(data)), "ascii")
    head = b"".join(_ECHOED.findall(data))
    return b"SIP/2.0 %b\r\n%bTo: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, to, more, len(body), body)


def run(*, short: bool) -> Report:
    """Measure; `short` plays fewer calls."""
    rounds, calls, held = (1, 1_000, 300) if short else (5, 3_000, 1_000)
    report = Report("calls")
    gc.freeze()
    gc.disable()
    with tempfile.TemporaryDirectory() as directory:
        kilobytes = _held(Drive(Path(directory)), held, lambda: proportional_set(os.getpid()))
        report.add("memory per held call in b2bua", [kilobytes], "kB", KILOBYTES)
        tracemalloc.start()
        kilobytes = _held(Drive(Path(directory)), held, lambda: tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        report.add("objects per held call in b2bua", [kilobytes], "kB")
        report.add("CPU per call in b2bua, in memory", _costs(Drive(Path(directory)), rounds, calls), "ms", CPU)
    folder, why = compiled.place(os.environ)
    report.notes.append("hot modules compiled" if folder else f"run from the sources: {why}")
    return report


def _held(drive: Drive, calls: int, octets: Callable[[], int]) -> float:
    """Hold calls and give the kilobytes of one; those that the first calls cost for good are not counted."""
    drive.play(FIRST_CALLS)
    drive.wait(QUIET_SECONDS)
    before = octets()
    drive.play(calls, hold=None)
    drive.wait(QUIET_SECONDS)
    assert (drive.held, drive.transactions) == (calls, 0)  # noqa: S101 - else the figure says nothing
    return (octets() - before) / calls / 1e3


def _costs(drive: Drive, rounds: int, calls: int) -> list[float]:
    """Give the milliseconds of a call, by rounds."""
    drive.play(WARM_CALLS)
    found = []
    for _ in range(rounds):
        drive.spent = 0.0
        drive.play(calls)
        found.append(drive.spent / calls * 1e3)
    return found
