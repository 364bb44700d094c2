"""The agreement system of a health data network: who offers what, who uses it, from when until when. Pure values.

Being connected opens nothing. A provider describes a service (endpoints and traffic), a consumer describes a client
(its prefixes), and an agreement between the two opens exactly that, from its start until its end.
"""

from __future__ import annotations

from dataclasses import dataclass

from nft.policy.interval import Intervals
from nft.policy.prefix import Origin, Prefix

DAY = 86400
NOTICE_SECONDS = 90 * DAY
"""Notice before an agreement ends: as long as a provider may take to answer a new request."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party of the network."""

    name: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Offer:
    """A service that an organisation provides in a zone: its endpoints and the traffic they take.

    ``approval``: an agreement counts only once the provider has approved it.
    """

    name: str
    organisation: str
    zone: str
    endpoints: tuple[Prefix, ...]
    traffic: Intervals
    origin: Origin
    approval: bool = True


@dataclass(frozen=True, slots=True)
class Client:
    """What an organisation uses services from: its prefixes in a zone."""

    name: str
    organisation: str
    zone: str
    prefixes: tuple[Prefix, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Agreement:
    """A client may use a service from ``starts`` until before ``ends``, in seconds since 1970."""

    id: str
    client: str
    service: str
    starts: int
    ends: int
    origin: Origin
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Agreements:
    """Every party, offer, client and agreement that an appliance knows."""

    organisations: tuple[Organisation, ...] = ()
    services: tuple[Offer, ...] = ()
    clients: tuple[Client, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    notice: int = NOTICE_SECONDS

    def effective(self) -> tuple[Agreement, ...]:
        """Return the agreements that count: approved, or with a service that needs no approval."""
        free = {service.name for service in self.services if not service.approval}
        return tuple(each for each in self.agreements if each.approved or each.service in free)

    def ending(self, now: float) -> tuple[Agreement, ...]:
        """Return those that count and end within the notice, soonest first.

        One that is followed without a gap by another of the same client and service does not end: it is renewed.
        """
        known = self.effective()
        soon = [each for each in known if now < each.ends <= now + self.notice]
        named = {(each.client, each.service) for each in soon}
        others: dict[tuple[str, str], list[Agreement]] = {}
        for each in known:
            if (each.client, each.service) in named:
                others.setdefault((each.client, each.service), []).append(each)
        found = (
            each
            for each in soon
            if not any(other.starts <= each.ends < other.ends for other in others[each.client, each.service])
        )
        return tuple(sorted(found, key=lambda each: (each.ends, each.id)))
