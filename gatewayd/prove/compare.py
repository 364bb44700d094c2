"""What should become of a packet, compared with what became of it. Pure."""

from __future__ import annotations

from gatewayd.prove.frames import Seen
from gatewayd.prove.probes import Probe
from nft.policy.interval import contains
from nft.policy.match import Reader
from nft.policy.model import Policy
from nft.policy.packet import Packet
from nft.schema import IPAddress
from vdx.proof import Difference


class Expected:
    """What a policy makes of packets: whether they pass, whereto, and with which addresses."""

    def __init__(self, policy: Policy, now: int) -> None:
        self._policy = policy
        self._reader = Reader(policy)
        self._now = now

    def difference(self, probe: Probe, came: tuple[str, Seen] | None) -> Difference | None:
        """Return what differs, None where the kernel did what the model says; `came`: where it came out, and how."""
        did = self._did(probe, came)
        if not did:
            return None
        said = probe.said
        origins = tuple(map(str, said.origins)) or ((f"sent for {probe.why}",) if probe.why else ())
        at = None if probe.at == self._now else probe.at
        return Difference(str(probe.packet), f"{said.action} ({said.text})", did, at, origins)

    def _did(self, probe: Probe, came: tuple[str, Seen] | None) -> str:
        said = probe.said
        if came is None:
            why = f", as {probe.lacks}" if probe.lacks else ""
            return f"drops it{why}" if said.allowed else ""
        zone, seen = came
        if not said.allowed or zone != said.zone:
            return f"lets it out into zone {zone!r}"
        judged = said.packet
        if (seen.target, seen.port) != (judged.target, judged.port):
            return f"sends it to {seen.target} port {seen.port}, not to {judged.target} port {judged.port}"
        source = self._source(judged, zone)
        return "" if seen.source == source else f"lets it out with source {seen.source}, not {source}"

    def _source(self, judged: Packet, zone: str) -> IPAddress:
        """Return with which source a packet leaves: the address of the first masking that matches, or its own."""
        for each in self._policy.maskings:
            if (
                (each.source, each.target, each.address.version) == (judged.zone, zone, judged.version)
                and contains(self._reader.addresses(each.targets, judged.version), int(judged.target))
                and contains(self._reader.traffic(each.services), judged.place)
            ):
                return each.address
        return judged.source
