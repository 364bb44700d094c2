"""What rules take from agreements that stay, or give back to them, compared with an old policy. Pure.

A rule decides before an agreement does. So one that comes or goes opens and closes paths of agreements that nobody has
touched; and so does a network that has an address be in another zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

from nft.policy.agreement import Agreement, Agreements, Client, Offer
from nft.policy.change import Change, Verb, path
from nft.policy.interval import intersection
from nft.policy.match import Box, Reader, deciding, joined, meet, without
from nft.policy.model import Policy
from nft.policy.prefix import VERSIONS, covered

Pieces: TypeAlias = list[tuple[int | None, Box]]


def beside(old: Policy, new: Policy, readers: tuple[Reader, Reader]) -> Iterator[Change]:
    """Yield the paths of agreements in both policies that only rules or zones open or close."""
    sides = (_known(old.agreements), _known(new.agreements))
    before = {each.id: each for each in old.agreements.effective()}
    same: dict[tuple[str, str, int], bool] = {}
    for each in new.agreements.effective():
        was = before.get(each.id)
        if was is None or (was.client, was.service) != (each.client, each.service):
            continue
        parties = tuple((clients[each.client], offers[each.service]) for clients, offers in sides)
        zones = {(client.zone, offer.zone) for client, offer in parties}
        if len(zones) > 1:
            continue  # told as parties that have moved
        for version in VERSIONS:
            key = (*next(iter(zones)), version)
            if key not in same:
                same[key] = _alike(key, (old, new), readers)
            if not same[key]:
                yield from _one(each, version, (old, new), readers, parties)


def _known(agreements: Agreements) -> tuple[dict[str, Client], dict[str, Offer]]:
    clients = {client.name: client for client in agreements.clients}
    return clients, {service.name: service for service in agreements.services}


def _alike(key: tuple[str, str, int], policies: tuple[Policy, Policy], readers: tuple[Reader, Reader]) -> bool:
    """Tell whether the rules between two zones, and which addresses are there, are the same in both policies."""
    source, target, version = key
    first, second = (
        (reader.place(source, version, target), [(policy.rules[i].action, box) for i, box in reader.between(*key)])
        for policy, reader in zip(policies, readers, strict=True)
    )
    return first == second


def _one(
    agreement: Agreement,
    version: int,
    policies: tuple[Policy, Policy],
    readers: tuple[Reader, Reader],
    parties: tuple[tuple[Client, Offer], ...],
) -> Iterator[Change]:
    (client, offer), (client_, offer_) = parties
    both = Box(
        intersection(covered(client.prefixes, version), covered(client_.prefixes, version)),
        intersection(covered(offer.endpoints, version), covered(offer_.endpoints, version)),
        intersection(offer.traffic, offer_.traffic),
    )
    old, new = (deciding(reader, version, client, offer, both) for reader in readers)
    before, after = policies
    sides: tuple[tuple[Verb, Pieces, Pieces, Policy, Policy, str], ...] = (
        ("closed", old, new, before, after, "now"),
        ("opened", new, old, after, before, "was"),
    )
    for verb, here, there, mine, theirs, when in sides:
        passing = [box for index, box in here if not _denies(mine, index)]
        for why, boxes in _gone(passing, there, theirs).items():
            for box in joined(boxes):
                text = f"agreement {agreement.id!r}: {path(version, box)} ({when} {why})"
                yield Change(verb, client.zone, offer.zone, text)


def _denies(policy: Policy, index: int | None) -> bool:
    return index is not None and policy.rules[index].action == "deny"


def _gone(passing: list[Box], there: Pieces, policy: Policy) -> dict[str, list[Box]]:
    """Give what of boxes does not pass by another policy, by why it does not."""
    found: dict[str, list[Box]] = {}
    for box, (index, piece) in product(passing, there):
        if index is not None and _denies(policy, index) and (both := meet(box, piece)):
            found.setdefault(f"deny at {policy.rules[index].origin}", []).append(both)
    nowhere = passing
    for _, piece in there:
        nowhere = [rest for box in nowhere for rest in without(box, piece)]
    return found | ({"in another zone": nowhere} if nowhere else {})
