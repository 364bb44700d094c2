"""What would become of a call, step by step, by the very functions that calls go through (`call.entrance`).

    explanation = Explanation(entrance, ...)    who calls, what was dialled, which rules match
    explanation.queries                         names to look up first, as a call would
    explanation.finish(found, now)              the places to try, encryption, limits; gives the steps

Nothing is counted, and nothing is kept: the next call finds everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from b2bua.call.attempts import Attempt
from b2bua.call.bridging import UNBRIDGED
from b2bua.call.dialled import Dialled, UnreadableError, read, written
from b2bua.call.entrance import Entrance
from b2bua.call.identify import identify
from b2bua.call.plan import Plan
from b2bua.call.route import Refusal, Route
from b2bua.call.tally import ASSUMED_KBPS, scopes
from b2bua.locate import Destination, LocateError, Query
from b2bua.sip import Flow, SipError, Uri, parse_sip_or_tel, parse_uri
from b2bua.sip.flow import SECURE
from b2bua.sip.uri import host_port
from vdx import admission
from vdx.control import SipPeer
from vdx.dialplan import HostTarget
from vdx.explain import ExplainStep

_ENCRYPTION = {
    "required": "media is encrypted, or the call is refused",
    "preferred": "media is encrypted where both sides can",
    "off": "media is not encrypted",
}


class Explanation:
    """One question; `status` is that of the refusal, 0 as long as the call would go on."""

    def __init__(self, entrance: Entrance, source: str, dialled: str, at: float | None = None) -> None:
        self.queries: dict[HostTarget, Query] = {}
        self.status = 0
        self._entrance = entrance
        self._plan: Plan = entrance.plan
        self._steps: list[ExplainStep] = []
        self._caller: SipPeer | None = None
        self._route: Route | None = None
        zone, caller = self._identify(source)
        if caller is not None:
            self._caller = caller
            self._ask(zone, caller, dialled, at)

    def finish(
        self, found: Mapping[HostTarget, tuple[Destination, ...] | LocateError], now: float
    ) -> tuple[tuple[ExplainStep, ...], tuple[str, ...]]:
        """Give the steps, and the places in the order in which they would be tried."""
        places: list[Attempt] = []
        if self._route is not None and self._caller is not None:
            places = self._places(self._route, found, now)
            places = [place for place in places if self._admitted(self._caller, place, now)]
            if places:
                self.status = 0
                self._bridge(self._caller, places[0])
            if places and not self.status:
                self._note("outcome", f"the call goes to {_written(places[0], self._route.dialled)}")
        if self.status:
            self._note("outcome", f"the call is refused with {self.status}")
        return tuple(self._steps), tuple(_written(place, self._route.dialled) for place in places if self._route)

    def _note(self, step: str, text: str) -> None:
        self._steps.append(ExplainStep(step, text))

    def _refuse(self, status: int, step: str, why: str) -> None:
        self.status = status
        self._note(step, why)

    def _identify(self, source: str) -> tuple[str, SipPeer | None]:
        """Find who calls: a peer by its name, or whoever an address belongs to."""
        peer = self._plan.peers.named(source)
        if peer is not None:
            self._note("identify", f"{source} is a peer in {peer.zone}")
            return peer.zone, peer
        zone, colon, address = source.partition(":")
        zones = sorted({one.zone for one in self._plan.signalling.listeners})
        if colon and zone in zones:
            zones = [zone]
        else:
            address = source
        try:
            ip_address(address)
        except ValueError:
            self._refuse(403, "identify", f"{source!r} is no peer and no address: write a name, or sdn:192.0.2.1")
            return "", None
        for zone in zones:
            known = self._known(zone, address)
            if known is not None:
                return zone, known
        self._refuse(403, "identify", f"{source} is nobody we know")
        return "", None

    def _known(self, zone: str, address: str) -> SipPeer | None:
        def note(way: str, text: str) -> None:
            self._note("identify", f"{zone}, {way}: {text}")

        caller = identify(self._plan.peers, Flow("udp", ("", 0), (address, 0), zone, 0, ("", 0)), note=note)
        return caller.peer if caller is not None else None

    def _ask(self, zone: str, caller: SipPeer, text: str, at: float | None) -> None:
        try:
            dialled = read(self._uri(text), caller, self._plan.ourselves, self._plan.receptions.get(zone, ""))
        except (UnreadableError, SipError) as error:
            self._refuse(error.status if isinstance(error, SipError) else 404, "dialled", str(error))
            return
        whose = "ours" if dialled.ours else "not ours"
        pin = ", with a PIN" if dialled.pin else ""
        domain = f"in {dialled.domain}, which is {whose}" if dialled.domain else "at our address"
        self._note(
            "dialled", f"{dialled.alias or 'nobody'!r} {domain}{pin}{', over TLS only' if dialled.secure else ''}"
        )
        route = self._entrance.find(zone, caller, dialled, at=at, note=self._note)
        if isinstance(route, Refusal):
            self._refuse(route.status, "route", route.why)
            return
        self._route = route
        self._note("route", f"{route.origin} leads to {', '.join(_lead(lead.peer, lead.user) for lead in route.leads)}")
        self.queries = self._entrance.queries(route)

    def _uri(self, text: str) -> Uri:
        """Read a URI, or what people type where one is wanted: a name, a number, an address."""
        if text.partition(":")[0].lower() in {"sip", "sips", "tel"}:
            return parse_sip_or_tel(text)
        user, at, host = text.rpartition("@")
        if at:
            return parse_uri(f"sip:{_typed(user)}@{host}")
        listeners = self._plan.signalling.listeners
        own = listeners[0].advertise if listeners else "localhost"
        try:
            return parse_uri(f"sip:{host_port(str(ip_address(text)), None)}")
        except ValueError:
            return parse_uri(f"sip:{_typed(text)}@{host_port(own, None)}")

    def _places(
        self, route: Route, found: Mapping[HostTarget, tuple[Destination, ...] | LocateError], now: float
    ) -> list[Attempt]:
        for host, result in found.items():
            if isinstance(result, LocateError):
                self._refuse(result.status, "names", str(result))
            else:
                where = ", ".join(f"{one.transport} {host_port(one.host, one.port)}" for one in result)
                self._note("names", f"{host.host} leads to {where}")
        places = self._entrance.places(route, found, now)
        for place in places:
            peer = place.peer
            tried = (
                "tried last, it is down or failed a moment ago"
                if self._entrance.is_dead(place, now)
                else "tried in this order"
            )
            self._note("place", f"{_written(place, route.dialled)} as {peer.name} in {peer.zone}: {tried}")
            self._note("encryption", f"{peer.name}: {_ENCRYPTION[peer.media.encryption]}")
        if not places and not self.status:
            over = " over TLS, as sips asks for" if route.dialled.secure else ""
            self._refuse(480, "place", f"no listener of ours reaches any place, or nobody is registered{over}")
        return places

    def _bridge(self, caller: SipPeer, place: Attempt) -> None:
        """Say when the call goes through a mixing server, and which one."""
        way = self._plan.bridging(caller, place.peer)
        if way == "never" or (way == "on_refusal" and self._plan.mixers is None):
            return
        bridges = self._plan.bridges()
        servers = ", ".join(host_port(each.place[0], each.place[1]) for each in bridges)
        clear = sorted({each.place[2] for each in bridges} - SECURE)
        keys = f"; no keys of SRTP pass to it over {' or '.join(clear)}" if clear else ""
        if way == "on_refusal":
            then = f"mixing server {servers} brings them together" if servers else f"the refusal stands: {UNBRIDGED}"
            self._note("bridge", f"where codecs or encryption of both ends do not fit, {then}{keys}")
        elif servers:
            self._note("bridge", f"the call goes through mixing server {servers} in any case{keys}")
        else:
            self._refuse(480, "bridge", f"the call has to go through a mixing server, and {UNBRIDGED}")

    def _admitted(self, caller: SipPeer, place: Attempt, now: float) -> bool:
        verdict = self._entrance.judge(scopes(caller, place.peer), ASSUMED_KBPS, now)
        if isinstance(verdict, admission.Admit):
            self._note("limits", f"{place.peer.name}: there is room")
            return True
        self._refuse(verdict.status, "limits", f"{verdict.why}; try again in {verdict.retry_after} s")
        return False


def _typed(name: str) -> str:
    """Escape what people type and a URI does not hold, such as blanks; their own escapes stay."""
    return "%".join(written(part) for part in name.split("%"))


def _lead(peer: SipPeer, user: str) -> str:
    return f"{peer.name} as {user!r}"


def _written(place: Attempt, dialled: Dialled) -> str:
    scheme = "sips" if dialled.secure else "sip"
    host, port = place.place
    return f"{scheme}:{place.user}@{host_port(host, port)} over {place.to.transport}"
