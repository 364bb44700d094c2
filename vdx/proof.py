"""What the proof of a policy in the kernel tells: `gatewayd.prove` writes it; `check`, push API and page show it.

A proof sends real packets through the candidate's ruleset in a throw-away network and compares what comes out with what
the model says. One difference refuses the candidate.
"""

from __future__ import annotations

from datetime import UTC, datetime

from vdx.pinhole import Part
from vdx.wire import Message

MAX_DIFFERENCES = 50
"""Differences told in words: one fault of the compiler shows in every packet, and nobody reads thousands."""


class Difference(Part, frozen=True):
    """One packet that the kernel treats otherwise than the model: both said in words.

    `packet` as `gatewayctl explain packet` takes it, `at` in seconds since 1970 (None: the time of the proof);
    `origins` are the lines of the policy that decide, or for whose sake the packet was sent.
    """

    packet: str
    model: str
    kernel: str
    at: int | None = None
    origins: tuple[str, ...] = ()

    def __str__(self) -> str:
        when = "" if self.at is None else f" at {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M} UTC"
        where = f" ({', '.join(self.origins)})" if self.origins else ""
        return f"{self.packet}{when}: the policy says {self.model}; the kernel {self.kernel}{where}"


class ProofReport(Message, frozen=True, tag="proof"):
    """What a proof has found: packets sent, seconds taken, differences, and what was left out and why.

    `different` counts every difference, also those past `MAX_DIFFERENCES`; `unsent` packets that a limit left out.
    `unmet` counts the stated tests and changed rules of which no packet was sent, as the time was over; `unproved`
    names the first of them.
    """

    version: str
    packets: int
    seconds: float
    different: int = 0
    differences: tuple[Difference, ...] = ()
    unsent: int = 0
    notes: tuple[str, ...] = ()
    unmet: int = 0
    unproved: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the kernel did with every packet what the model says, and every stated test and change was asked."""
        return not (self.different or self.unmet)

    def sentences(self) -> list[str]:
        """Return the report for people, a line each: differences, remarks, and the sum."""
        lines = [str(each) for each in self.differences]
        if more := self.different - len(self.differences):
            lines.append(f"and {more} more packets of which the kernel thinks otherwise")
        lines += [f"{each}: not proved, as the time was over" for each in self.unproved]
        if more := self.unmet - len(self.unproved):
            lines.append(f"and {more} more that were not proved")
        sent = f"{self.packets} packets in {self.seconds:.1f} s"
        outcome = f"{self.different} differ" if self.different else "the kernel does what the policy says"
        if self.unmet:
            outcome += (
                f", but {self.unmet} tests and changes were not proved: allow it more time, or change less at once"
            )
        return [*lines, *self.notes, f"proof: {sent}, {outcome}"]


class NoProof(Message, frozen=True, tag="no-proof"):
    """The proof could not be made: the kernel refused the ruleset, or this machine allows no throw-away network."""

    reason: str
