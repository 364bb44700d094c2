"""Which header fields pass from one leg to the other: an allow-list, longer only where a peer's profile says so.

What passes, the profile may change, and add to: rules for the odd codec, and the name that we call ourselves.
Everything that names an address, a path, a device or a person's history is written anew or left out: Via, Contact,
Record-Route, Call-ID, History-Info, Warning, Call-Info, Alert-Info, Server, User-Agent, P-*, Remote-Party-ID.
"""

from __future__ import annotations

import re
from functools import lru_cache

from b2bua import sip
from b2bua.sip import HeaderError, Message, Request
from b2bua.sip.grammar import split_list
from b2bua.sip.headers import header_key
from vdx.control import SipPeer
from vdx.dialplan import HeaderRule
from vdx.headers import NEVER
from vdx.pattern import fill, pattern

ALWAYS = ("Accept-Language", "Content-Language", "Priority", "Privacy", "Subject")
"""They describe the call to people and carry no address."""

MAX_REASONS = 4
"""Lines of Reason, and values in one, that are looked at: one of each protocol is all that makes sense (RFC 3326 2)."""

_REASON = re.compile(r"(SIP|Q\.850)[ \t]*;(?:[^\",]*;)?[ \t]*cause[ \t]*=[ \t]*([0-9]{1,3})(?![0-9])", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*:[0-9a-fA-F.:]*")


def passing(message: Message, extra: tuple[str, ...]) -> list[tuple[str, str]]:
    """Give the header fields of `message` that pass, with those that the receiving peer's profile names."""
    return [(name, value) for name in _allowed(extra) for value in message.all(name) if may_pass(value)]


def fields_for(peer: SipPeer, message: Message) -> list[tuple[str, str]]:
    """Give the header fields that `message` of one side brings to `peer` on the other, as its profile wants them."""
    dial = peer.dial
    fields = passing(message, peer.pass_headers)
    for rule in dial.headers:
        fields = _changed(fields, rule)
    if dial.user_agent:
        fields.append(("User-Agent" if isinstance(message, Request) else "Server", dial.user_agent))
    return fields


def reasons(message: Message) -> list[tuple[str, str]]:
    """Give why a side hung up or gave up (RFC 3326), as it passes to the other: protocol and cause.

    Devices tell by it a call that was answered elsewhere from one that was missed. The words beside it may name people.
    """
    try:
        values = [value for line in message.all("Reason")[:MAX_REASONS] for value in split_list(line)[:MAX_REASONS]]
    except HeaderError:  # whatever it says, the call is over
        return []
    found = [_REASON.match(value) for value in values]
    return [("Reason", f"{match[1]};cause={match[2]}") for match in found if match]


def _changed(fields: list[tuple[str, str]], rule: HeaderRule) -> list[tuple[str, str]]:
    key = header_key(rule.name)
    if key in NEVER:  # the site file refuses such a rule; nothing else stands between it and the wire
        return fields
    if rule.action == "add":
        return [*fields, (rule.name, rule.value)]
    if rule.action == "remove":
        return [(name, value) for name, value in fields if header_key(name) != key]
    return [(name, _rewritten(value, rule) if header_key(name) == key else value) for name, value in fields]


def _rewritten(value: str, rule: HeaderRule) -> str:
    kept = pattern(rule.pattern).match(value)
    return value if kept is None else fill(rule.value, kept)


@lru_cache(maxsize=256)  # one for each peer, mostly the same
def _allowed(extra: tuple[str, ...]) -> tuple[str, ...]:
    names = {header_key(name): name for name in ALWAYS}
    for name in extra:
        key = header_key(name)
        if key not in NEVER:
            names.setdefault(key, name if len(name) > 1 else key)  # a compact form is written out
    return tuple(names.values())


def may_pass(text: str) -> bool:
    """Tell whether foreign text may stand in a message of ours: it names no address and cannot end its line."""
    return sip.is_writable(text) and _ADDRESS.search(text) is None
