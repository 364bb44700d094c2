"""The site file's `policy` and `agreements` as the firewall's policy. Pure; `nft.policy` judges and compiles it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gatewayd.errors import VersionError
from nft.errors import ModelError, NftError
from nft.policy import packet, prefix, traffic
from nft.policy.agreement import DAY, Agreement, Agreements, Client, Offer, Organisation
from nft.policy.compile import compile_policy
from nft.policy.interval import Intervals, normal
from nft.policy.model import Masking, Network, Policy, Publication, Rule, Service, Test
from nft.policy.prefix import Origin, Prefix
from nft.policy.tables import Tables
from nft.policy.verdict import failures
from vdx.site import policy as site
from vdx.site.policy import whole_day
from vdx.site.source import LoadedSite
from vdx.site.values import IpNetwork
from vdx.site.zones import ZoneSettings

DEFAULT_YEARS = 5
"""How long an agreement lasts that names no end, as the agreement system of the network has it."""

FIRST, LAST = -62_135_510_400, 253_402_214_400
"""Seconds since 1970 that can be shown in every time zone: 0001-01-02 and 9999-12-31, UTC.

What lies beyond counts as these: 9999-12-31 is how people write that something has no end.
"""


def tables(loaded: LoadedSite) -> Tables:
    """Compile a site's policy; raises `VersionError` with every fault by file and line."""
    try:
        said = policy(loaded)
        compiled = compile_policy(said)
    except NftError as error:
        raise VersionError(str(error)) from error
    if foreign := list(_foreign(loaded, said)):
        raise VersionError("\n".join(foreign))
    return compiled


def _foreign(loaded: LoadedSite, said: Policy) -> Iterator[str]:
    """Give what translates to or from addresses that are not ours: no packet would come back."""
    wanted = [(each.origin, each.zone, each.address) for each in said.publications]
    wanted += [(each.origin, each.target, each.address) for each in said.maskings]
    for origin, zone, address in wanted:
        own = {interface.ip for name, each in loaded.site.zones.items() if name == zone for interface in each.addresses}
        if address not in own:
            yield f"{origin}: {address} is no address of zone {zone!r}: add it to its `addresses`"
    zones = {str(name): settings for name, settings in loaded.site.zones.items()}
    for each in said.publications:
        if words := _taken(zones[each.zone], each):
            where = f"{each.origin}: {each.address} {each.protocol}/{each.port}"
            yield f"{where} is {words} zone {each.zone!r}: publish another port"


def _taken(zone: ZoneSettings, one: Publication) -> str:
    """Give what of the appliance's own a publication would hide, empty where nothing is there."""
    first, last = zone.media.ports
    media = one.address in {each.address for each in zone.media.addresses} and first <= one.port <= last
    if media and one.protocol == "udp":
        return "where media comes in of"
    if (one.protocol, one.address, one.port) in {(each.protocol, each.address, each.port) for each in zone.sip}:
        return "a SIP listener of"
    served = {(each.protocol, each.port) for each in zone.services.values()}
    return "a service of" if (one.protocol, one.port) in served else ""


def stated(compiled: Tables, now: float) -> None:
    """Raise `VersionError` where a test that the policy states does not hold, with what happens instead.

    For versions that are new: one that ran before a restart runs again, whatever has expired since.
    """
    failed = failures(compiled, int(now))
    if failed:
        raise VersionError(
            "\n".join(f"{test.origin}: {test.packet} should be {test.expect}; it is {found}" for test, found in failed)
        )


def policy(loaded: LoadedSite) -> Policy:
    """Give the policy of a site, unchecked; raises `ModelError` where a list of prefixes or a packet cannot be read."""
    said, reader = loaded.site.policy, _Reader(loaded)
    return Policy(
        zones=tuple(loaded.site.zones),
        networks=tuple(reader.network(name, one) for name, one in said.networks.items()),
        services=tuple(
            Service(name, kinds(one), reader.at("policy", "services", name)) for name, one in said.services.items()
        ),
        rules=tuple(_rule(one, reader.at("policy", "rules", i)) for i, one in enumerate(said.rules)),
        publications=tuple(_published(one, reader.at("policy", "publish", i)) for i, one in enumerate(said.publish)),
        maskings=tuple(
            Masking(one.zone, one.into, one.address, reader.at("policy", "mask", i), one.targets, one.services)
            for i, one in enumerate(said.mask)
        ),
        agreements=_agreements(loaded.site.agreements, reader),
        tests=tuple(reader.test(one, i) for i, one in enumerate(said.tests)),
        own=frozenset(interface.ip for zone in loaded.site.zones.values() for interface in zone.addresses),
    )


def window(loaded: LoadedSite, one: site.Agreement) -> tuple[int, int]:
    """Give when an agreement of a site starts, and when it is over, in seconds since 1970."""
    return _Reader(loaded).window(one)


class _Reader:
    """What needs to know where in the site file something stands."""

    def __init__(self, loaded: LoadedSite) -> None:
        self._loaded = loaded
        self._zone = ZoneInfo(loaded.site.time_zone)
        self._lists: dict[str, tuple[Prefix, ...]] = {}

    def at(self, *path: str | int) -> Origin:
        file, _, line = self._loaded.origin(*path).rpartition(":")
        return Origin(file, int(line))

    def prefixes(self, listed: tuple[IpNetwork, ...], files: tuple[str, ...], *path: str | int) -> tuple[Prefix, ...]:
        found = [prefix.of(network, self.at(*path, i)) for i, network in enumerate(listed)]
        for name in files:
            if name not in self._lists:
                self._lists[name] = prefix.read(self._loaded.lists.get(name, b""), name)
            found += self._lists[name]
        return tuple(found)

    def network(self, name: str, one: site.Network) -> Network:
        where = ("policy", "networks", name)
        return Network(name, one.zone, self.prefixes(one.prefixes, one.files, *where, "prefixes"), self.at(*where))

    def test(self, one: site.Test, index: int) -> Test:
        where = self.at("policy", "tests", index)
        try:
            asked = packet.parse(one.packet)
        except ModelError as error:
            raise ModelError(f"{where}: {error}") from None
        return Test(asked, one.expect, where, None if one.at is None else self.seconds(one.at))

    def seconds(self, moment: date, days: int = 0) -> int:
        """Give a moment, and whole days after it, in seconds since 1970."""
        if isinstance(moment, datetime):
            known = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
        else:
            day = moment + min(timedelta(days=days), date.max - moment)
            known = datetime.combine(day, time(), self._zone)
        return min(max(FIRST, round(known.timestamp())), LAST)

    def window(self, one: site.Agreement) -> tuple[int, int]:
        """Give when an agreement starts, and when it is over."""
        starts = self.seconds(one.starts)
        if one.ends is None:
            return starts, self.seconds(_years_after(one.starts))
        return starts, self.seconds(one.ends, 1 if whole_day(one.ends) else 0)


def _years_after(moment: date) -> date:
    year = min(moment.year + DEFAULT_YEARS, MAXYEAR)
    try:
        return moment.replace(year=year)
    except ValueError:  # 29 February
        return moment.replace(year=year, month=3, day=1)


def kinds(one: site.Traffic) -> Intervals:
    """Give the traffic of a service."""
    if one.any:
        return traffic.ALL
    found = [interval for first, last in one.tcp for interval in traffic.ports("tcp", first, last)]
    found += [interval for first, last in one.udp for interval in traffic.ports("udp", first, last)]
    return normal([*found, *([(traffic.PING, traffic.PING)] if one.ping else [])])


def _rule(one: site.Rule, origin: Origin) -> Rule:
    limits = (one.rate or 0, one.connections or 0)
    return Rule(one.zone, one.into, one.action, origin, one.sources, one.targets, one.services, one.log, *limits)


def _published(one: site.Publication, origin: Origin) -> Publication:
    return Publication(one.zone, one.protocol, one.address, one.port, one.to, one.to_port or one.port, origin)


def _agreements(said: site.Agreements, reader: _Reader) -> Agreements:
    return Agreements(
        organisations=tuple(
            Organisation(name, reader.at("agreements", "organisations", name)) for name in said.organisations
        ),
        services=tuple(_offers(said, reader)),
        clients=tuple(_clients(said, reader)),
        agreements=tuple(_each(said, reader)),
        notice=said.notice_days * DAY,
    )


def _offers(said: site.Agreements, reader: _Reader) -> Iterator[Offer]:
    for name, one in said.services.items():
        where = ("agreements", "services", name)
        endpoints = reader.prefixes(one.endpoints, one.files, *where, "endpoints")
        yield Offer(name, one.organisation, one.zone, endpoints, kinds(one), reader.at(*where), one.approval)


def _clients(said: site.Agreements, reader: _Reader) -> Iterator[Client]:
    for name, one in said.clients.items():
        where = ("agreements", "clients", name)
        prefixes = reader.prefixes(one.prefixes, one.files, *where, "prefixes")
        yield Client(name, one.organisation, one.zone, prefixes, reader.at(*where))


def _each(said: site.Agreements, reader: _Reader) -> Iterator[Agreement]:
    for name, one in said.agreements.items():
        if one.rejected:
            continue
        starts, ends = reader.window(one)
        origin = reader.at("agreements", "agreements", name)
        yield Agreement(name, one.client, one.service, starts, ends, origin, one.approved)
