"""A room system that follows what it is told sends as large a picture as fills its place; others are not told."""

from __future__ import annotations

import pytest

from bench.mixer.load import Player, sound_clip, video_clip
from mixer.reports import Stats
from mixer.wire import Scene, Scenes, Tile, Watch
from tests.mixer.worker.world import Worker, running

pytestmark = pytest.mark.system


def received(room: Worker, who: str, high: int) -> None:
    room.wait(Stats, lambda said: any(one.participant == who and one.received.height == high for one in said.streams))


def shown(high: int) -> Scenes:
    scene = Scene("all", 1280, 720, (Tile(0, 0, high * 16 // 9, high, "p0"),))
    return Scenes((scene,), (Watch("p0", "all"),))


def test_who_follows_sends_what_fills_his_place() -> None:
    with running() as room:
        player = Player(room, 1, video_clip(360, 15), sound_clip(silent=True), smaller=(video_clip(180, 15),))
        try:
            room.do(shown(180))
            player.start()
            received(room, "p0", 180)
            room.do(shown(720))
            received(room, "p0", 360)
        finally:
            player.stop()


def test_who_does_not_follow_is_shown_as_he_is() -> None:
    with running() as room:
        player = Player(room, 1, video_clip(360, 15), sound_clip(silent=True))
        try:
            room.do(shown(180))
            player.start()
            for _ in range(3):
                received(room, "p0", 360)
        finally:
            player.stop()
