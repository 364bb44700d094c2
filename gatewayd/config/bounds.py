"""Whether the fragment of an organisation stays within what is delegated to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from pathlib import PurePosixPath

from nft.errors import ModelError
from nft.policy import packet, prefix
from vdx.dialplan import TO_DNS, TO_ROOM
from vdx.site.block import LocatedError, Zone
from vdx.site.delegation import Delegation, Fragment, owner, within
from vdx.site.dialplan import Rule
from vdx.site.limits import ScopeLimits
from vdx.site.peers import Peer
from vdx.site.policy import Approval, Network, Offer
from vdx.site.values import IpNetwork

Path = tuple[str | int, ...]


def faults(
    fragment: Fragment, organisation: str, delegation: Delegation, lists: Mapping[str, bytes]
) -> Iterator[LocatedError]:
    """Give everything by which a fragment goes beyond its organisation, each with the path to it."""
    judge = _Judge(organisation, delegation, lists)
    yield from judge.names(fragment)
    for name, peer in fragment.peers.items():
        yield from judge.peer(peer, ("peers", name))
    yield from judge.limits(fragment.limits, ("limits",))
    for index, domain in enumerate(fragment.domains):
        yield from judge.domain(domain, ("domains", index))
    for name, room in fragment.rooms.items():
        yield from judge.usable(room.peer, ("rooms", name, "peer"))
    for index, rule in enumerate(fragment.dialplan):
        yield from judge.rule(rule, ("dialplan", index))
    for name, network in fragment.policy.networks.items():
        yield from judge.network(network, ("policy", "networks", name))
    for index, test in enumerate(fragment.policy.tests):
        yield from judge.test(test.packet, ("policy", "tests", index))
    yield from judge.agreements(fragment)


class _Judge:
    """One organisation and what it may say."""

    def __init__(self, organisation: str, delegation: Delegation, lists: Mapping[str, bytes]) -> None:
        self._organisation = organisation
        self._delegation = delegation
        self._lists = lists

    def names(self, fragment: Fragment) -> Iterator[LocatedError]:
        agreed = fragment.agreements
        blocks: tuple[tuple[Path, Iterable[str]], ...] = (
            (("peers",), fragment.peers),
            (("rooms",), fragment.rooms),
            (("policy", "networks"), fragment.policy.networks),
            (("policy", "services"), fragment.policy.services),
            (("agreements", "services"), agreed.services),
            (("agreements", "clients"), agreed.clients),
            (("agreements", "agreements"), agreed.agreements),
        )
        count = len(fragment.dialplan) + len(fragment.policy.tests) + sum(len(list(names)) for _, names in blocks)
        if count > self._delegation.entries:
            yield LocatedError(f"{count:,} entries: {self._organisation!r} may have {self._delegation.entries:,}")
        for path, names in blocks:
            for name in names:
                if owner(name) != self._organisation:
                    text = f"names here are {self._organisation!r} or begin with {self._organisation + '.'!r}"
                    yield LocatedError(text, *path, name)

    def peer(self, peer: Peer, where: Path) -> Iterator[LocatedError]:
        for key, networks in (("sources", peer.sources), ("media", peer.media or ())):
            for index, network in enumerate(networks):
                yield from self.inside(peer.zone, network, (*where, key, index))
        if not peer.sources:
            yield from self.zone(peer.zone, (*where, "zone"))
        if peer.target and peer.target.address:
            yield from self.inside(peer.zone, ip_network(peer.target.address), (*where, "target", "address"))
        if peer.target and peer.target.host:
            yield from self.domain(peer.target.host, (*where, "target", "host"))
        if peer.domain:
            yield from self.domain(peer.domain, (*where, "domain"))
        if peer.certificate:
            if not peer.certificate.names:
                yield LocatedError("say with `names` which host this is: `subject` alone is the base's", *where)
            for index, name in enumerate(peer.certificate.names):
                yield from self.domain(name, (*where, "certificate", "names", index))
        yield from self.limits(peer.limits, (*where, "limits"))
        yield from self.files(peer, where)

    def files(self, peer: Peer, where: Path) -> Iterator[LocatedError]:
        paths: list[tuple[str, str]] = [("trust", peer.trust or ""), *(("crl", each) for each in peer.crl)]
        for key, secrets in (("credentials", peer.credentials), ("login", peer.login)):
            if secrets is not None:
                paths.append((key, secrets.file or ""))
                if secrets.credential and owner(secrets.credential) != self._organisation:
                    text = f"credentials of this organisation begin with {self._organisation + '.'!r}"
                    yield LocatedError(text, *where, key, "credential")
        if peer.tokens:
            paths.append(("tokens", peer.tokens.keys))
        for key, path in paths:
            if path and not self._own_file(path):
                place = f"have to be below {self._delegation.files}" if self._delegation.files else "are the base's"
                yield LocatedError(f"{path}: files of the appliance {place}", *where, key)

    def _own_file(self, path: str) -> bool:
        directory = self._delegation.files
        return (
            directory is not None
            and ".." not in PurePosixPath(path).parts
            and PurePosixPath(path).is_relative_to(directory)
            and PurePosixPath(path) != PurePosixPath(directory)
        )

    def rule(self, rule: Rule, where: Path) -> Iterator[LocatedError]:
        own_caller = rule.peer is not None and owner(rule.peer) == self._organisation
        if rule.peer is not None and not own_caller:
            yield LocatedError("a rule about callers is about peers of this organisation", *where, "peer")
        if rule.domain is not None:
            if not any(within(rule.domain, domain) for domain in self._delegation.domains):
                yield LocatedError(f"{rule.domain!r} is no domain of this organisation", *where, "domain")
        elif not own_caller:
            text = "say with `domain` or `peer` which calls of this organisation are meant: others are not its matter"
            yield LocatedError(text, *where)
        for name in rule.peers:
            if name not in {TO_ROOM, TO_DNS}:
                yield from self.usable(name, (*where, "via" if rule.via else "to"))

    def usable(self, name: str, where: Path) -> Iterator[LocatedError]:
        if owner(name) != self._organisation and name not in self._delegation.uses:
            yield LocatedError(f"{name!r} is neither of this organisation nor lent to it by `uses`", *where)

    def network(self, network: Network, where: Path) -> Iterator[LocatedError]:
        yield from self.zone(network.zone, (*where, "zone"))
        yield from self.prefixes(network.zone, network.prefixes, (*where, "prefixes"))
        yield from self.listed(network.zone, network.files, where)

    def offer(self, offer: Offer, where: Path) -> Iterator[LocatedError]:
        yield from self.zone(offer.zone, (*where, "zone"))
        yield from self.prefixes(offer.zone, offer.endpoints, (*where, "endpoints"))
        yield from self.listed(offer.zone, offer.files, where)

    def prefixes(self, zone: Zone, networks: Iterable[IpNetwork], where: Path) -> Iterator[LocatedError]:
        for index, network in enumerate(networks):
            yield from self.inside(zone, network, (*where, index))

    def listed(self, zone: Zone, files: Iterable[str], where: Path) -> Iterator[LocatedError]:
        for index, name in enumerate(files):
            at = (*where, "files", index)
            if name not in self._lists:
                yield LocatedError(f"{name} is not there: push it with the text", *at)
                continue
            try:
                found = prefix.read(self._lists[name], name)
            except ModelError as error:
                yield LocatedError(str(error), *at)
                continue
            allowed = {version: prefix.covered(self._granted(zone), version) for version in prefix.VERSIONS}
            for each in found:
                if not any(first <= each.first and each.last <= last for first, last in allowed[each.version]):
                    yield LocatedError(f"{each.origin}: {self._outside(each, zone)}", *at)
                    break  # the first one tells what kind of list this is

    def agreements(self, fragment: Fragment) -> Iterator[LocatedError]:
        said = fragment.agreements
        for name, service in said.services.items():
            yield from self.offer(service, ("agreements", "services", name))
            yield from self._ours(service.organisation, ("agreements", "services", name, "organisation"))
        for name, client in said.clients.items():
            yield from self.network(client, ("agreements", "clients", name))
            yield from self._ours(client.organisation, ("agreements", "clients", name, "organisation"))
        for name, agreement in said.agreements.items():
            where: Path = ("agreements", "agreements", name)
            if owner(agreement.client) != self._organisation:
                yield LocatedError("an agreement is asked for by the organisation of its client", *where, "client")
            if agreement.approved and owner(agreement.service) != self._organisation:
                text = "only the provider of the service can approve it, with `approves` in its own fragment"
                yield LocatedError(text, *where, "approved")
            if agreement.rejected and owner(agreement.service) != self._organisation:
                text = "only the provider of the service can reject it, with `rejects` in its own fragment"
                yield LocatedError(text, *where, "rejected")
        for name, approval in said.approves.items():
            yield from self.approval(approval, ("agreements", "approves", name))
        for name, rejection in said.rejects.items():
            yield from self.approval(rejection, ("agreements", "rejects", name))

    def approval(self, approval: Approval, where: Path) -> Iterator[LocatedError]:
        if owner(approval.service) != self._organisation:
            yield LocatedError(f"{approval.service!r} is no service of this organisation", *where, "service")

    def _ours(self, organisation: str, where: Path) -> Iterator[LocatedError]:
        if organisation not in {"", self._organisation}:
            yield LocatedError(f"this fragment is of {self._organisation!r}: leave the line away", *where)

    def test(self, text: str, where: Path) -> Iterator[LocatedError]:
        try:
            asked = packet.parse(text)
        except ModelError as error:
            yield LocatedError(str(error), *where, "packet")
            return
        granted = [network for networks in self._delegation.networks.values() for network in networks]
        if not any(end in network for end in (asked.source, asked.target) for network in granted):
            yield LocatedError("a test is about packets from or to networks of this organisation", *where, "packet")

    def limits(self, limits: ScopeLimits, where: Path) -> Iterator[LocatedError]:
        most = self._delegation.limits
        for key in ("calls", "calls_per_second", "bandwidth"):
            given, top = getattr(limits, key), getattr(most, key)
            if given is not None and top is not None and given > top:
                yield LocatedError(f"{given:,} is more than the {top:,} of this organisation", *where, key)

    def domain(self, name: str, where: Path) -> Iterator[LocatedError]:
        if not any(within(name.removeprefix("*."), domain) for domain in self._delegation.domains):
            yield LocatedError(f"{name!r} is in no domain of this organisation", *where)

    def zone(self, zone: Zone, where: Path) -> Iterator[LocatedError]:
        if zone not in self._delegation.networks:
            yield LocatedError(f"this organisation has nothing in zone {zone!r}", *where)

    def inside(self, zone: Zone, network: IpNetwork, where: Path) -> Iterator[LocatedError]:
        granted = self._delegation.networks.get(zone, ())
        if not any(network.version == each.version and network.subnet_of(each) for each in granted):  # type: ignore[arg-type]
            yield LocatedError(self._outside(network, zone), *where)

    def _outside(self, network: object, zone: Zone) -> str:
        return f"{network} lies outside what this organisation has in zone {zone!r}"

    def _granted(self, zone: Zone) -> list[prefix.Prefix]:
        nowhere = prefix.Origin("", 0)
        return [prefix.of(network, nowhere) for network in self._delegation.networks.get(zone, ())]
