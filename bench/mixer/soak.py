"""Rooms that go on for long while people come and go: memory, descriptors and threads must stay flat."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.mixer.load import Player, sound_clip, video_clip
from bench.report import Aim, Report
from mixer.reports import Stats
from mixer.wire import Leave, Scene, Scenes, Tile, Watch
from tests.mixer.worker.world import Worker

WIDE, HIGH = 640, 360
TURN = 1.2
"""Seconds between two changes in one room, 50 a minute: somebody leaves, and comes back as somebody new."""
CALM = 16.0
"""Seconds without changes before it is looked: encoders nobody listens to, and the engine's idle threads, are gone."""
LOOK = 0.5
"""Seconds between two looks while a room settles."""
WARM = 35
"""How often each seat changes before it is looked the first time: a room of four has grown until about 100 changes, and
not from there to 210."""
GROWTH_OCTETS = 60e6
"""By which a worker may grow from then on."""
SPARE = 6
"""Descriptors and threads above those of the beginning: an encoder that nobody listens to is kept for some seconds."""
GROWTH, MORE = Aim("at most", GROWTH_OCTETS / 1e6), Aim("at most", SPARE)


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds."""

    octets: int
    descriptors: int
    threads: int

    @classmethod
    def by(cls, pid: int) -> Held:
        """Look at a process."""
        folder = Path("/proc") / str(pid)
        pages = int((folder / "statm").read_text(encoding="ascii").split()[1])
        return cls(pages * 4096, len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir())))


@dataclass(frozen=True, slots=True)
class Soaked:
    """What one room held with nobody else coming or going, at the beginning and at the end; and what was left out."""

    before: Held
    after: Held
    changes: int
    late: int

    @property
    def flat(self) -> bool:
        """Tell whether nothing has grown."""
        return (
            self.after.octets - self.before.octets < GROWTH_OCTETS
            and self.after.descriptors <= self.before.descriptors + SPARE
            and self.after.threads <= self.before.threads + SPARE
        )


class Guests:
    """A room whose seats are taken by ever new people, each with a picture of his own without himself."""

    def __init__(self, worker: Worker, player: Player) -> None:
        self._worker, self._player = worker, player
        self._names = [join.participant for join, _ in player.joins]
        self.changes = 0
        self._tell()

    def change(self) -> None:
        """Let one leave and another take his seat."""
        seat = self.changes % len(self._names)
        self.changes += 1
        join, descriptors = self._player.joins[seat]
        self._worker.do(Leave(self._names[seat]))
        self._names[seat] = f"guest-{self.changes}"
        self._worker.do(msgspec.structs.replace(join, participant=self._names[seat]), descriptors)
        self._tell()

    def _tell(self) -> None:
        wide, high = WIDE // 2, HIGH // 2
        scenes = []
        for name in self._names:
            others = [one for one in self._names if one != name]
            tiles = [Tile(wide * (at % 2), high * (at // 2), wide, high, one) for at, one in enumerate(others)]
            scenes.append(Scene(f"for-{name}", WIDE, HIGH, tuple(tiles)))
        self._worker.do(Scenes(tuple(scenes), tuple(Watch(name, f"for-{name}") for name in self._names)))


def soak(seconds: float, *, rooms: int, people: int, turn: float = TURN, calm: float = CALM) -> list[Soaked]:
    """Keep rooms busy for so long, one change in each every `turn` seconds; gives how each did."""
    with ExitStack() as stack:
        video, sound = video_clip(HIGH, 15), sound_clip()
        workers, guests = [], []
        for _ in range(rooms):
            worker = Worker()
            stack.callback(worker.close)
            worker.start(fps=15)
            player = Player(worker, people, video, sound)
            stack.callback(player.stop)
            workers.append(worker)
            guests.append(Guests(worker, player))
            player.start()
        for one in guests * WARM * people:
            one.change()
        _listen(workers, calm)
        before = [Held.by(worker.process.pid) for worker in workers]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for one in guests:
                one.change()
            _listen(workers, min(turn, max(0.0, ends - time.monotonic())))
        return [_settled(*each) for each in zip(workers, before, (one.changes for one in guests), strict=True)]


def _settled(worker: Worker, before: Held, changes: int) -> Soaked:
    """Look at a room until it holds no more than at the beginning, or what it holds will not go any more."""
    ends = time.monotonic() + CALM
    while True:
        _listen([worker], LOOK)
        found = Soaked(before, Held.by(worker.process.pid), changes, worker.wait(Stats).late)
        if found.flat or time.monotonic() > ends:
            return found


def report(seconds: float) -> Report:
    """Soak eight rooms of four."""
    said = Report("mixer soak")
    found = soak(seconds, rooms=8, people=4)
    said.add("changes in a room", [float(one.changes) for one in found], "changes")
    said.add("growth of a room", [(one.after.octets - one.before.octets) / 1e6 for one in found], "MB", GROWTH)
    more = [float(one.after.descriptors - one.before.descriptors) for one in found]
    said.add("descriptors more than before", more, "descriptors", MORE)
    said.add(
        "threads more than before", [float(one.after.threads - one.before.threads) for one in found], "threads", MORE
    )
    said.add("pictures and blocks left out in a room", [float(one.late) for one in found], "")
    return said


def _listen(workers: list[Worker], seconds: float) -> None:
    """Read what workers say for so long, so that none waits for us."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        for worker in workers:
            for _ in worker.read(min(left, 0.02)):
                pass
            worker.said.clear()
