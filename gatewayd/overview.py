"""What a person wants to see of the policy that runs: its rules with what they have met, and its agreements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gatewayd import transit
from gatewayd.config.roles import Asker
from gatewayd.version import Version
from nft.policy.parts import TABLE
from vdx.management import AgreementInfo, AgreementList, AgreementState, RuleInfo, RuleList, ServiceInfo
from vdx.site.policy import Agreement, Agreements


class Counting(Protocol):
    """What this needs of `nft.netlink.Netlink`."""

    def counters(self, table: str) -> dict[str, tuple[int, int]]:
        """Return packets and octets of each named counter of a table."""
        ...


def rules(number: int, version: Version, kernel: Counting) -> RuleList:
    """Tell of the rules of a version; raises `NftError`."""
    policy, names = version.transit.policy, version.ruleset.hits
    met = kernel.counters(TABLE) if names else {}
    listed = []
    for index, rule in enumerate(policy.rules):
        packets, octets = met.get(names[index], (None, None)) if index < len(names) else (None, None)
        said = (rule.sources, rule.targets, rule.services, rule.rate, rule.connections)
        origin = f"{rule.origin.file}:{rule.origin.line}"
        listed.append(RuleInfo(origin, rule.source, rule.target, rule.action, *said, packets, octets))
    return RuleList(number, tuple(listed))


def agreements(number: int, version: Version, asker: Asker, now: float) -> AgreementList:
    """Tell of the agreements that somebody may know of; services are for everybody to ask for."""
    said = version.loaded.site.agreements
    mine = asker.organisation if asker.role == "owner" else None
    known = version.transit.policy.agreements
    terms = {each.id: (each.starts, each.ends) for each in known.agreements}
    ending = {each.id for each in known.ending(now)}
    found = (
        # what was rejected is no part of the policy
        _told(said, name, one, terms.get(name) or transit.window(version.loaded, one), now, soon=name in ending)
        for name, one in said.agreements.items()
    )
    return AgreementList(
        number,
        tuple(each for each in found if mine is None or mine in {each.consumer, each.provider}),
        tuple(
            ServiceInfo(name, one.organisation, one.description, one.approval, one.hosts)
            for name, one in said.services.items()
        ),
        tuple(_clients(said, mine)),
        said.notice_days,
    )


def _clients(said: Agreements, mine: str | None) -> Iterator[str]:
    return (name for name, one in said.clients.items() if mine is None or one.organisation == mine)


def _told(
    said: Agreements, name: str, one: Agreement, terms: tuple[int, int], now: float, *, soon: bool
) -> AgreementInfo:
    starts, ends = terms
    service = said.services[one.service]
    state = _state(one, approved=one.approved or not service.approval, starts=starts, ends=ends, now=now)
    consumer = said.clients[one.client].organisation
    parties = (consumer, service.organisation, one.client, one.service)
    return AgreementInfo(name, *parties, state, float(starts), float(ends), soon, one.rejected)


def _state(one: Agreement, *, approved: bool, starts: float, ends: float, now: float) -> AgreementState:
    if one.rejected:
        return "rejected"
    if ends <= now:
        return "ended"
    if not approved:
        return "asked"
    return "planned" if starts > now else "running"
