"""The room worker: what a port costs, where it goes, what a room adds in delay, how soon one is ready.

Participants are packets made beforehand and replayed, so that nearly all of what is used is the worker's. A cost is
processor time of the worker over wall time: other load on the machine makes it dearer, never cheaper.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.mixer.delay import sound_delay, video_delay
from bench.mixer.load import Clip, Player, sound_clip, video_clip
from bench.report import Aim, Report
from mixer.reports import Ready, Stats
from mixer.wire import Scene, Scenes, Tile, Watch
from tests.mixer.worker.world import Worker

SETTLE = 3
"""Seconds before a measurement: encoders and buffers are there by then."""

PARTS = {
    "rtpjitterbuffer": "decode",
    "compose": "compose",
    "encode-video": "encode",
    "encode-sound": "sound",
    "mix": "sound",
}
"""Names of threads (without number) and what they do; the rest is packets and control."""


@dataclass(frozen=True, slots=True)
class Case:
    """One room: how many, how large, how fast, and whether each sees a picture without himself."""

    people: int
    height: int
    fps: int
    personal: bool = False

    @property
    def name(self) -> str:
        """As in the table."""
        return f"{self.people} x {self.height}p{self.fps}{' personal' if self.personal else ''}"


CASES = (
    Case(2, 360, 15),
    Case(4, 360, 15),
    Case(8, 360, 15),
    Case(20, 360, 15),
    Case(4, 720, 25),
    Case(8, 720, 25),
    Case(4, 720, 25, personal=True),
    Case(4, 1080, 25),
)
SHORT = (Case(2, 360, 15), Case(4, 720, 25))
AIMS = {"4 x 720p25": Aim("at least", 16), "4 x 720p25 personal": Aim("at least", 10)}


def run(*, short: bool) -> Report:
    """Measure."""
    report = Report("mixer")
    sound = sound_clip()
    for case in SHORT if short else CASES:
        _measure(report, case, video_clip(case.height, case.fps), sound, seconds=4 if short else 10)
    runs = 3 if short else 10
    report.add("sound: delay added", [sound_delay() for _ in range(runs)], "ms", Aim("at most", 60))
    report.add("video: delay added", [video_delay() for _ in range(runs)], "ms", Aim("at most", 120))
    starts = [_start() for _ in range(runs)]
    report.add("worker: from start to ready", [one[0] for one in starts], "ms")
    report.add("worker: from ready to room", [one[1] for one in starts], "ms", Aim("at most", 100))
    report.notes.append("sound: Opus, three speak; video: H.264, one class; all send and receive")
    return report


def _measure(report: Report, case: Case, video: Clip, sound: Clip, *, seconds: int) -> None:
    with _room(case) as worker:
        player = Player(worker, case.people, video, sound)
        try:
            worker.do(_scenes(case, video))
            player.start()
            began = time.monotonic()
            while time.monotonic() - began < SETTLE:
                worker.wait(Stats)
            before, parts = worker.wait(Stats), _threads(worker)
            at = time.monotonic()
            while time.monotonic() - at < seconds:
                after = worker.wait(Stats)
            elapsed = time.monotonic() - at
            spent = {name: used - parts.get(name, 0.0) for name, used in _threads(worker).items()}
        finally:
            player.stop()
    used = (after.cpu - before.cpu) / elapsed
    report.add(f"{case.name}: ports a core", [case.people / used], "ports", AIMS.get(case.name))
    report.add(f"{case.name}: cost of a port", [100 * used / case.people], "% core")
    for name in ("decode", "compose", "encode", "sound", "packets"):
        report.add(f"{case.name}: {name}, whole room", [100 * spent.get(name, 0.0) / elapsed], "% core")
    report.add(f"{case.name}: memory", [after.memory / 1e6], "MB")
    if after.late > before.late:
        report.notes.append(f"{case.name}: {after.late - before.late} pictures or blocks left out")


def _scenes(case: Case, video: Clip) -> Scenes:
    names = [f"p{number}" for number in range(case.people)]
    across = next(side for side in range(1, 9) if side * side >= case.people)
    wide, high = video.width // across & ~1, video.height // across & ~1

    def scene(view: str, shown: list[str]) -> Scene:
        tiles = (
            Tile(at % across * wide, at // across * high, wide, high, name, label=name) for at, name in enumerate(shown)
        )
        return Scene(view, video.width, video.height, tuple(tiles))

    if not case.personal:
        return Scenes((scene("all", names),), tuple(Watch(name, "all") for name in names))
    return Scenes(
        tuple(scene(f"for {name}", [one for one in names if one != name]) for name in names),
        tuple(Watch(name, f"for {name}") for name in names),
    )


@contextmanager
def _room(case: Case) -> Iterator[Worker]:
    worker = Worker()
    try:
        worker.start(fps=case.fps)
        yield worker
    finally:
        worker.close()


def _start() -> tuple[float, float]:
    """Give milliseconds until a worker is ready, and then until it is a room."""
    began = time.monotonic()
    worker = Worker()
    try:
        worker.wait(Ready)
        ready = time.monotonic()
        worker.start_room(fps=25)
        return (ready - began) * 1000, (time.monotonic() - ready) * 1000
    finally:
        worker.close()


def _threads(worker: Worker) -> dict[str, float]:
    """Give seconds of processor time by part of the work."""
    spent: dict[str, float] = {}
    for name, used in worker.threads():
        part = next((part for start, part in PARTS.items() if name.startswith(start)), "packets")
        spent[part] = spent.get(part, 0.0) + used
    return spent
