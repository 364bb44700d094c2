"""Keys of the history API: random, shown once, stored as their digest."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

LENGTH = 36
"""Characters of a key: no more fit into the field that clients have for it."""

SHORTEST = 24
"""Characters of a key that comes from another installation."""


def make() -> str:
    """Make a key: 122 random bits, in the form that keys always had."""
    return str(UUID(bytes=secrets.token_bytes(16), version=4))


def digest(key: str) -> str:
    """Give what is stored of a key: it is random, so one round of hashing protects it, and it can be searched by."""
    return hashlib.blake2b(key.encode(), digest_size=32, person=b"vdx-history-key").hexdigest()
