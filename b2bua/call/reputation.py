"""What is thought of sources that are no peer: three classes, offences that add up and fade, and who is banned.

Theory of operation. Each offence adds its weight to a source's score, which halves every HALF_LIFE. At the LIMIT the
class falls by one step and the score begins anew; a class that was given for a while lapses by itself:

    untrusted   where everybody begins: heard, and answered within bounds
    trusted     has proven who it is not long ago: offences cost it this class first
    denied      is not answered any more

What a source over UDP does counts only where it has answered a challenge of ours: anybody can write any address into a
datagram. So a forged flood makes nobody denied; its answers are bounded instead. A ban in the kernel needs a connection
(TCP, TLS, WSS), whose address is proven by its handshake. Own peers are never judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, NamedTuple

Class = Literal["untrusted", "trusted", "denied"]
Offence = Literal["scanner", "credentials", "token", "stranger"]


class Weight(NamedTuple):
    """What an offence costs, and what an operator reads."""

    points: float
    sentence: str


OFFENCES: dict[Offence, Weight] = {
    "scanner": Weight(10.0, "names itself as a scanner"),
    "credentials": Weight(2.0, "gave a wrong user or password"),
    "token": Weight(2.0, "brought a token that does not count"),
    "stranger": Weight(1.0, "asked without being known"),
}

LIMIT = 9.0
"""The score at which the class falls: five wrong passwords in a quarter of a minute, nine requests of a stranger."""

HALF_LIFE = 120.0
"""Seconds in which a score halves: a device with an old password that tries once a minute stays below the LIMIT."""

TRUSTED_SECONDS = 3600.0
"""How long proof is remembered: longer than a registration, so that a device in use stays trusted."""

DENIED_SECONDS = 600.0
"""How long a source is not answered; it is also the least time a ban of the kernel is asked for."""

MAX_BAN_SECONDS = 7 * 86_400
"""The longest ban that `gatewayd` takes; a source that comes back is banned for twice as long as before, up to this."""

MAX_SOURCES = 20_000
"""Sources remembered, the longest untouched forgotten first: about 4 MB, and more than a scan brings in a HALF_LIFE."""

ANSWERS_PER_SECOND, ANSWERS_AT_ONCE = 2.0, 20.0
"""Answers to one source that has proven nothing: a device that begins needs four, a forged source gains nothing."""

TRANSITIONS: dict[tuple[Class, str], Class] = {
    ("untrusted", "proof"): "trusted",
    ("trusted", "proof"): "trusted",
    ("trusted", "limit"): "untrusted",
    ("trusted", "lapse"): "untrusted",
    ("untrusted", "limit"): "denied",
    ("denied", "lapse"): "untrusted",
    # a denied source that proves itself was heard by mistake: it waits like the others
}
"""A row reads: in this class, on this, to that class; what has no row changes nothing."""

_SCANNERS = re.compile(
    r"friendly-scanner|friendly-request|sipvicious|sundayddr|sip-?scan|sipcli|sipptk|siparmyknife|sivus|smap\b|iwar\b"
    r"|vaxsipuseragent|pplsip|eyebeam release 3006o|\bvsip\b|\bssip\b|nm@nm",
    re.IGNORECASE,
)
"""What well-known scanners call themselves; whoever takes the trouble to lie is found by what it does."""


def is_scanner(agent: str) -> bool:
    """Tell whether a User-Agent is that of a known scanner."""
    return _SCANNERS.search(agent[:256]) is not None


class Ban(NamedTuple):
    """What the kernel is asked for."""

    address: str
    seconds: int
    reason: str


@dataclass(slots=True)
class _Source:
    """One source; `until` is when its class lapses, `answers` what is left of its allowance at `seen`."""

    seen: float
    standing: Class = "untrusted"
    until: float = 0.0
    score: float = 0.0
    answers: float = ANSWERS_AT_ONCE
    bans: int = 0


class Reputation:
    """Every source that did something worth remembering; `ban_seconds` is the first ban, 0 for none."""

    def __init__(self, ban_seconds: int = 3600) -> None:
        self.ban_seconds = ban_seconds
        self._sources: dict[str, _Source] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def standing(self, zone: str, host: str, now: float) -> Class:
        """Give the class of a source."""
        source = self._sources.get(_key(zone, host))
        if source is None:
            return "untrusted"
        self._fade(source, now)
        return source.standing

    def prove(self, zone: str, host: str, now: float) -> None:
        """Take in that a source finished a handshake with a known name, or answered a challenge rightly."""
        self._step(self._touch(zone, host, now), "proof", now)

    def offend(
        self, zone: str, host: str, offence: Offence, now: float, *, proven: bool, connected: bool
    ) -> Ban | None:
        """Take in an offence; gives the ban to ask for, if it is time.

        `proven`: the source cannot be forged (a connection, or an answer to our challenge); otherwise nothing counts.
        `connected`: it came over a connection, without which nobody is banned.
        """
        if not proven:
            return None
        source = self._touch(zone, host, now)
        weight = OFFENCES[offence]
        source.score += weight.points
        if source.score < LIMIT:
            return None
        self._step(source, "limit", now)
        if source.standing != "denied" or not connected or not self.ban_seconds:
            return None
        seconds = min(self.ban_seconds << min(source.bans, 16), MAX_BAN_SECONDS)
        source.bans += 1
        return Ban(host, seconds, f"{weight.sentence}, once too often")

    def may_answer(self, zone: str, host: str, now: float) -> bool:
        """Take one answer from the allowance of a source that has proven nothing; False where none is left."""
        source = self._touch(zone, host, now)
        if source.answers < 1.0:
            return False
        source.answers -= 1.0
        return True

    def _touch(self, zone: str, host: str, now: float) -> _Source:
        key = _key(zone, host)
        source = self._sources.pop(key, None)
        if source is None:
            if len(self._sources) >= MAX_SOURCES:
                del self._sources[next(iter(self._sources))]
            source = _Source(now)
        self._sources[key] = source  # the last touched stands last
        self._fade(source, now)
        return source

    def _fade(self, source: _Source, now: float) -> None:
        passed = max(0.0, now - source.seen)
        source.seen = now
        source.score *= 0.5 ** (passed / HALF_LIFE)
        source.answers = min(ANSWERS_AT_ONCE, source.answers + passed * ANSWERS_PER_SECOND)
        if source.standing != "untrusted" and source.until <= now:
            self._step(source, "lapse", now)

    def _step(self, source: _Source, event: str, now: float) -> None:
        following = TRANSITIONS.get((source.standing, event))
        if following is None:
            return
        if event == "limit":
            source.score = 0.0
        source.standing = following
        source.until = now + (TRUSTED_SECONDS if following == "trusted" else DENIED_SECONDS)


def _key(zone: str, host: str) -> str:
    """Name what one host can send from: its address, or the /64 it may number itself in (RFC 4291 2.5.1)."""
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        return f"{zone} {ip_network((address, 64), strict=False)}"
    return f"{zone} {host}"
