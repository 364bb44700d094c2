"""Keys of SRTP in the description itself (SDES, RFC 4568; AES-GCM by RFC 7714)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SUITES = {
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_128_GCM": 28,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
}
"""[suite] -> octets of master key and salt; the best first."""

OFFERED = ("AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80")
"""What we offer: a tag of 32 bits is taken from those who have nothing else."""

# RFC 4568 section 9.1: a=crypto:<tag> <suite> inline:<key||salt>[|lifetime][|MKI:length] [session parameters]
_CRYPTO = re.compile(r"a=crypto:([0-9]{1,9}) +([A-Z0-9_]{1,40}) +inline:([A-Za-z0-9+/]{16,88}={0,2})(\|[^ ]*)?( .*)?")


@dataclass(frozen=True, slots=True)
class Key:
    """One direction's key: `tag` of its line, `secret` is master key and salt."""

    tag: int
    suite: str
    secret: bytes = field(repr=False)

    @property
    def inline(self) -> str:
        """Write the secret as SDP does, in base64."""
        return base64.b64encode(self.secret).decode()

    @property
    def line(self) -> str:
        """Write it as a line of SDP, which holds the secret."""
        return f"a=crypto:{self.tag} {self.suite} inline:{self.inline}"


def new_key(suite: str, tag: int, octets: Callable[[int], bytes]) -> Key:
    """Make a key of ours; `octets` gives that many random ones."""
    return Key(tag, suite, octets(SUITES[suite]))


def keys(lines: Iterable[str]) -> list[Key]:
    """Read the keys that can be used.

    Those with a master key identifier or session parameters (RFC 4568 section 6.3) are left out: we would have to obey.
    """
    found = []
    for line in lines:
        match = _CRYPTO.fullmatch(line)
        if match is None or match[2] not in SUITES or ":" in (match[4] or "") or (match[5] or "").strip():
            continue
        try:
            secret = base64.b64decode(match[3], validate=True)
        except binascii.Error:
            continue
        if len(secret) == SUITES[match[2]]:
            found.append(Key(int(match[1]), match[2], secret))
    return found


def choose(offered: list[Key]) -> Key | None:
    """Give the best key of an offer."""
    ranking = list(SUITES)
    return min(offered, key=lambda key: ranking.index(key.suite), default=None)
