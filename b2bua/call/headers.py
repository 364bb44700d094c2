"""Which header fields pass from one leg to the other: an allow-list, longer only where a peer's profile says so.

Everything that names an address, a path, a device or a person's history is written anew or left out: Via, Contact,
Record-Route, Call-ID, History-Info, Warning, Call-Info, Alert-Info, Server, User-Agent, P-*, Remote-Party-ID.
"""

from __future__ import annotations

import re

from b2bua import sip
from b2bua.sip import Message

ALWAYS = ("Accept-Language", "Content-Language", "Priority", "Privacy", "Subject")
"""They describe the call to people and carry no address."""

NEVER = frozenset(
    """
    alert-info authorization call-id call-info contact content-length cseq error-info from
    geolocation history-info identity max-forwards p-asserted-identity p-preferred-identity path
    proxy-authenticate proxy-authorization proxy-require record-route refer-to referred-by
    remote-party-id replaces reply-to require route service-route to via warning www-authenticate
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""No profile can let these pass: they belong to one leg, or reveal the other."""

_ADDRESS = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*:[0-9a-fA-F.:]*")


def passing(message: Message, extra: tuple[str, ...]) -> list[tuple[str, str]]:
    """Give the header fields of `message` that pass, with those that the receiving peer's profile names."""
    allowed = (*ALWAYS, *(name for name in extra if name.lower() not in NEVER))
    return [(name, value) for name in allowed for value in message.all(name) if may_pass(value)]


def may_pass(text: str) -> bool:
    """Tell whether foreign text may stand in a message of ours: it names no address and cannot end its line."""
    return sip.is_writable(text) and _ADDRESS.search(text) is None
