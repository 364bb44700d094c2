"""A machine that stands still, and comes back: streams go on as they were."""

from __future__ import annotations

import os
import signal
import time

import pytest

from bench.mixer.load import Player, sound_clip, video_clip
from mixer.reports import Broken, Stats
from mixer.wire import Scene, Scenes, Tile, Watch
from tests.mixer.worker.world import running

pytestmark = pytest.mark.system

STILL_SECONDS = 27.0
"""For so long it stands: the engine takes sources that were silent for 25 s for gone."""
AFTER = 6
"""Reports of a second each, after which what was taken for gone has been taken away."""
PEOPLE = 3


def flows(said: Stats) -> bool:
    """Tell whether within the last second everybody's sound and picture came, were decoded, and others' went out."""
    rates = [way.kbps for one in said.streams for way in (one.received, one.sent)]
    return len(rates) == 4 * PEOPLE and all(rates) and all(one.received.fps for one in said.streams[1::2])


def test_streams_go_on_after_the_process_stood_still() -> None:
    with running() as room:
        player = Player(room, PEOPLE, video_clip(180, 15), sound_clip())
        names = [join.participant for join, _ in player.joins]
        tiles = tuple(Tile(320 * at, 0, 320, 180, name) for at, name in enumerate(names))
        room.do(Scenes((Scene("all", 960, 180, tiles),), tuple(Watch(name, "all") for name in names)))
        player.start()
        try:
            room.wait(Stats, flows)
            os.kill(room.process.pid, signal.SIGSTOP)
            time.sleep(STILL_SECONDS)  # no wait for something: this is what is tried
            os.kill(room.process.pid, signal.SIGCONT)
            for _ in range(AFTER):
                room.wait(Stats)
            room.wait(Stats, flows)
            assert not [said for said in room.said if isinstance(said, Broken)]
        finally:
            player.stop()
