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
    """

    version: str
    packets: int
    seconds: float
    different: int = 0
    differences: tuple[Difference, ...] = ()
    unsent: int = 0
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the kernel did with every packet what the model says."""
        return not self.different

    def sentences(self) -> list[str]:
        """Return the report for people, a line each: differences, remarks, and the sum."""
        lines = [str(each) for each in self.differences]
        if more := self.different - len(self.differences):
            lines.append(f"and {more} more packets of which the kernel thinks otherwise")
        sent = f"{self.packets} packets in {self.seconds:.1f} s"
        outcome = "the kernel does what the policy says" if self.holds else f"{self.different} differ"
        return [*lines, *self.notes, f"proof: {sent}, {outcome}"]


class NoProof(Message, frozen=True, tag="no-proof"):
    """The proof could not be made: the kernel refused the ruleset, or this machine allows no throw-away network."""

    reason: str
