"""The room worker: what a port costs, where it goes, what a room adds in delay, how soon one is ready.

Participants are packets made beforehand and replayed, so that nearly all of what is used is the worker's. A cost is
processor time of the worker over wall time: other load on the machine makes it dearer, never cheaper.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.mixer.delay import sound_delay, video_delay
from bench.mixer.lips import sound_after_picture
from bench.mixer.load import Clip, Player, sound_clip, video_clip
from bench.report import Aim, Report
from mixer.reports import Ready, Stats
from mixer.wire import Address, Encoding, Format, Join, Media, Scene, Scenes, Stream, Tile, Watch
from tests.mixer.worker.world import Worker, bound

SETTLE = 3
"""Seconds before a measurement: encoders and buffers are there by then."""

SETTLE_RELAY = 14
"""The same of two who are relayed: replayed clips have a key picture every four seconds, asked for or not."""

PARTS = {
    "rtpjitterbuffer": "decode",
    "compose": "compose",
    "encode-video": "encode",
    "mix": "sound",
}
"""Names of threads (without number) and what they do; the rest is packets and control. Sound is decoded where packets
are taken apart, as pictures are, so that stands under `decode`; it is mixed and encoded in one thread."""


@dataclass(frozen=True, slots=True)
class Case:
    """One room: how many, how large, how fast, and whether each sees a picture without himself (two: relayed)."""

    people: int
    height: int
    fps: int
    personal: bool = False
    deaf: bool = False
    """Whether those who send go on with the size of what they are sent, whatever they are told."""
    restless: bool = False
    """Whether all of each picture moves; else somebody speaks before a wall."""
    encoding: Encoding = "h264"
    """What everybody sends and is sent."""

    @property
    def name(self) -> str:
        """As in the table."""
        kinds = (
            (f" {self.encoding.upper()}", self.encoding != "h264"),
            (" personal", self.personal),
            (", senders do not follow", self.deaf),
            (", all moves", self.restless),
        )
        more = "".join(name for name, is_so in kinds if is_so)
        return f"{self.people} x {self.height}p{self.fps}{more}"


CASES = (
    *(Case(people, height, fps) for height, fps in ((360, 15), (720, 25), (1080, 25)) for people in (2, 4, 8, 20)),
    Case(4, 720, 25, restless=True),
    Case(4, 720, 25, deaf=True),
    Case(4, 720, 25, deaf=True, restless=True),
    Case(8, 720, 25, deaf=True),
    Case(2, 720, 25, personal=True),
    Case(4, 720, 25, personal=True),
    Case(4, 720, 25, personal=True, restless=True),
    Case(4, 720, 25, personal=True, deaf=True),
    Case(4, 720, 25, personal=True, deaf=True, restless=True),
    Case(4, 720, 25, encoding="vp8"),
    Case(4, 720, 25, encoding="h265"),
    Case(4, 720, 25, deaf=True, encoding="h265"),
)
SHORT = (Case(2, 360, 15), Case(4, 720, 25), Case(4, 720, 25, personal=True))
SIZES = (180, 360, 720, 1080)
"""Rows of pixels that a room system can send."""
EARLY, LATE = Aim("at most", 45), Aim("at most", 125)
"""Milliseconds by which sound may be early or late before anybody notices (ITU-R BT.1359)."""
SHARED, PERSONAL, TWENTY = Aim("at least", 16), Aim("at least", 10), Aim("at least", 10)
AIMS = {
    Case(20, 360, 15).name: TWENTY,  # in one room on two cores
    **{
        case.name: PERSONAL if case.personal else SHARED
        for case in CASES
        if (case.people, case.height, case.encoding) == (4, 720, "h264")
    },
}


def run(*, short: bool) -> Report:
    """Measure."""
    report = Report("mixer")
    sound = sound_clip()
    for case in SHORT if short else CASES:
        sent = SIZES[SIZES.index(case.height) :] if case.deaf else SIZES
        clips = tuple(
            video_clip(one, case.fps, restless=case.restless, encoding=case.encoding)
            for one in sent
            if one <= case.height
        )
        _measure(report, case, clips, sound, seconds=4 if short else 10)
    runs = 3 if short else 10
    heard, seen = [sound_delay() for _ in range(runs)], [video_delay() for _ in range(runs)]
    report.add("sound: delay added", heard, "ms", Aim("at most", 60))
    report.add("video: delay added", seen, "ms", Aim("at most", 120))
    apart = [sound_after_picture() for _ in range(runs)]
    report.add("lips and voice: sound after picture", apart, "ms", LATE)
    report.add("lips and voice: sound before picture", [-one for one in apart], "ms", EARLY)
    starts = [_start() for _ in range(runs)]
    report.add("room ready, worker started beforehand", [one[1] for one in starts], "ms", Aim("at most", 100))
    report.add("room ready, worker started for it", [sum(one) for one in starts], "ms")
    report.notes.append(
        "sound: Opus, three speak without a pause; video: H.264 where nothing else is named, one class; all send and"
        " receive; who sends can do so in the size he is sent, and follows TMMBR as room systems do: a smaller picture"
        " at a lower rate"
    )
    return report


def _measure(report: Report, case: Case, clips: Sequence[Clip], sound: Clip, *, seconds: int) -> None:
    with _room(case) as worker:
        player = Player(worker, case.people, clips[-1], sound, smaller=clips[:-1])
        try:
            worker.do(_scenes(case))
            player.start()
            began = time.monotonic()
            while time.monotonic() - began < (SETTLE if case.people > 2 else SETTLE_RELAY):
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
    report.add(f"{case.name}: sent to it", [float(one) for one in player.heights], "rows")
    if after.late > before.late:
        report.notes.append(f"{case.name}: {after.late - before.late} pictures or blocks left out")


def _scenes(case: Case) -> Scenes:
    names = [f"p{number}" for number in range(case.people)]
    width = case.height * 16 // 9

    def scene(view: str, shown: list[str]) -> Scene:
        across = next(side for side in range(1, 9) if side * side >= len(shown))
        wide, high = width // across & ~1, case.height // across & ~1
        tiles = (
            Tile(at % across * wide, at // across * high, wide, high, name, label=name if across > 1 else "")
            for at, name in enumerate(shown)
        )
        return Scene(view, width, case.height, tuple(tiles))

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
        worker.start(fps=case.fps, h265=case.encoding == "h265")
        yield worker
    finally:
        worker.close()


def _start() -> tuple[float, float]:
    """Give milliseconds until a worker is ready, and then until it is a room and the first participant is in."""
    sockets = [bound() for _ in range(4)]
    to = Address("127.0.0.1", sockets[0].getsockname()[1])
    forms: tuple[tuple[Media, Format], ...] = (("audio", Format("opus", 111)), ("video", Format("h264", 96)))
    join = Join("a", tuple(Stream(media, remote=to, receive=(form,), send=form) for media, form in forms))
    began = time.monotonic()
    worker = Worker()
    try:
        worker.wait(Ready)
        ready = time.monotonic()
        worker.start_room(fps=25)
        worker.do(join, tuple(one.fileno() for one in sockets))
        return (ready - began) * 1000, (time.monotonic() - ready) * 1000
    finally:
        worker.close()
        for one in sockets:
            one.close()


def _threads(worker: Worker) -> dict[str, float]:
    """Give seconds of processor time by part of the work."""
    spent: dict[str, float] = {}
    for name, used in worker.threads():
        part = next((part for start, part in PARTS.items() if name.startswith(start)), "packets")
        spent[part] = spent.get(part, 0.0) + used
    return spent
