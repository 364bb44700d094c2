"""What was dialled: a Request-URI, read the way people and room systems write one.

    room@domain               the domain is one of ours, or somebody else's
    room@edge-address         the peer's own domain is meant
    edge-address              the reception of the zone is meant
    edge-address##room        the same as room@edge-address, as H.323 systems dial
    room%40domain@address     a whole address in the user part, as systems behind a trunk dial
    room**1234                the room, and the PIN that opens it
    +47 22-33.44 (user=phone) a number, its visual separators taken out (RFC 3966 5.1.1)
    tel:+47-22-33-44          the same, in the peer's own domain; a local one in that of its phone-context

The name is decoded (RFC 3261 19.1.2) and loses a password and what stands behind a number. Its case is kept, and does
not matter afterwards. The PIN leaves the name here: it stands in no record, list or log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import quote, unquote_to_bytes

from b2bua.sip import Uri
from vdx.control import SipListener, SipPeer

MAX_DIALLED = 128
"""Characters of a dialled name: the dial plan has no longer ones, and they stand in messages, records and lists."""

_MAX_REMEMBERED = 10_000
"""Hosts of which it is remembered whether they are ours: most calls name one of a few."""

# A PIN is typed on a remote control; some end it with "#"
_PIN = re.compile(r"([0-9]{1,16})#?")
# visual-separator = "-" / "." / "(" / ")" (RFC 3966 5.1.1), and the blanks that address books have
_SEPARATORS = str.maketrans("", "", "-.() ")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


# What IP addresses are written with, zones of IPv6 left out
_ADDRESS = frozenset("0123456789abcdefABCDEF.:")


class UnreadableError(ValueError):
    """A dialled name that nobody can mean: 404 for the caller, the sentence for operators."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A name and its domain, in lower case, "" where only an address of ours was dialled; `ours` says whose it is.

    `secure`: a `sips:` URI, which only goes on over TLS (RFC 3261 26.2.2).
    """

    alias: str
    domain: str
    ours: bool
    secure: bool = False
    pin: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.alias}@{self.domain}" if self.domain else self.alias


class Ourselves:
    """What we are called: our addresses, and our domains; where there are none, every domain counts as ours."""

    def __init__(self, listeners: Iterable[SipListener], domains: Iterable[str], host: str) -> None:
        self._addresses = {_literal(text) for one in listeners for text in (one.address, one.advertise)}
        self._domains = {domain: domain for domain in domains}
        # the name that SRV records lead to (`gatewayctl dns`): some dial it as it stands
        self._domains |= {f"{host}.{domain}": domain for domain in self._domains} if host else {}
        self._known: dict[str, str | None] = {}

    def domain(self, host: str) -> str | None:
        """Give the domain of ours that a host stands for, None for what is not ours.

        "" for an address of ours, and where no host is told: whoever calls here means us.
        """
        try:
            return self._known[host]
        except KeyError:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[host] = found = self._find(host)
            return found

    def _find(self, host: str) -> str | None:
        address = _literal(host)
        if not host or address in self._addresses:
            return ""
        if self._domains:
            return self._domains.get(host)
        return host if address == host and not _is_address(host) else None


def read(uri: Uri, caller: SipPeer, ourselves: Ourselves, reception: str = "") -> Dialled:
    """Read what `caller` dialled; `reception` is the alias behind the bare address. Raises UnreadableError."""
    user = uri.user.partition(":")[0]
    number = user.startswith(("+", "%2B", "%2b")) or uri.params.get("user", "").lower() == "phone"
    if number:
        user = user.partition(";")[0]  # telephone-subscriber: parameters of the number (RFC 3966 3)
    alias = _decoded(user)
    host = uri.host.lower().rstrip(".")
    if ourselves.domain(host) is not None:
        alias, host = _unfolded(alias, host, ourselves)
    if number:
        alias = alias.translate(_SEPARATORS)
    own = ourselves.domain(host)
    dialled = Dialled(alias, host if own is None else own or caller.dial.domain, own is not None, uri.scheme == "sips")
    name, stars, pin = alias.partition("**")
    if stars and name and (found := _PIN.fullmatch(pin)):
        dialled = replace(dialled, alias=name, pin=found[1])
    if not dialled.alias and dialled.ours:
        dialled = replace(dialled, alias=reception)
    return dialled


def written(alias: str) -> str:
    """Write a name as the user part of a URI: what may not stand there is escaped (RFC 3261 25.1)."""
    return quote(alias, safe="-_.!~*'()&=+$,;?/")


def _unfolded(alias: str, host: str, ourselves: Ourselves) -> tuple[str, str]:
    """Take a whole address out of the user part of a URI that names us."""
    left, marks, right = alias.partition("##")
    if left and right and marks and ourselves.domain(left.lower()) is not None:
        return right, left.lower()
    name, at, domain = alias.rpartition("@")
    if at and name and domain:
        return name, domain.lower().rstrip(".")
    if alias and not at and _is_address(alias) and ourselves.domain(alias.lower()) is not None:
        return "", alias  # the address alone, dialled through a trunk
    return alias, host


def _decoded(user: str) -> str:
    if len(user) > 3 * MAX_DIALLED:
        raise UnreadableError(f"the dialled name has over {MAX_DIALLED} characters")
    try:
        text = unquote_to_bytes(user).decode()
    except UnicodeDecodeError:
        raise UnreadableError("the dialled name is not UTF-8") from None
    if len(text) > MAX_DIALLED:
        raise UnreadableError(f"the dialled name has over {MAX_DIALLED} characters")
    if _CONTROL.search(text):
        raise UnreadableError("the dialled name holds control characters")
    return text


def _literal(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def _is_address(host: str) -> bool:
    if not _ADDRESS.issuperset(host.partition("%")[0]):
        return False
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
