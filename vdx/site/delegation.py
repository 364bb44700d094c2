"""What the base of a site hands to organisations, and what the fragment of an organisation may hold.

A fragment is YAML of the same keys as the site file, fewer of them. Every name in it is that of its organisation or
begins with it and a dot, so that two organisations never name the same thing. `gatewayd.config.merge` puts base and
fragments together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated

from pydantic import AfterValidator, Field

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.certificates import FilePath
from vdx.site.dialplan import Domain, Room, Rule
from vdx.site.limits import ScopeLimits
from vdx.site.peers import Peer
from vdx.site.policy import Agreement, Answers, ListFile, Network, Offer, Test, Traffic
from vdx.site.values import IpNetwork, Word

MAX_DELEGATIONS = 2_000
"""Organisations with a fragment of their own: more than a health region has institutions."""

RESERVED = ("base", "cut")
"""Names with a meaning of their own where fragments are put together."""


def _free(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name!r} has a meaning of its own: give the organisation another name")
    return name


OrganisationName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$"), AfterValidator(_free)]
"""No dot: what stands before the first dot of a name is its organisation."""


class Delegation(Model):
    """What one organisation may say itself.

    `networks`: the zones it may name, and the prefixes that everything of its own there has to lie in. `domains`: what
    it may call its own, with what is below. `uses`: names of the base that its fragment may name beside its own.
    `limits` hold for each of its peers, and are the most it may give one. `files`: the directory in which files that it
    names have to be; without it, it names none. `entries`: how many names it may have.
    """

    title: Annotated[str, Field(max_length=200)] = ""
    networks: dict[Zone, tuple[IpNetwork, ...]] = Field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    uses: tuple[Word, ...] = ()
    limits: ScopeLimits = ScopeLimits()
    files: FilePath | None = None
    entries: Annotated[int, Field(ge=1, le=100_000)] = 10_000


Delegations = Annotated[dict[OrganisationName, Delegation], Field(max_length=MAX_DELEGATIONS)]


class PolicyPart(Model):
    """What of the policy an organisation says: names for its networks and traffic, and tests. Rules are the base's."""

    networks: dict[Word, Network] = Field(default_factory=dict)
    services: dict[Word, Traffic] = Field(default_factory=dict)
    tests: tuple[Test, ...] = ()


class OfferPart(Offer):
    """A service; its organisation need not be said."""

    organisation: Word = ""


class ClientPart(Network):
    """A client; its organisation need not be said."""

    organisation: Word = ""


class AgreementsPart(Answers):
    """Services and clients of an organisation, agreements it asks for, and its answers to those of others."""

    services: dict[Word, OfferPart] = Field(default_factory=dict)
    clients: dict[Word, ClientPart] = Field(default_factory=dict)
    agreements: dict[Word, Agreement] = Field(default_factory=dict)


class Fragment(Model):
    """The part of a site that one organisation owns. `limits` are those of each of its peers that says none."""

    peers: dict[Word, Peer] = Field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    rooms: dict[Word, Room] = Field(default_factory=dict)
    dialplan: tuple[Rule, ...] = ()
    limits: ScopeLimits = ScopeLimits()
    policy: PolicyPart = PolicyPart()
    agreements: AgreementsPart = AgreementsPart()


def owner(name: str) -> str:
    """Give the organisation that a name would belong to."""
    return name.partition(".")[0]


def list_name(organisation: str, name: ListFile) -> str:
    """Give the name under which a list of an organisation stands beside those of the others."""
    return f"{organisation}.{name}"


def delegation_faults(delegations: Mapping[str, Delegation]) -> Iterator[LocatedError]:
    """Give networks and domains that two organisations would share: each has one owner."""
    for (one, first), (two, second) in combinations(delegations.items(), 2):
        for zone in first.networks.keys() & second.networks.keys():
            for index, network in enumerate(second.networks[zone]):
                if any(network.overlaps(other) for other in first.networks[zone] if other.version == network.version):
                    text = f"{network} overlaps what {one!r} has in zone {zone!r}: a network has one owner"
                    yield LocatedError(text, "delegations", two, "networks", zone, index)
        for index, domain in enumerate(second.domains):
            if any(within(domain, other) or within(other, domain) for other in first.domains):
                text = f"{domain!r} and a domain of {one!r} lie within each other: a domain has one owner"
                yield LocatedError(text, "delegations", two, "domains", index)


def within(name: str, domain: str) -> bool:
    """Tell whether a domain name is a domain or below it."""
    return name == domain or name.endswith(f".{domain}")
