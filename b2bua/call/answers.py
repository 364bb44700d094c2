"""Which failure of one side the other side hears."""

from __future__ import annotations

OWN_MATTER = {
    401: 500,  # a challenge is for us, whose credentials it asks for; the caller cannot answer it
    407: 500,
    405: 500,  # the method, the scheme, the extensions of the INVITE are ours
    415: 488,  # the body's type is ours too, but what the callee wants is another description
    416: 500,
    420: 500,
    421: 500,
    482: 500,  # the caller made no loop
    483: 500,
    491: 500,
    503: 500,  # RFC 3261 16.7, step 6: the callee's overload is not ours
    513: 500,
}
"""Statuses that concern only our own leg."""


def mapped(status: int) -> int:
    """Give the status to pass on for a final answer of the other side; a redirection is not followed."""
    if 300 <= status < 400:
        return 480
    return OWN_MATTER.get(status, status)


BESIDE: dict[int, list[tuple[str, str]]] = {415: [("Accept", "application/sdp")]}
"""Header fields that a refusal of ours must carry (RFC 3261 21.4.13)."""

REFUSALS = {"policy": 488, "limit": 488, "invalid": 488, "ports": 503, "kernel": 503, "unknown": 481}
"""What a caller hears where `gatewayd` refuses a lease, by the code of the refusal."""
