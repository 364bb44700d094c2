"""Rooms with real media: who is seen where, and who is heard by whom."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixer.reports import Digit, Left, Stats, Unrecorded
from mixer.wire import Change, Leave, Prompt, Record, Scene, Scenes, Snapshot, Sound, StopRecord, Tile, Watch
from tests.mixer.worker.sounds import keys, wav, write
from tests.mixer.worker.world import PATIENCE, End, Peer, Worker, eventually, running

pytestmark = pytest.mark.system

TONES = {"anna": 400.0, "bent": 650.0, "carl": 900.0}
COLOURS = {"anna": "red", "bent": "green", "carl": "blue"}
PLACES = {"anna": (0.25, 0.25), "bent": (0.75, 0.25), "carl": (0.25, 0.75)}
HEARD, UNHEARD = -32.0, -48.0
"""dBFS of a tone: sent at -10, brought down by gain control and the mix; what leaks of oneself is far below."""


@pytest.fixture
def room() -> Iterator[Worker]:
    with running("--confine", "--user", "nobody") as worker:
        yield worker


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a folder that the worker's user may read, as that of the prompts is."""
    with tempfile.TemporaryDirectory(prefix="room-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def scenes(*names: str, view: str = "main") -> Scenes:
    """Four quarters of a frame, one for each."""
    tiles = tuple(
        Tile(320 * (place % 2), 180 * (place // 2), 320, 180, participant=name) for place, name in enumerate(names)
    )
    return Scenes((Scene(view, 640, 360, tiles),), tuple(Watch(name, view) for name in names))


def hears(peer: Peer, others: set[str]) -> bool:
    end = peer.by["audio"]
    if sum(map(len, end.sound)) < 48_000:
        return False
    levels = dict(zip(TONES, end.levels(*TONES.values()), strict=True))
    return all((level > HEARD) if name in others else (level < UNHEARD) for name, level in levels.items())


def sees(peer: Peer, names: set[str]) -> bool:
    end = peer.by["video"]
    return end.frame is not None and all(
        end.shows(*PLACES[name]) == (COLOURS[name] if name in names else "black") for name in COLOURS
    )


def peer(worker: Worker, name: str, sound: str = "opus", video: str = "h264", **more: object) -> Peer:
    return Peer(
        worker,
        name,
        End("audio", sound, tone=TONES[name]),  # type: ignore[arg-type]
        End("video", video, colour=COLOURS[name], **more),  # type: ignore[arg-type]
    )


def test_everybody_sees_all_and_hears_all_but_himself(room: Worker) -> None:
    codecs = {"anna": ("opus", "h264"), "bent": ("g722", "vp8"), "carl": ("pcma", "h264")}
    people = {name: peer(room, name, *codecs[name]) for name in TONES}
    room.do(scenes(*TONES))
    for one in people.values():
        one.join()
    for name, one in people.items():
        eventually(room, partial(sees, one, set(TONES)), f"{name} does not see everybody")
        eventually(room, partial(hears, one, set(TONES) - {name}), f"{name} hears wrongly")

    room.do(Sound("bent", muted=True))
    eventually(room, lambda: hears(people["anna"], {"carl"}), "a muted one is heard")
    room.do(Sound("bent", deaf=True))
    eventually(room, lambda: hears(people["bent"], set()), "a deaf one hears")
    known = {one.media: one for one in room.wait(Stats).streams if one.participant == "carl"}
    room.send(Leave("carl"))
    for last in room.wait(Left).streams:
        assert last.received.packets >= known[last.media].received.packets > 0, "what was counted is lost"
    room.do(scenes("anna", "bent"))
    eventually(room, lambda: sees(people["anna"], {"anna", "bent"}), "one who left is seen")
    eventually(room, lambda: hears(people["anna"], {"bent"}), "one who left is heard")
    for one in people.values():
        one.close()


def test_one_on_hold_gets_and_gives_nothing_and_comes_back(room: Worker) -> None:
    people = {name: peer(room, name) for name in ("anna", "bent")}
    room.do(scenes("anna", "bent"))
    for one in people.values():
        one.join()
    anna, bent = people.values()
    eventually(room, lambda: hears(bent, {"anna"}) and sees(bent, {"anna", "bent"}), "no call")
    streams = [end.stream for end in anna.ends]
    held = tuple(msgspec.structs.replace(one, send=None, receive=(), kept=True) for one in streams)
    room.do(Change("anna", held))
    eventually(room, lambda: hears(bent, set()) and sees(bent, {"bent"}), "one on hold is there")
    pictures = anna.by["video"].frames
    room.do(Change("anna", tuple(msgspec.structs.replace(one, kept=True) for one in streams)))
    eventually(room, lambda: hears(bent, {"anna"}) and sees(bent, {"anna", "bent"}), "one on hold does not come back")
    eventually(room, lambda: anna.by["video"].frames > pictures + 5, "nothing is sent to one who came back")
    for one in people.values():
        one.close()


def test_prompts_reach_those_they_are_for(room: Worker, reachable: Path) -> None:
    path = reachable / "prompt.wav"
    wav(path, 900.0, 1.0)
    people = {name: peer(room, name) for name in ("anna", "bent")}
    for one in people.values():
        one.join(deaf=True)
    anna, bent = people.values()
    room.do(Prompt(str(path), participant="anna", repeat=0.1))
    eventually(room, lambda: hears(anna, {"carl"}), "a prompt is not heard")
    eventually(room, lambda: hears(bent, set()), "a prompt is heard by another")
    for one in people.values():
        one.close()


def test_keys_are_heard_as_tones(room: Worker, reachable: Path) -> None:
    path = reachable / "keys.wav"
    write(path, keys("5#", pause=0.5))
    source = f"filesrc location={path} ! wavparse ! audioconvert ! audioresample ! identity sync=true"
    one = Peer(room, "anna", End("audio", "pcma", source=source))
    one.join()
    assert [room.wait(Digit) for _ in "5#"] == [Digit("anna", "5", "tone"), Digit("anna", "#", "tone")]
    one.close()


def test_a_picture_of_a_view_is_written(room: Worker, reachable: Path) -> None:
    one = peer(room, "anna")
    room.do(scenes("anna"))
    one.join()
    eventually(room, lambda: sees(one, {"anna"}), "no picture")
    with (reachable / "main.png").open("wb") as file:
        room.do(Snapshot("main"), (file.fileno(),))
    with Image.open(reachable / "main.png") as picture:
        assert picture.size == (640, 360)
        red, green, blue = picture.convert("RGB").getpixel((160, 90))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60
    one.close()


def test_a_recording_has_picture_and_sound_and_is_complete_when_said(room: Worker, reachable: Path) -> None:
    one = peer(room, "anna")
    room.do(scenes("anna"))
    one.join()
    eventually(room, lambda: sees(one, {"anna"}), "no picture")
    path = reachable / "room.mkv"
    with path.open("wb") as file:
        room.do(Record("", "main", height=180), (file.fileno(),))
        with pytest.raises(AssertionError, match="recorded already"):
            room.do(Record("", "main"), (file.fileno(),))
    eventually(room, lambda: path.stat().st_size > 20_000, "nothing is written")
    room.do(StopRecord())
    with pytest.raises(AssertionError, match="not being recorded"):
        room.do(StopRecord())
    pictures, sound = played(path)
    assert pictures.shape[0] > 5
    assert abs(int(pictures[-1, 45, 80]) - 81) < 10, "red in the first quarter"
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    assert abs(spectrum.argmax() * 48000 / sound.size - TONES["anna"]) < 10
    one.close()


def test_a_recording_that_cannot_be_written_is_said_and_another_may_begin(room: Worker, reachable: Path) -> None:
    one = peer(room, "anna")
    room.do(scenes("anna"))
    one.join()
    eventually(room, lambda: sees(one, {"anna"}), "no picture")
    with Path("/dev/full").open("wb") as full:
        room.do(Record("", "main", height=180), (full.fileno(),))
    assert room.wait(Unrecorded).reason
    path = reachable / "again.mkv"
    with path.open("wb") as file:
        room.do(Record("", "main", height=180), (file.fileno(),))
    eventually(room, lambda: path.stat().st_size > 2_000, "nothing is written")
    room.do(StopRecord())
    one.close()


def played(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Give the luma of all pictures and the sound of a file, by another program than the one that wrote it."""
    command = ["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "matroskademux", "name=d"]
    video = "d. ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=GRAY8 ! filesink location="
    audio = "d. ! opusdec ! audioconvert ! audio/x-raw,format=F32LE,channels=1 ! filesink location="
    places = [path.with_suffix(".gray"), path.with_suffix(".f32")]
    for launch, place in zip((video, audio), places, strict=True):
        subprocess.run([*command, *f"{launch}{place}".split()], check=True, timeout=PATIENCE)
    return (
        np.frombuffer(places[0].read_bytes(), dtype=np.uint8).reshape(-1, 180, 320),
        np.frombuffer(places[1].read_bytes(), dtype=np.float32),
    )
