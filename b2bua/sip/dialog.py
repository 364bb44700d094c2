"""Dialogs (RFC 3261 12): who is at the other end, how to reach it, which number is next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from b2bua.sip.errors import SipError
from b2bua.sip.flow import Flow, Identity, Target, Wanted
from b2bua.sip.headers import parse_name_addr
from b2bua.sip.uri import DEFAULT_PORTS, host_port, parse_uri
from b2bua.sip.write import Head

if TYPE_CHECKING:
    from b2bua.sip.leg import Leg
    from b2bua.sip.message import Message, Request, Response


class Local(NamedTuple):
    """How we present ourselves on one leg: transport and sent-by of Via, and the Contact value."""

    transport: str
    sent_by: str
    contact: str

    @staticmethod
    def of(transport: str, sent_by: tuple[str, int], user: str, contact: str = "", scheme: str = "sip") -> Local:
        """Make it from an address; the default Contact is a bare `<sip:[user@]host:port[;transport=x]>`.

        URIs know no "wss": "ws" stands for both (RFC 7118 5.2.2). Where a "sips" URI is called, the Contact is one too
        (RFC 3261 8.1.1.8, 12.1.1), which means TLS by itself (RFC 5630 3.1.3).
        """
        return _local(transport, sent_by, user, contact, scheme)

    def via(self, branch: str) -> str:
        """Write a Via value, the branch last; rport asks for answers to where we send from (RFC 3581)."""
        return f"SIP/2.0/{self.transport.upper()} {self.sent_by};rport;branch=z9hG4bK{branch}"


@lru_cache(maxsize=256)  # the rooms that are called most: held calls share what we say of ourselves
def _local(transport: str, sent_by: tuple[str, int], user: str, contact: str, scheme: str) -> Local:
    where = host_port(*sent_by)
    named = {"wss": "ws", "tls": "" if scheme == "sips" else "tls", "udp": ""}.get(transport, transport)
    suffix = f";transport={named}" if named else ""
    at = f"{user}@" if user else ""
    return Local(transport, where, contact or f"<{scheme}:{at}{where}{suffix}>")


def next_hop(uri: str, to: Flow | Target) -> Flow | Target:
    """Say where a request inside a dialog goes whose next URI (Route or Contact) is `uri`.

    A deviation from 12.2.1.1, because an edge does not send to whatever address a peer names, and because Contacts
    behind a NAT name addresses nobody can reach: requests stay on the flow of the dialog. Only the port may differ, if
    the URI names the very address the peer sends from over UDP.
    """
    if to.reliable or not isinstance(to, Flow):
        return to
    try:
        parsed = parse_uri(uri)
    except SipError:
        return to
    port = parsed.port or DEFAULT_PORTS["udp"]
    if parsed.host != to.remote[0] or port == to.remote[1]:
        return to
    return Target(to.zone, to.transport, parsed.host, port, to.local[0])


def replacement(flow: Flow, contact: str, began: str) -> Target:
    """Say where a dialog goes on whose connection closed: to the same peer, and over TLS to the same identity.

    A connection of ours is opened again to where it was; for one of theirs we try the same host at the port of their
    Contact. Over TLS any connection that they have opened meanwhile will do. A dialog that `began` over UDP goes back
    to it.
    """
    transport = "udp" if began == "udp" else flow.transport
    wanted = None
    if flow.identity is not None and transport == "tls":
        trust = min(flow.identity.vouchers, default="")
        wanted = Wanted(flow.identity.names, trust, anywhere=True)
    if flow.target is not None and transport == flow.transport:
        opened = flow.target.wanted
        return replace(flow.target, wanted=replace(opened, anywhere=True) if opened else wanted)
    try:
        uri = parse_uri(contact)
        port = uri.port if uri.host == flow.remote[0] else None
    except SipError:
        port = None
    default = DEFAULT_PORTS.get(transport, 5060)
    return Target(flow.zone, transport, flow.remote[0], port or default, flow.local[0], wanted)


class Dialog:
    """One dialog. `local` and `remote` are From and To as we write them, tags included; `target` a URI."""

    __slots__ = (
        *("_identity", "_left", "_to", "call_id", "local", "local_seq", "remote", "remote_seq", "remote_tag"),
        *("routes", "target", "who"),
    )

    def __init__(self, who: Local, call_id: str, local: str, remote: str, to: Flow | Target) -> None:
        self.who = who
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.remote_tag = ""
        self.target = ""
        self.routes: tuple[str, ...] = ()
        self.local_seq = 0
        self.remote_seq = -1
        self._identity: Identity | None = None
        self._left: Flow | None = None
        self.to = to

    @classmethod
    def from_request(cls, who: Local, request: Request, tag: str, flow: Flow) -> Dialog:
        """Make the dialog of an INVITE we answer (12.1.1). Raises HeaderError for a broken Contact or Record-Route."""
        dialog = cls(who, request.call_id, f"{request.get('to')};tag={tag}", request.get("from"), flow)
        dialog.remote_tag = request.from_.tag
        dialog.target = request.from_.uri  # RFC 2543 allowed an INVITE without a Contact
        dialog.refresh(request)
        dialog.routes = tuple(request.record_routes)
        dialog.remote_seq = request.cseq.number
        return dialog

    @classmethod
    def from_response(cls, who: Local, head: Head, response: Response, to: Flow | Target) -> Dialog:
        """Make the dialog that a response to our INVITE stands for (12.1.2)."""
        dialog = cls(who, head.call_id, head.from_, response.get("to"), to)
        dialog.remote_tag = response.to.tag
        dialog.target = head.uri
        dialog.local_seq = head.number
        dialog.update(response)
        return dialog

    def update(self, response: Response) -> None:
        """Take target and route set from a response to the INVITE that created the dialog (12.1.2, 13.2.2.4)."""
        self.refresh(response)
        self.routes = tuple(reversed(response.record_routes))

    def refresh(self, message: Message) -> None:
        """Take the peer's new Contact (12.2.1.2, 12.2.2). Raises HeaderError."""
        contacts = message.contacts
        if contacts:
            self.target = contacts[0].uri

    def head(self, branch: str, number: int = 0) -> tuple[Head, Flow | Target]:
        """Give the head of a request in this dialog (12.2.1.1), with the next number or `number`, and its way."""
        if not number:
            self.local_seq += 1
            number = self.local_seq
        uri = hop = self.target
        routes = self.routes
        lines = ""
        if routes:
            first = parse_name_addr(routes[0]).uri
            hop = first
            if ";lr" not in first.lower():  # strict router of RFC 2543
                uri, routes = first, (*routes[1:], f"<{self.target}>")
            lines = "".join(f"Route: {route}\r\n" for route in routes)
        to = next_hop(hop, self.to)
        who = self.who
        if isinstance(to, Flow) and to.transport != who.transport:  # a Via names what carries it (18.1.1)
            who = Local.of(to.transport, to.sent_by, "")
        head = Head(uri, who.via(branch), lines, self.local, self.remote, self.call_id, number)
        return head, to

    def admits(self, flow: Flow) -> bool:
        """Tell whether requests of this dialog may come on `flow`: from whoever it is with, if a certificate told.

        Servers of one peer share a name. Whoever shows a certificate where we call may show none when they connect:
        then TLS from the same host will do, as the tags of the dialog were never seen by anybody else.
        """
        ours, theirs = self._identity, flow.identity
        if ours is None or theirs == ours:
            return True
        if theirs is not None:
            return not (ours.names.isdisjoint(theirs.names) or ours.vouchers.isdisjoint(theirs.vouchers))
        host = self._to.remote[0] if isinstance(self._to, Flow) else self._to.host
        return flow.transport == "tls" and flow.remote[0] == host

    @property
    def identity(self) -> Identity | None:
        """Whose certificate the dialog began with."""
        return self._identity

    @property
    def to(self) -> Flow | Target:
        """Where requests go: the flow the peer was last heard on, or where to open another."""
        return self._to

    @to.setter
    def to(self, to: Flow | Target) -> None:
        self._to = to
        if isinstance(to, Flow) and to.identity is not None:
            self._identity = to.identity

    def stood_on(self, flow: Flow) -> bool:
        """Tell whether the dialog stands on a connection, or stood on it when it ended."""
        return self._to == flow or (self._left == flow and not isinstance(self._to, Flow))

    def leave(self, flow: Flow) -> None:
        """Forget a closed connection: the next request takes another one of the same peer."""
        if self.to == flow:
            self._left = flow
            self._to = replacement(flow, self.target, self.who.transport)


NO_FORKS: Final[Mapping[str, Dialog]] = MappingProxyType({})
"""Early dialogs of a leg that is not being called, or was answered."""


def dialog_of(leg: Leg, request: Request) -> Dialog | None:
    """Give the dialog of a leg, or the fork, that a request of the peer belongs to."""
    if request.call_id != leg.call_id:
        return None
    tag = request.from_.tag
    if leg.dialog is not None:
        return leg.dialog if leg.dialog.remote_tag == tag else None
    return leg.forks.get(tag)
