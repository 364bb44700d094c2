"""The targets by name, and how much of the time each gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.fuzz import dialogues, protocols


class Target(NamedTuple):
    """A function that takes octets and may not raise; its share of the time; the longest input in octets."""

    run: Callable[[bytes], None]
    share: int
    longest: int


TARGETS = {
    "sip_message": Target(protocols.sip_message, 2, 4096),
    "sip_stream": Target(protocols.sip_stream, 1, 4096),
    "endpoint": Target(dialogues.endpoint, 2, 8192),
    "gateway": Target(dialogues.gateway, 2, 8192),
    "sdp_session": Target(protocols.sdp_session, 1, 4096),
    "wire_message": Target(protocols.wire_message, 1, 2048),
    "traced_message": Target(protocols.traced_message, 1, 4096),
}
