"""Peers are asked whether they are there: an OPTIONS every so many seconds, where the site file says `qualify`.

Any answer is a sign of life, a refusal too; only 503 says that no calls are taken, and silence says it as well. No I/O.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from b2bua import sip
from b2bua.call.plan import Plan
from b2bua.call.target import target
from vdx.control import SipListener, SipPeer

State = Literal["unknown", "up", "down"]

AT_ONCE = float("-inf")

APART_SECONDS = 0.05
"""Between the first questions of a version: hundreds of peers are not asked in one moment."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    """One peer, and what came of the last question."""

    peer: SipPeer
    state: State = "unknown"
    since: float = 0.0
    why: str = ""
    took: float = 0.0
    sent: float = 0.0
    open: sip.ClientRequest | None = None


class Qualify:
    """The questions to all peers of the site version that is followed."""

    def __init__(self, endpoint: sip.Endpoint) -> None:
        self._endpoint = endpoint
        self._plan: Plan | None = None
        self._asked: dict[str, _Asked] = {}
        self._due: list[tuple[float, str]] = []

    def follow(self, plan: Plan) -> None:
        """Ask the peers of this version from the next `on_timer` on; what is known of those that stay stays known."""
        before, self._plan = self._asked, plan
        peers = [peer for peer in plan.signalling.peers if peer.qualify and peer.target]
        same = {name: one.peer for name, one in before.items()} == {peer.name: peer for peer in peers}
        if not same:
            known = {name: one for name, one in before.items() if one.peer in peers}
            self._asked = {peer.name: known.get(peer.name) or _Asked(peer) for peer in peers}
            self._due = [(AT_ONCE, name) for name in self._asked]

    def next_timer(self) -> float | None:
        """Give when `on_timer` is due."""
        return self._due[0][0] if self._due else None

    def on_timer(self, now: float) -> None:
        """Ask whom it is time to ask; one who has not answered yet is asked later."""
        while self._due and self._due[0][0] <= now:
            due, name = heapq.heappop(self._due)
            one = self._asked[name]
            if due == AT_ONCE:
                waiting = sum(1 for other, _ in self._due if other == AT_ONCE)
                heapq.heappush(self._due, (now + waiting * APART_SECONDS, name))
                continue
            heapq.heappush(self._due, (now + one.peer.qualify, name))
            if one.open is None:
                self._ask(one, now)

    def answered(self, event: sip.RequestAnswered, now: float) -> bool:
        """Take an answer; False if the question was none of ours."""
        found = next((one for one in self._asked.values() if one.open is event.handle), None)
        if found is None:
            return False
        found.open = None
        found.took = now - found.sent
        if event.response is None:
            self._note(found, "down", "no answer" if event.status == 408 else "it cannot be reached", now)
        else:
            self._note(found, "down" if event.status == 503 else "up", f"answers {event.status}", now)
        return True

    def is_down(self, peer: str) -> bool:
        """Tell whether a peer is known to take no calls; one that is never asked is not."""
        one = self._asked.get(peer)
        return one is not None and one.state == "down"

    def facts(self, now: float) -> Iterator[tuple[str, str]]:
        """Say for operators how each peer is."""
        for name, one in self._asked.items():
            took = f" in {one.took * 1000:.0f} ms" if one.state == "up" else ""
            said = f"{one.state} for {now - one.since:.0f} s, {one.why}{took}" if one.why else one.state
            yield f"peer {name}", said

    def _ask(self, one: _Asked, now: float) -> None:
        peer = one.peer
        listener = self._listener(peer)
        if peer.target is None or listener is None:
            self._note(one, "down", "there is no listener towards it", now)
            return
        host, port, transport = peer.target
        params = {} if transport == "udp" else {"transport": transport}
        invitation = sip.Invitation(
            destination=target(peer, peer.target, listener),
            uri=str(sip.Uri("sip", "", host, port, params)),
            from_=f"<{sip.Uri('sip', '', listener.advertise, None, {})}>",
            to=f"<{sip.Uri('sip', '', host, None, {})}>",
            sent_by=(listener.advertise, listener.advertise_port),
            headers=[("Accept", "application/sdp")],
        )
        one.sent = now
        one.open = self._endpoint.request("OPTIONS", invitation, now)

    def _listener(self, peer: SipPeer) -> SipListener | None:
        if self._plan is None or peer.target is None:
            return None
        return self._plan.listener(peer.zone, peer.target[2], peer.target[0])

    @staticmethod
    def _note(one: _Asked, state: State, why: str, now: float) -> None:
        if state != one.state:
            log.log(
                logging.WARNING if state == "down" else logging.INFO,
                *("peer.%s peer=%s zone=%s: %s", state, one.peer.name, one.peer.zone, why),
            )
            one.state, one.since = state, now
        one.why = why
