"""Streams that share one transport: BUNDLE (RFC 9143).

An offer gives each line of a group a place of its own, or none to a line that is carried only if the group is accepted
(a=bundle-only). In an answer the first line of the group stands for all: they share its place on both sides.
"""

from collections.abc import Collection, Iterable

from b2bua.sdp.description import Description

_GROUP = "a=group:BUNDLE"


def members(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the identification tags (a=mid) of each bundle group, in order."""
    return [tuple(line[len(_GROUP) :].split()) for line in lines if line == _GROUP or line.startswith(_GROUP + " ")]


def together(offer: Description, answer: Description) -> dict[int, int]:
    """Return what an answer has bundled: the index of a line -> that of the line whose place it shares.

    The line that stands for its group is not among the keys. A group that was not offered in one is none. Of an offer
    itself, taken as both, these are the lines that would share if the group were accepted as it is.
    """
    offered = [set(group) for group in members(offer.lines)]
    if not offered:
        return {}
    places = {mid: index for index, media in enumerate(answer.media) if (mid := _mid(media.lines)) is not None}
    shared: dict[int, int] = {}
    for group in members(answer.lines):
        if not any(set(group) <= whole for whole in offered):
            continue
        lines = [places[mid] for mid in group if mid in places and answer.media[places[mid]].port]
        shared.update((index, lines[0]) for index in lines[1:] if index != lines[0])
    return shared


def written(received: Description, kept: Collection[int]) -> list[str]:
    """Return the bundle groups of a description with those of their lines that are kept."""
    mids = {_mid(media.lines) for index, media in enumerate(received.media) if index in kept}
    groups = ([mid for mid in group if mid in mids] for group in members(received.lines))
    return [f"{_GROUP} {' '.join(group)}" for group in groups if group]


def _mid(lines: Iterable[str]) -> str | None:
    return next((line[6:] for line in lines if line.startswith("a=mid:")), None)
