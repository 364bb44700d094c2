"""Which views a room needs now, and who watches which. Pure.

As few pictures as possible are composed: all who are to see the same share one. The exceptions: up to
`RoomSettings.personal` pictures everybody gets one without himself; above it, where one speaker fills the frame, the
speaker sees the others without himself while all others share one picture. Whoever has no stream for content sees it in
the main place of another version of their view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mixer.layout import SHAPES, Tile, View, arrange, seat
from mixer.room.participant import WAITING, Participant, Phase, Role
from mixer.room.settings import Kind, RoomSettings
from mixer.session import Abilities

SCREENS = {
    Phase.PIN: "pin",
    Phase.LOBBY: "lobby",
    Phase.KNOCKING: "knocking",
    Phase.LEAVING: "goodbye",
}
"""The still picture of each phase outside the meeting."""

CONTENT = "content"
"""The view of what is presented, alone."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One view: `tiles` of participants, or a still `screen`; `banner` across its upper edge, its parts in lines."""

    view: str
    width: int
    height: int
    tiles: tuple[Tile, ...] = ()
    screen: str = ""
    banner: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """All views, and pairs of participant and view: of the main stream, and of the stream of content."""

    views: tuple[Picture, ...]
    video: tuple[tuple[str, str], ...]
    content: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Leading:
    """Who takes the first places: spotlit people, whoever presents, those who spoke last."""

    spotlights: tuple[str, ...] = ()
    presenter: str = ""
    speakers: tuple[str, ...] = ()

    def order(self, *, presenter_first: bool) -> tuple[str, ...]:
        """Give them by weight."""
        first = (self.presenter,) if self.presenter and presenter_first else ()
        return (*first, *self.spotlights, *self.speakers[:1])


def reseat(before: Sequence[str], people: Sequence[Participant], leading: Leading, settings: RoomSettings) -> list[str]:
    """Give the order of all who are inside; those without a camera come after those with one when they are new."""
    inside = [one for one in people if one.inside]
    present = [one.id for one in sorted(inside, key=lambda one: (not one.video, one.arrived))]
    mains = SHAPES[settings.host_view].mains
    return list(seat(before, present, leading.order(presenter_first=settings.force_presenter), mains))


def compose(
    people: Sequence[Participant], order: Sequence[str], leading: Leading, settings: RoomSettings, banner: str = ""
) -> Pictures:
    """Give every view that somebody watches."""
    bounds = Abilities(settings.quality).bounds
    size = bounds.width, bounds.height
    views: dict[str, Picture] = {}
    video: list[tuple[str, str]] = []
    content: list[tuple[str, str]] = []
    hosts = frozenset(one.id for one in people if one.inside and one.role is Role.HOST)
    for one in people:
        if not one.video or one.phase is Phase.DIALLED:
            continue
        if one.inside:
            picture = _inside(one, order, leading, settings, hosts, banner)
            if leading.presenter and one.content and one.id != leading.presenter:
                content.append((one.id, CONTENT))
        else:
            screen = "reception" if settings.kind is Kind.RECEPTION and one.phase is Phase.PIN else SCREENS[one.phase]
            view = f"screen-{screen}{'-' + one.note if one.note else ''}"  # who is told something has it on his own
            picture = Picture(view, *size, screen=screen, banner=one.note)
        views[picture.view] = picture
        video.append((one.id, picture.view))
    if content:
        whole = arrange(View.ONE_MAIN_ZERO_PIPS, (), *size, content=leading.presenter)
        views[CONTENT] = Picture(CONTENT, *size, tiles=whole)
    return Pictures(tuple(views.values()), tuple(video), tuple(content))


def steering(pictures: Pictures, people: Sequence[Participant], settings: RoomSettings) -> tuple[tuple[str, str], ...]:
    """Give pairs of those who may move a camera, and whose: of who stands in the first place of what they see."""
    may = {
        one.id
        for one in people
        if one.inside
        and settings.camera_control != "nobody"
        and (settings.camera_control == "everybody" or one.role is Role.HOST)
    }
    first = {picture.view: picture.tiles[0] for picture in pictures.views if picture.tiles}
    shown = ((who, first[view]) for who, view in pictures.video if who in may and view in first)
    return tuple((who, tile.participant) for who, tile in shown if not tile.content and tile.participant != who)


def main_view(people: Sequence[Participant], order: Sequence[str], leading: Leading, settings: RoomSettings) -> Picture:
    """Give the hosts' view with content in it, for a recording or a snapshot."""
    bounds = Abilities(settings.quality).bounds
    tiles = arrange(settings.host_view, order, bounds.width, bounds.height, content=leading.presenter)
    del people
    return Picture("main", bounds.width, bounds.height, tiles=tiles)


def _inside(
    one: Participant,
    order: Sequence[str],
    leading: Leading,
    settings: RoomSettings,
    hosts: frozenset[str],
    banner: str,
) -> Picture:
    """Give the view of somebody in the meeting."""
    bounds = Abilities(settings.quality).bounds
    lecture = settings.lecture and one.role is Role.GUEST
    view = settings.guest_view if lecture else settings.host_view
    shown = [who for who in order if who in hosts] if lecture else list(order)
    name = "guests" if lecture else "hosts"
    without: frozenset[str] = frozenset()
    alone = SHAPES[view].mains == 1 and shown[:1] == [one.id]
    if settings.kind is Kind.MEETING and one.id in shown and (len(shown) <= settings.personal + 1 or alone):
        without = frozenset((one.id,))
        name += f"-{one.id}"
    if settings.kind is Kind.GATEWAY:
        without = frozenset((one.id,))
        name = one.id
    beside = leading.presenter if not one.content and leading.presenter != one.id else ""
    if beside:
        name += "-content"
    tiles = arrange(view, shown, bounds.width, bounds.height, content=beside, without=without)
    screen = "" if tiles else "alone"
    if settings.kind in {Kind.TEST, Kind.PROBE}:
        name, tiles, screen = one.id, arrange(view, [one.id], bounds.width, bounds.height), ""
        banner = one.note
    return Picture(name, bounds.width, bounds.height, tiles, screen, banner)


def waits(one: Participant) -> bool:
    """Tell whether somebody is kept before the meeting."""
    return one.phase in WAITING
