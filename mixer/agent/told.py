"""What a room's pictures are to a worker, and what a worker's counts are to people. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mixer import wire
from mixer.prompts import Language, Prompts, screen_text
from mixer.reports import StreamStats
from mixer.room import Room
from mixer.room.picture import Picture
from mixer.session import Reading

MAIN = "main"
"""The view that is recorded, and of which snapshots are taken."""

NOTHING = Reading(())

BETWEEN = "  ·  "
"""Between the parts of a line across a picture."""

MAX_NAME = 40
"""Characters of a name that stand in a picture."""


def scenes(room: Room, prompts: Prompts, names: Mapping[str, str], joined: frozenset[str]) -> wire.Scenes:
    """Give every view of a room, and who of those whose media flows watches which."""
    pictures = room.pictures()
    labelled = room.settings.overlay and len(joined) > 2  # two know each other's names, and need not be composed
    views = [*pictures.views, room.main_picture()]
    watching = [wire.Watch(who, view) for who, view in pictures.video if who in joined]
    watching += [wire.Watch(who, view, "content") for who, view in pictures.content if who in joined]
    shown = tuple(
        _scene(view, room, prompts, names if labelled else {}) for view in {view.view: view for view in views}.values()
    )
    steering = tuple(wire.Steer(who, whose) for who, whose in room.steering() if who in joined)
    return wire.Scenes(shown, tuple(watching), steering)


def _scene(picture: Picture, room: Room, prompts: Prompts, names: Mapping[str, str]) -> wire.Scene:
    language = room.settings.language
    tiles = [
        wire.Tile(
            *tile.rect,
            participant=tile.participant,
            source="content" if tile.content else "video",
            picture="" if tile.content else str(prompts.avatar),
            label=names.get(tile.participant, "")[:MAX_NAME] if not tile.content else "",
        )
        for tile in picture.tiles
    ]
    if picture.screen:
        path = str(prompts.screen(picture.screen, language))
        tiles = [wire.Tile(0, 0, picture.width, picture.height, picture=path)]
    banner = BETWEEN.join(screen_text(part, language) for part in picture.banner.splitlines())[:200]
    return wire.Scene(picture.view, picture.width, picture.height, tuple(tiles), banner)


def findings(stats: Iterable[StreamStats], language: Language) -> str:
    """Say in one line how a participant's streams do: size, loss, encryption."""
    words = []
    for one in stats:
        got = one.received
        if one.media == "video" and got.width:
            words.append(f"{got.width}x{got.height} {got.fps:.0f}/s {got.kbps:.0f} kbit/s {got.encoding.upper()}")
        if one.media in {"audio", "video"} and got.packets:
            lost = {"da": "tab", "en": "loss"}[language]
            medium = {"da": {"audio": "lyd", "video": "billede"}, "en": {"audio": "sound", "video": "picture"}}
            words.append(f"{medium[language][one.media]}: {lost} {got.loss:.1%}")
    every = list(stats)
    if every:
        known = all(one.encrypted for one in every)
        words.append({"da": ("ukrypteret", "krypteret"), "en": ("not encrypted", "encrypted")}[language][known])
    return BETWEEN.join(words)
