"""The registrar: where the devices of users are, for how long, and over which connection (RFC 3261 10.3).

Pure: a REGISTER whose sender is known goes in with the time, an outcome comes out, or sip.Refusal. With it come changes
to be stored; `load` takes them back after a restart. Time is wall-clock seconds, as bindings outlive the program.

A binding is named by its instance and reg-id where the device has these (RFC 5626 6), and by its contact otherwise. It
is reached over the flow it came by, whatever address its contact names: behind a NAT no other way leads there, and
nobody can register a third party's address as his own. Contacts are shown to their own user only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from b2bua.call.contacts import Asked, agent_of, is_direct, keeps_connection, read_contacts, read_path
from b2bua.sip import Flow, Refusal, Request, Target, parse_uri
from b2bua.sip.dialog import next_hop
from b2bua.sip.uri import DEFAULT_PORTS, user_of
from vdx.access import AccessRules, BindingInfo

MAX_CALL_ID = 256
"""Characters of a Call-ID that is kept with a binding."""

FLOW_SECONDS = 120
"""Flow-Timer of RFC 5626 4.4.1: a device that has not spoken for so long sends a keepalive."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One device of a user: `contact` as registered, `expires` and `changed` in wall-clock seconds.

    `local` and `remote` are the two ends of the flow it came by, `key` tells it from the user's other devices.
    """

    peer: str
    user: str
    key: str
    contact: str
    expires: float
    changed: float
    call_id: str
    number: int
    zone: str
    transport: str
    local: tuple[str, int]
    remote: tuple[str, int]
    params: str = ""
    path: tuple[str, ...] = ()
    quality: float = 1.0
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call for a registered user goes: over which way, to which Request-URI, by which Route."""

    binding: Binding
    to: Flow | Target
    uri: str
    route: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be stored: a binding as it is now, or (None) that it is gone."""

    peer: str
    user: str
    key: str
    binding: Binding | None


class Move(NamedTuple):
    """A device of `user`, in lower case, that came back: the connection it had, and the one it has, its alone."""

    before: Flow
    flow: Flow
    user: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A REGISTER that was carried out: what its 200 says."""

    contacts: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]


Who = tuple[str, str]
"""A user: his peer, and his name in lower case, as people dial it in any."""


class Registrar:
    """Every binding of an appliance, by user and key."""

    def __init__(self, rules: AccessRules | None = None) -> None:
        self.rules = rules or AccessRules()
        self._users: dict[Who, dict[str, Binding]] = {}
        self._flows: dict[tuple[Who, str], Flow] = {}
        self._carried: dict[Flow, set[tuple[Who, str]]] = {}
        self._count = 0
        self._was: dict[tuple[Who, str], Flow] = {}  # the last flow of devices whose connection ended
        self._changes: list[Change] = []
        self._moves: list[Move] = []

    def __len__(self) -> int:
        return self._count

    def load(self, bindings: Iterable[Binding], wall: float) -> None:
        """Take in what was stored; connections are gone, so those devices wait for their next REGISTER."""
        over: list[Change] = []
        for binding in bindings:
            if binding.expires > wall and self._count < self.rules.in_all:
                self._keep(binding, None)
            else:
                over.append(Change(binding.peer, binding.user, binding.key, None))
        self._changes = over

    def keep(self, allowed: Callable[[str, str], bool]) -> None:
        """Drop the bindings of every user, told by peer and name, who is not `allowed` any more."""
        for who in [who for who in self._users if not allowed(*who)]:
            for key in list(self._users[who]):
                self._drop(who, key)

    def sweep(self, wall: float) -> None:
        """Drop every binding whose time is over; otherwise those of a user go when he is looked for."""
        for who in list(self._users):
            self._expire(who, wall)

    @property
    def changed(self) -> bool:
        """Whether there is something to be stored."""
        return bool(self._changes)

    def changes(self) -> list[Change]:
        """Give what is to be stored since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def moves(self) -> list[Move]:
        """Give the devices that came back over another connection, since the last call."""
        moves, self._moves = self._moves, []
        return moves

    def register(
        self, request: Request, flow: Flow, peer: str, user: str, wall: float, until: float = math.inf
    ) -> Registered:
        """Carry out a REGISTER of `user`, who is known for who he is `until` then.

        Raises sip.Refusal 400, 403, 423, 439, 500 or 503, and nothing changed.
        """
        if user_of(request.to.uri).lower() != user.lower():
            raise Refusal(f"{user!r} may register nobody but himself", 403)
        who = (peer, user.lower())
        self._expire(who, wall)
        held = self._users.get(who, {})
        path = read_path(request)
        if request.get("contact").strip() == "*":
            self._remove_all(request, who, held)
        else:
            asked = read_contacts(request, self.rules, max(0.0, min(self.rules.longest, until - wall)))
            self._check_order(request, held, [one.key for one in asked])
            self._check_room(held, asked, wall)
            outbound = keeps_connection(request, asked, path)
            for one in asked:
                self._change(request, flow, who, one, path, wall)
            if outbound:
                return self._outcome(who, request, wall, (("Require", "outbound"), ("Flow-Timer", str(FLOW_SECONDS))))
        return self._outcome(who, request, wall)

    def find(self, peer: str, user: str, wall: float) -> list[Place]:
        """Give where a user can be reached now, the way he prefers first, then the newest."""
        who = (peer, user.lower())
        self._expire(who, wall)
        bindings = sorted(self._users.get(who, {}).values(), key=lambda one: (-one.quality, -one.changed))
        return [place for binding in bindings if (place := self._place(who, binding)) is not None]

    def stands(self, flow: Flow, peer: str, user: str, wall: float) -> bool:
        """Tell whether `user` is reached over a flow now, and nobody else: one that several use proves nothing."""
        who = (peer, user.lower())
        self._expire(who, wall)
        carried = self._carried.get(flow)
        return carried is not None and all(one == who for one, _ in carried)

    def flow_closed(self, flow: Flow) -> None:
        """Forget a connection; the device is expected to register anew, and is reached anew then."""
        for name in self._carried.pop(flow, ()):
            self._flows.pop(name, None)
            self._was[name] = flow

    def listed(self, wall: float) -> tuple[BindingInfo, ...]:
        """List every binding for operators, by user."""
        return tuple(
            BindingInfo(
                one.peer,
                one.user,
                one.contact,
                f"{one.remote[0]}:{one.remote[1]}",
                one.transport,
                round(one.expires - wall, 1),
                one.agent,
                self._place(who, one) is not None,
            )
            for who in sorted(self._users)
            for one in self._users[who].values()
            if one.expires > wall
        )

    # One REGISTER

    @staticmethod
    def _check_order(request: Request, held: dict[str, Binding], keys: Iterable[str]) -> None:
        """Refuse what was overtaken by a later REGISTER of the same device (10.3, step 7)."""
        call_id, number = request.call_id, request.cseq.number
        if len(call_id) > MAX_CALL_ID:
            raise Refusal(f"a Call-ID over {MAX_CALL_ID} characters is not kept", 400)
        for key in keys:
            binding = held.get(key)
            if binding is not None and binding.call_id == call_id and number <= binding.number:
                raise Refusal("a later REGISTER has come before this one", 500)

    def _check_room(self, held: dict[str, Binding], asked: list[Asked], wall: float) -> None:
        fresh = sum(1 for one in asked if one.seconds and one.key not in held)
        if self._count + fresh > self.rules.in_all:
            self.sweep(wall)
            if self._count + fresh > self.rules.in_all:
                raise Refusal("there is no room for another registration", 503, (("Retry-After", "60"),))

    def _remove_all(self, request: Request, who: Who, held: dict[str, Binding]) -> None:
        if request.get("expires").strip() != "0" or len(request.all("contact")) != 1:
            raise Refusal('the contact "*" stands alone and with Expires: 0', 400)
        self._check_order(request, held, held)
        for key in list(held):
            self._drop(who, key)

    def _change(self, request: Request, flow: Flow, who: Who, one: Asked, path: tuple[str, ...], wall: float) -> None:
        if not one.seconds:
            self._drop(who, one.key)
            return
        held = self._users.get(who, {})
        if one.key not in held and len(held) >= self.rules.per_user:
            # a device without instance that moves leaves its old contacts behind: the longest unheard one goes
            self._drop(who, min(held, key=lambda key: held[key].changed))
        before = self._flows.get((who, one.key)) or self._was.get((who, one.key))
        if before is not None and before != flow and before.reliable and is_direct(request):
            self._moves.append(Move(before, flow, who[1]))
        binding = Binding(
            peer=who[0],
            user=who[1],
            key=one.key,
            contact=one.address.uri,
            expires=wall + one.seconds,
            changed=wall,
            call_id=request.call_id,
            number=request.cseq.number,
            zone=flow.zone,
            transport=flow.transport,
            local=flow.local,
            remote=flow.remote,
            params=one.params,
            path=path,
            quality=one.quality,
            agent=agent_of(request),
        )
        self._keep(binding, flow)

    def _outcome(self, who: Who, request: Request, wall: float, more: tuple[tuple[str, str], ...] = ()) -> Registered:
        contacts = tuple(
            f"<{one.contact}>{one.params};expires={max(1, round(one.expires - wall))}"
            for one in self._users.get(who, {}).values()
        )
        return Registered(contacts, (*(("Path", value) for value in request.all("path")), *more))

    # What is held

    def _keep(self, binding: Binding, flow: Flow | None) -> None:
        who = (binding.peer, binding.user)
        held = self._users.setdefault(who, {})
        self._count += binding.key not in held
        held[binding.key] = binding
        self._part(who, binding.key)
        if flow is not None:
            self._flows[who, binding.key] = flow
            self._carried.setdefault(flow, set()).add((who, binding.key))
        self._changes.append(Change(*who, binding.key, binding))

    def _drop(self, who: Who, key: str) -> None:
        held = self._users.get(who)
        if held is None or held.pop(key, None) is None:
            return
        self._count -= 1
        if not held:
            del self._users[who]
        self._part(who, key)
        self._changes.append(Change(*who, key, None))

    def _part(self, who: Who, key: str) -> None:
        """Take a binding off the flow it was reached over."""
        self._was.pop((who, key), None)
        flow = self._flows.pop((who, key), None)
        carried = self._carried.get(flow) if flow is not None else None
        if flow is not None and carried is not None:
            carried.discard((who, key))
            if not carried:
                del self._carried[flow]

    def _expire(self, who: Who, wall: float) -> None:
        for key in [key for key, one in self._users.get(who, {}).items() if one.expires <= wall]:
            self._drop(who, key)

    def _place(self, who: Who, binding: Binding) -> Place | None:
        """Give the way to a binding: its flow; without one where a datagram or a new connection may find it."""
        flow = self._flows.get((who, binding.key))
        to: Flow | Target
        if binding.transport == "udp":
            to = flow or Target(binding.zone, "udp", *binding.remote, source=binding.local[0])
            if flow is not None and not binding.path:
                to = next_hop(binding.contact, flow)
        elif flow is not None:
            to = flow
        else:
            uri = parse_uri(binding.contact)
            if binding.transport != "tcp" or uri.host != binding.remote[0] or binding.path:
                return None
            to = Target(binding.zone, "tcp", uri.host, uri.port or DEFAULT_PORTS["tcp"], source=binding.local[0])
        return Place(binding, to, binding.contact, binding.path)
