"""SIP header fields that no profile can let pass from one leg of a call to the other.

They belong to one leg (its path, its dialog, its body, what its two ends can do) or reveal the other side of the edge.
"""

from __future__ import annotations

BRIDGE = "Vdx-Bridge"
"""In an INVITE of the edge to a mixing server: whom it is to call back, and to bring together with the caller."""

NEVER = frozenset(
    """
    accept accept-encoding alert-info allow allow-events authorization call-id call-info contact
    content-disposition content-encoding content-length content-type cseq error-info event from
    geolocation history-info identity identity-info in-reply-to join max-forwards mime-version
    min-se p-asserted-identity p-preferred-identity path proxy-authenticate proxy-authorization
    proxy-require rack record-route refer-to referred-by remote-party-id replaces reply-to
    request-disposition require route rseq service-route session-expires subscription-state
    supported target-dialog to unsupported vdx-bridge via warning www-authenticate
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""In lower case, by the long name."""


def refusal(name: str) -> str | None:
    """Tell why a profile cannot let this header field pass; None where it can."""
    if len(name) == 1:
        return f"{name!r} is a compact form (RFC 3261 7.3.3): write the long name of the header field"
    if name.lower() in NEVER:
        return f"{name!r} belongs to one side of the call and never passes: remove it"
    return None
