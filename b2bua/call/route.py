"""The dial plan: from who dials what, to a peer or a refusal; the same steps serve calls and explanations."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass

from b2bua.call.identify import Peers
from vdx.control import SipPeer
from vdx.dialplan import DialRule


@dataclass(frozen=True, slots=True)
class Route:
    """A call goes to `peer`, dialled there as `user`."""

    peer: SipPeer
    user: str
    origin: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call is refused with a SIP status; `why` is for operators, not for the caller."""

    status: int
    why: str


class DialPlan:
    """The rules of a site version, in order; the first match decides."""

    def __init__(self, rules: tuple[DialRule, ...], peers: Peers) -> None:
        self._peers = peers
        # RFC 3261 19.1.4 makes the user part case-sensitive; people and remote controls do not.
        self._rules = [(re.compile(fnmatch.translate(rule.alias), re.IGNORECASE), rule) for rule in rules]

    def route(self, zone: str, peer: SipPeer, alias: str) -> Route | Refusal:
        """Decide where a call from `peer` in `zone` for `alias` goes."""
        for pattern, rule in self._rules:
            if rule.zone in (None, zone) and rule.peer in (None, peer.name) and pattern.match(alias):
                return self._act(rule, alias)
        return Refusal(404, f"no rule of the dial plan matches {alias!r} from {peer.name} in {zone}")

    def _act(self, rule: DialRule, alias: str) -> Route | Refusal:
        if rule.to is None:
            return Refusal(rule.refuse or 403, f"refused by {rule.origin}")
        peer = self._peers.named(rule.to)
        if peer is None or peer.target is None:
            return Refusal(404, f"{rule.origin} leads to {rule.to!r}, which has no target")
        return Route(peer, rule.user or alias, rule.origin)
