"""m-lines of two sides that have not always talked to each other: one of them may have had more streams before.

A stream is never left out of an offer, only refused (RFC 3264 8). Where a side joins a call whose other side has more
m-lines in its dialog, the lines that are missing are offered to that side with port 0, and cut off what comes back.
"""

from __future__ import annotations

from dataclasses import replace

from b2bua.sdp import Description, Media


def padded(offer: Description, had: tuple[Media, ...]) -> Description:
    """Give the offer with as many m-lines as the other side `had`, those that it lacks refused."""
    missing = had[len(offer.media) :]
    if not missing:
        return offer
    refused = tuple(Media(media.kind, 0, 1, media.proto, media.formats, ()) for media in missing)
    return Description(offer.lines, offer.media + refused)


def cut(description: Description, count: int) -> Description:
    """Give the first m-lines of a description."""
    if len(description.media) == count:
        return description
    return replace(description, media=description.media[:count])
