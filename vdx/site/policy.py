"""What may pass between zones: networks, services, rules, addresses published and masked, tests, agreements.

`gatewayd` makes the firewall's policy of it, which says what contradicts itself; here stands what each block holds.
Lists of prefixes may stand in files beside the site file, one prefix a line.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from vdx.site.block import Model, Zone
from vdx.site.certificates import HostName
from vdx.site.values import IpAddress, IpNetwork, Port, Word

MAX_LIST_BYTES = 32 << 20
"""Bytes of all lists of prefixes together: a million prefixes, half of them with a remark."""

ListFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.txt$")]
"""The name of a list of prefixes beside the site file: no directory, and no name that anything else there has."""


def _span(value: object) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", str(value)) if not isinstance(value, bool) else None
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise ValueError(f"{value!r} is no port or range of ports: write 443 or 33000-39999")
    return first, last


def _written(span: tuple[int, int]) -> int | str:
    first, last = span
    return first if first == last else f"{first}-{last}"


def _moment(value: object) -> date:
    if isinstance(value, date):  # a datetime is one too
        return value
    if isinstance(value, str):  # as in JSON, which has no dates
        for read in (date.fromisoformat, datetime.fromisoformat):
            with contextlib.suppress(ValueError):
                return read(value)
    raise ValueError(f"{value!r} is no date: write 2030-12-31, or a time as in 2030-12-31T18:00:00+01:00")


Span = Annotated[tuple[int, int], PlainValidator(_span), PlainSerializer(_written)]
"""A port, or a range of them with both ends included."""

Moment = Annotated[date, PlainValidator(_moment), PlainSerializer(lambda moment: moment.isoformat(), when_used="json")]
"""A day, or a time; without an offset in the time zone of the site."""


class Traffic(Model):
    """TCP and UDP by destination port, ping, or everything."""

    tcp: tuple[Span, ...] = ()
    udp: tuple[Span, ...] = ()
    ping: bool = False
    any: Literal[True] | None = None


class Network(Model):
    """Prefixes of a zone under one name."""

    zone: Zone
    prefixes: tuple[IpNetwork, ...] = ()
    files: tuple[ListFile, ...] = ()


class Rule(Model):
    """One rule from a zone `into` another; the first that matches decides. What is left out means any."""

    zone: Zone
    into: Zone
    action: Literal["allow", "deny"]
    sources: tuple[Word, ...] = ()
    targets: tuple[Word, ...] = ()
    services: tuple[Word, ...] = ()
    log: bool = False
    rate: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    connections: Annotated[int, Field(ge=1, le=1_000_000)] | None = None


class Publication(Model):
    """An address and port of ours that stands for those of a host behind; a rule must still allow it."""

    zone: Zone
    protocol: Literal["tcp", "udp"] = "tcp"
    address: IpAddress
    port: Port
    to: IpAddress
    to_port: Port | None = None


class Masking(Model):
    """Flows from a zone `into` another that leave with an address of ours, for hosts that know no way back."""

    zone: Zone
    into: Zone
    address: IpAddress
    targets: tuple[Word, ...] = ()
    services: tuple[Word, ...] = ()


class Test(Model):
    """What must be so: a packet, and whether it passes (now, or `at` a time)."""

    __test__ = False  # no test of ours, whatever pytest thinks of its name

    packet: Annotated[str, Field(max_length=200)]
    expect: Literal["allow", "deny"]
    at: Moment | None = None


class Policy(Model):
    """What may pass between zones, besides what agreements open."""

    networks: dict[Word, Network] = Field(default_factory=dict)
    services: dict[Word, Traffic] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    publish: tuple[Publication, ...] = ()
    mask: tuple[Masking, ...] = ()
    tests: tuple[Test, ...] = ()


class Organisation(Model):
    """A party of the network; `title` is its name as people write it."""

    title: Annotated[str, Field(max_length=200)] = ""


class Offer(Traffic):
    """A service of an organisation: its endpoints and their traffic.

    `hosts` are the names under which people find the endpoints: they are shown and never looked up, as whoever answers
    for a name would otherwise open paths. With `approval`, an agreement counts only once the provider has approved it.
    """

    organisation: Word
    zone: Zone
    endpoints: tuple[IpNetwork, ...] = ()
    files: tuple[ListFile, ...] = ()
    hosts: Annotated[tuple[HostName, ...], Field(max_length=64)] = ()
    approval: bool = True
    group: Annotated[str, Field(max_length=100)] = ""
    description: Annotated[str, Field(max_length=2000)] = ""


class Client(Network):
    """What an organisation uses services from."""

    organisation: Word


class Agreement(Model):
    """A client may use a service from `starts`; a day given as `ends` is the last one (default: five years).

    `approved` or `rejected` (why) is the answer of the provider; one that was rejected opens nothing.
    """

    client: Word
    service: Word
    starts: Moment
    ends: Moment | None = None
    approved: bool = False
    rejected: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _answered_once(self) -> Agreement:
        if self.approved and self.rejected:
            raise ValueError("it is both approved and rejected: remove one")
        return self


class Approval(Model):
    """What a provider approves of an agreement: this client, this service. Another one needs approval anew."""

    client: Word
    service: Word


class Rejection(Approval):
    """What a provider does not want, and why."""

    why: Annotated[str, Field(min_length=1, max_length=500)]


class Answers(Model):
    """What a provider says to agreements that others ask for."""

    approves: dict[Word, Approval] = Field(default_factory=dict)
    rejects: dict[Word, Rejection] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _answered_once(self) -> Answers:
        for name in self.approves.keys() & self.rejects.keys():
            raise ValueError(f"{name!r} is both approved and rejected: remove one")
        return self


class Agreements(Answers):
    """Who offers what, who uses it, and from when until when; answers of those that have no fragment of their own."""

    organisations: dict[Word, Organisation] = Field(default_factory=dict)
    services: dict[Word, Offer] = Field(default_factory=dict)
    clients: dict[Word, Client] = Field(default_factory=dict)
    agreements: dict[Word, Agreement] = Field(default_factory=dict)
    notice_days: Annotated[int, Field(ge=1, le=1000)] = 90

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:  # noqa: ANN401 - what YAML holds
        if isinstance(value, dict) and isinstance(value.get("organisations"), list):
            return {**value, "organisations": {str(name): {} for name in value["organisations"]}}
        return value


def list_files(policy: Policy, agreements: Agreements) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield every list of prefixes that is named, with the path to the value that names it."""
    for name, network in policy.networks.items():
        yield from _files(network.files, "policy", "networks", name)
    for name, offer in agreements.services.items():
        yield from _files(offer.files, "agreements", "services", name)
    for name, client in agreements.clients.items():
        yield from _files(client.files, "agreements", "clients", name)


def _files(names: tuple[str, ...], *path: str) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for index, name in enumerate(names):
        yield name, (*path, "files", index)


def whole_day(moment: date) -> bool:
    """Tell whether a moment is a day and no time."""
    return not isinstance(moment, datetime)
