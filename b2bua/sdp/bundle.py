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
    return {index: lines[0] for lines in _bundled(offer, answer) for index in lines[1:] if index != lines[0]}


def offered_on(offer: Description, kept: Collection[int]) -> list[str]:
    """Return the bundle groups of an offer with those of their lines that are kept."""
    groups = members(offer.lines)
    if not groups:
        return []
    mids = {_mid(media.lines) for index, media in enumerate(offer.media) if index in kept}
    return _lines([mid for mid in group if mid in mids] for group in groups)


def answered(offer: Description, answer: Description, kept: Collection[int]) -> list[str]:
    """Return the bundle groups of an answer with those of their lines that are kept; none without its first one."""
    mids = [_mid(media.lines) for media in answer.media]
    groups = (lines for lines in _bundled(offer, answer) if lines[0] in kept)
    return _lines([mid for index in lines if index in kept and (mid := mids[index])] for lines in groups)


def _bundled(offer: Description, answer: Description) -> list[list[int]]:
    """Return the lines of each group that an answer has accepted, the one that stands for it first."""
    offered = [set(group) for group in members(offer.lines)]
    if not offered:
        return []
    places = {mid: index for index, media in enumerate(answer.media) if (mid := _mid(media.lines)) is not None}
    groups = (
        [places[mid] for mid in group if mid in places and answer.media[places[mid]].port]
        for group in members(answer.lines)
        if any(set(group) <= whole for whole in offered)
    )
    return [lines for lines in groups if lines]


def _lines(groups: Iterable[list[str]]) -> list[str]:
    return [f"{_GROUP} {' '.join(group)}" for group in groups if group]


def _mid(lines: Iterable[str]) -> str | None:
    return next((line[6:] for line in lines if line.startswith("a=mid:")), None)
