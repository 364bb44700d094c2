"""What rules take from agreements that stay, or give back to them, compared with an old policy. Pure.

A rule decides before an agreement does. So one that comes or goes opens and closes paths of agreements that nobody has
touched; and so does a network that has an address be in another zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

from nft.policy import traffic
from nft.policy.agreement import Agreement, Agreements, Client, Offer
from nft.policy.change import Change, Verb, path
from nft.policy.interval import Intervals, difference, intersection, union
from nft.policy.match import Box, Reader, cut, deciding, joined, meet
from nft.policy.model import Policy
from nft.policy.prefix import SPACE, VERSIONS, covered

Pieces: TypeAlias = list[tuple[int | None, Box]]


def beside(old: Policy, new: Policy, readers: tuple[Reader, Reader]) -> Iterator[Change]:
    """Yield the paths of agreements in both policies that only rules or zones open or close."""
    sides = (_known(old.agreements), _known(new.agreements))
    before = {each.id: each for each in old.agreements.effective()}
    altered: dict[tuple[str, str, int], list[Box]] = {}
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
            if key not in altered:
                altered[key] = _altered(key, (old, new), readers)
            if altered[key]:
                said = _said(version, *parties)
                if any(meet(said, box) for box in altered[key]):
                    yield from _one(each, said, key, (old, new), readers, parties)


def _known(agreements: Agreements) -> tuple[dict[str, Client], dict[str, Offer]]:
    clients = {client.name: client for client in agreements.clients}
    return clients, {service.name: service for service in agreements.services}


def _altered(key: tuple[str, str, int], policies: tuple[Policy, Policy], readers: tuple[Reader, Reader]) -> list[Box]:
    """Give where rules between two zones, or which addresses are there, differ between the policies."""
    source, target, version = key
    old, new = (
        [(policy.rules[index].action, box) for index, box in reader.between(*key)]
        for policy, reader in zip(policies, readers, strict=True)
    )
    kept = [each for each in old if each in new] == [each for each in new if each in old]
    found = [each[1] for each in (*old, *new) if not (kept and each in old and each in new)]
    places = [reader.place(source, version, target) for reader in readers]
    moved = union(difference(*places), difference(*reversed(places)))
    return [*found, *([Box(SPACE[version], moved, traffic.ALL)] if moved else [])]


def _said(version: int, *parties: tuple[Client, Offer]) -> Box:
    """Give what client and offer have in both policies."""
    (client, offer), (client_, offer_) = parties
    clients = {each.prefixes: covered(each.prefixes, version) for each in (client, client_)}
    endpoints = {each.endpoints: covered(each.endpoints, version) for each in (offer, offer_)}
    kinds = intersection(offer.traffic, offer_.traffic)
    return Box(_common(*clients.values()), _common(*endpoints.values()), kinds)


def _common(first: Intervals, *other: Intervals) -> Intervals:
    return intersection(first, *other) if other else first


def _one(
    agreement: Agreement,
    said: Box,
    key: tuple[str, str, int],
    policies: tuple[Policy, Policy],
    readers: tuple[Reader, Reader],
    parties: tuple[tuple[Client, Offer], ...],
) -> Iterator[Change]:
    source, target, version = key
    client, offer = parties[0]
    old, new = (deciding(reader, version, client, offer, said) for reader in readers)
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
                yield Change(verb, source, target, text)


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
        nowhere = [rest for box in nowhere for rest in cut(box, piece)[1]]
    return found | ({"in another zone": nowhere} if nowhere else {})
