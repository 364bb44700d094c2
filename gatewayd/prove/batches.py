"""Packets in batches, so that nothing but the policy decides about them. Pure.

A rule may let a source open so many flows a second, or so many at once, and the flood protection bounds every source:
how often, not whether. Protocols without ports know one flow between two hosts, which answers are part of. A batch
meets none of these bounds; before each, the kernel forgets the one before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from gatewayd.prove.probes import Probe
from nft.policy.model import Policy
from nft.policy.prefix import Origin
from nft.schema import IPAddress

MAX_BATCH = 1000
"""Packets of one batch: half of what the flood protection lets a source open at once."""


def batches(policy: Policy, probes: list[Probe]) -> list[list[Probe]]:
    """Divide packets; their order stays, but for those that have to wait for a later batch."""
    allowed = _allowances(policy)
    masked: set[int] = {each.address.version for each in policy.maskings}
    found: list[tuple[list[Probe], Counter[Hashable]]] = []
    first: dict[Hashable, int] = {}  # of each bound, the first batch that may have room
    for probe in probes:
        bounds = _bounds(probe, allowed, masked)
        at = max((first.get(bound, 0) for bound, _ in bounds), default=0)
        while at < len(found) and not _fits(found[at], bounds):
            at += 1
        if at == len(found):
            found.append(([], Counter()))
        batch, used = found[at]
        batch.append(probe)
        used.update(bound for bound, _ in bounds)
        first.update({bound: at + (used[bound] >= most) for bound, most in bounds})
    return [batch for batch, _ in found]


def _fits(batch: tuple[list[Probe], Counter[Hashable]], bounds: list[tuple[Hashable, int]]) -> bool:
    return len(batch[0]) < MAX_BATCH and all(batch[1][bound] < most for bound, most in bounds)


def _allowances(policy: Policy) -> dict[Origin, int]:
    """Return how many flows a rule lets one source open at once; two rules of one line are as one."""
    found: dict[Origin, int] = {}
    for rule in policy.rules:
        bounds = [most for most in (2 * rule.rate, rule.connections) if most]
        if bounds:
            found[rule.origin] = min(found.get(rule.origin, MAX_BATCH), *bounds)
    return found


def _bounds(probe: Probe, allowed: dict[Origin, int], masked: set[int]) -> list[tuple[Hashable, int]]:
    packet = probe.packet
    found: list[tuple[Hashable, int]] = [
        ((origin, _host(packet.source)), allowed[origin]) for origin in probe.said.origins if origin in allowed
    ]
    if packet.kind == "other":
        found.append((frozenset((packet.source, packet.target)), 1))
        if packet.version in masked:  # two sources may become one
            found.append((packet.target, 1))
    return found


def _host(address: IPAddress) -> tuple[int, int]:
    return (4, int(address)) if address.version == 4 else (6, int(address) >> 64)
