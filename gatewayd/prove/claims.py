"""What a policy claims, a rule or an agreement at a time, and which claims are new, changed or gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

from nft.policy.agreement import Client, Offer
from nft.policy.interval import Intervals, intersection
from nft.policy.match import Box, Reader
from nft.policy.model import Policy
from nft.policy.prefix import VERSIONS, covered


class Claim(NamedTuple):
    """A box of packets from a zone, who speaks of it (``why``, with its line), and the times at which to ask."""

    why: str
    zone: str
    version: int
    box: Box
    times: tuple[int, ...]

    @property
    def meant(self) -> bool:
        """Whether any packet is in it."""
        return all(self.box)


Key = tuple[object, ...]
Known = list[tuple[Key, list[Claim]]]


def changed(running: Policy | None, policy: Policy, now: int) -> Iterator[Claim]:
    """Yield what a candidate claims otherwise than the running policy; what is gone, as that one claimed it.

    Equal meaning in other words or lines is no change. Without a running policy everything is new.
    """
    before = running or Policy()
    for listed in (_rules, _agreements):
        was, becomes = listed(before, now), listed(policy, now)
        old, new = [key for key, _ in was], [key for key, _ in becomes]
        for verb, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if verb != "equal":
                for _, claims in (*becomes[start:end], *was[first:last]):
                    yield from (claim for claim in claims if claim.meant)


def _rules(policy: Policy, now: int) -> Known:
    """Return the rules in their order: which comes first is part of what they mean."""
    reader = Reader(policy)
    found: Known = []
    for rule in policy.rules:
        boxes = tuple(reader.box(rule, version) for version in VERSIONS)
        key = (rule.source, rule.target, rule.action, rule.rate, rule.connections, boxes)
        why = f"{rule.action} at {rule.origin}"
        found.append((key, _claims(why, rule.source, boxes, (now,))))
    return found


def _agreements(policy: Policy, now: int) -> Known:
    """Return the agreements that are in force or to come, by their names: their order means nothing."""
    reader = Reader(policy)
    clients = {each.name: each for each in policy.agreements.clients}
    services = {each.name: each for each in policy.agreements.services}
    boxes: dict[tuple[str, str], tuple[Box, ...]] = {}
    found: Known = []
    for each in sorted(policy.agreements.effective(), key=lambda agreement: agreement.id):
        pair = (each.client, each.service)
        if pair not in boxes:
            boxes[pair] = tuple(_box(reader, clients[pair[0]], services[pair[1]], version) for version in VERSIONS)
        zone = clients[each.client].zone
        key = (each.id, zone, services[each.service].zone, each.starts, each.ends, boxes[pair])
        times = (now, each.starts) if each.starts > now else (now,)
        why = f"agreement {each.id} at {each.origin}"
        found.append((key, _claims(why, zone, boxes[pair], times)))
    return found


def _claims(why: str, zone: str, boxes: tuple[Box, ...], times: tuple[int, ...]) -> list[Claim]:
    return [Claim(why, zone, version, box, times) for version, box in zip(VERSIONS, boxes, strict=True)]


def _box(reader: Reader, client: Client, service: Offer, version: int) -> Box:
    endpoints: Intervals = intersection(
        covered(service.endpoints, version), reader.place(client.zone, version, service.zone)
    )
    return Box(covered(client.prefixes, version), endpoints, service.traffic)
