"""The desk where calls ask `gatewayd`: outstanding questions, their answers, and what to do when none comes.

Sans-IO: a shell carries `requests()` to the pinhole socket and brings back what it says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from vdx.pinhole import Ban, Change, Lease, Leased, Narrow, Refused, Release, Released, Renew, Reply, SetRemote, Stream

ANSWER_SECONDS = 4.0
"""How long `gatewayd` may take: it answers in a millisecond, and where it gets no processor in seconds. A caller has
heard 100 and waits as long as for names; then a refusal is better than silence."""

Result = Callable[[Reply, float], None]
Fault = Callable[[str, Exception, float], None]
Question = Lease | SetRemote | Renew | Narrow | Release | Ban

log = logging.getLogger(__name__)


class Desk:
    """Questions to `gatewayd` and their answers.

    A call that fails over an answer must not stop the answers of others: `on_fault` is told its name and the error.
    """

    def __init__(self, on_fault: Fault) -> None:
        self._on_fault = on_fault
        self._next = 0
        self._outbox: list[Question] = []
        self._waiting: dict[int, tuple[float, str, Result]] = {}
        self.connected = False

    @property
    def waiting(self) -> int:
        """How many questions wait for an answer."""
        return len(self._waiting)

    def lease(self, call: str, streams: tuple[Stream, ...], now: float, then: Result) -> None:
        """Open streams."""
        self._ask(Lease(self._number(), call, streams), call, now, then)

    def set_remote(self, call: str, changes: tuple[Change, ...], now: float, then: Result) -> None:
        """Follow a change of SDP."""
        self._ask(SetRemote(self._number(), changes), call, now, then)

    def release(self, leases: tuple[str, ...]) -> None:
        """Close leases; no answer is waited for: what is not released expires by itself."""
        if leases:
            self._outbox.append(Release(0, leases))

    def close(self, call: str, leases: tuple[str, ...], now: float, then: Result) -> None:
        """Close the leases of a call that is over; `then` hears what they carried, or a refusal."""
        if leases:
            self._ask(Release(self._number(), leases), call, now, then)
        else:
            then(Released(0, ()), now)

    def narrow(self, leases: tuple[str, ...]) -> None:
        """Close the RTCP pinholes of leases; no answer is waited for: a pinhole too many does no harm."""
        if leases and self.connected:
            self._outbox.append(Narrow(0, leases))

    def renew(self, leases: tuple[str, ...]) -> None:
        """Keep leases open; Renewed may come as late as it likes, and whoever reads it needs no question for it."""
        if leases and self.connected:
            self._outbox.append(Renew(self._number(), leases))

    def ban(self, address: str, seconds: int, reason: str) -> None:
        """Have everything from an address dropped; no answer is waited for: `gatewayd` knows who is spared."""
        if self.connected:
            self._outbox.append(Ban(self._number(), address, seconds, reason))

    def requests(self) -> list[Question]:
        """Give what is to be sent, and forget it."""
        out, self._outbox = self._outbox, []
        return out

    def answer(self, reply: Reply, now: float) -> None:
        """Take in an answer; one that nobody waits for any more undoes what it did."""
        question = self._waiting.pop(reply.id, None)
        if question is not None:
            self._tell(question, reply, now)
        elif isinstance(reply, Leased):
            self.release(tuple(entry.lease for entry in reply.streams))

    def lost(self, now: float) -> None:
        """Tell that `gatewayd` went away: every open question is answered with a refusal."""
        self.connected = False
        self._outbox.clear()
        self._refuse(list(self._waiting), "gatewayd went away", now)

    def next_timer(self) -> float | None:
        """Give when the oldest question has waited too long."""
        return next(iter(self._waiting.values()))[0] if self._waiting else None

    def on_timer(self, now: float) -> None:
        """Refuse the questions that have waited too long."""
        late = [number for number, (deadline, *_) in self._waiting.items() if deadline <= now]
        self._refuse(late, f"gatewayd did not answer in {ANSWER_SECONDS:g} s", now)

    def _refuse(self, numbers: list[int], reason: str, now: float) -> None:
        code: Literal["kernel"] = "kernel"
        for number in numbers:
            self._tell(self._waiting.pop(number), Refused(number, code, reason), now)

    def _tell(self, question: tuple[float, str, Result], reply: Reply, now: float) -> None:
        _, call, then = question
        try:
            then(reply, now)
        except Exception as error:
            log.exception("answer.fault: call %s", call)
            self._on_fault(call, error, now)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _ask(self, request: Lease | SetRemote | Release, call: str, now: float, then: Result) -> None:
        if not self.connected:
            then(Refused(request.id, "kernel", "gatewayd is not connected"), now)
            return
        self._waiting[request.id] = (now + ANSWER_SECONDS, call, then)
        self._outbox.append(request)
