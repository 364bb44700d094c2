"""A back-to-back user agent of few lines between two sipp, run inside a network namespace of its own by test_sipp.

Called with the transport and the number of calls; prints what came of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field

from b2bua.sip import (
    Answered,
    ByeReceived,
    Confirmed,
    Endpoint,
    Event,
    Failed,
    IncomingInvite,
    Invitation,
    Provisional,
    Target,
)
from b2bua.transport import Listener, RandomIds, Shell

HERE = "127.0.0.1"
US, CALLER, CALLEE = 5080, 5070, 5090
CALLS_PER_SECOND = 100


@dataclass
class Bridge:
    """Passes each event of a leg to the other leg."""

    transport: str
    endpoint: Endpoint = field(default_factory=lambda: Endpoint(RandomIds()))
    ended: int = 0
    odd: list[str] = field(default_factory=list)

    async def run(self, calls: int) -> dict[str, object]:
        shell = Shell(self.endpoint, lambda: self.drain(shell.now))
        await shell.open([Listener("lan", name, HERE, US) for name in ("udp", "tcp")])
        mode = "t1" if self.transport == "tcp" else "u1"
        common = ["-i", HERE, "-t", mode, "-nostdin", "-m", str(calls)]
        callee = await self.sipp("-sn", "uas", "-p", str(CALLEE), *common)
        caller = await self.sipp(
            f"{HERE}:{US}", "-sn", "uac", "-p", str(CALLER), "-r", str(CALLS_PER_SECOND), "-d", "100", *common
        )
        codes = [await caller.wait(), await callee.wait()]
        await shell.close()
        self.endpoint.on_timer(shell.now + 1000)
        return {
            "exit": codes,
            "ended": self.ended,
            "odd": self.odd,
            "left": sum(self.endpoint.sizes.values()),
            "dropped": sum(self.endpoint.dropped.values()),
        }

    async def sipp(self, *arguments: str) -> asyncio.subprocess.Process:
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec("sipp", *arguments, stdout=quiet, stderr=quiet)

    def drain(self, now: float) -> None:
        while events := self.endpoint.events():
            for event in events:
                self.handle(event, now)

    def handle(self, event: Event, now: float) -> None:
        if isinstance(event, IncomingInvite):
            target = Target("lan", self.transport, HERE, CALLEE, HERE)
            invitation = Invitation(
                target,
                f"sip:room@{HERE}:{CALLEE}",
                "<sip:a@edge>",
                "<sip:room@edge>",
                (HERE, US),
                body=event.request.body,
            )
            other = self.endpoint.invite(invitation, now)
            event.leg.owner, other.owner = other, event.leg
        elif isinstance(event, Provisional):
            event.leg.owner.ring(now, event.response.status)
        elif isinstance(event, Answered):
            event.leg.owner.answer(now, body=event.response.body)
        elif isinstance(event, ByeReceived):
            event.leg.owner.bye(now)
            self.ended += 1
        elif isinstance(event, Failed):
            event.leg.owner.end(now, event.status)
            self.odd.append(f"failed {event.status}")
        elif not isinstance(event, Confirmed):
            self.odd.append(type(event).__name__)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(Bridge(sys.argv[1]).run(int(sys.argv[2])))))  # noqa: T201 - the result
