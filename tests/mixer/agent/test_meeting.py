"""A room with a worker of paper: what it is told, and what comes of what it says, or of its death."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from PIL import Image

from b2bua.sdp import SdpError
from mixer import wire
from mixer.agent import told
from mixer.agent.caller import Caller
from mixer.agent.media import PortRange
from mixer.agent.meeting import REVIVALS, Meeting, Surroundings
from mixer.agent.negotiation import Negotiation
from mixer.agent.workers import Pool
from mixer.errors import WorkerError
from mixer.prompts import Prompts
from mixer.reports import (
    Digit,
    Flow,
    FromWorker,
    Heard,
    KeyframeWanted,
    Left,
    Prompted,
    Silent,
    Stats,
    StreamStats,
    Unrecorded,
)
from mixer.room import Guard, Kind, Phase, Role, RoomSettings
from mixer.session import Abilities, SessionError
from mixer.session.write import FloorPlace

OFFER = b"""v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9000 RTP/AVP 8
a=rtpmap:8 PCMA/8000
m=video 9002 RTP/AVP 97
a=rtpmap:97 H264/90000
m=video 9004 RTP/AVP 97
a=rtpmap:97 H264/90000
a=content:slides
"""


class Pins:
    host, guest = True, True

    def role(self, digits: str) -> Role | None:
        return {"1234": Role.HOST, "5678": Role.GUEST}.get(digits)


class PaperWorker:
    """Takes messages, and says what it is made to."""

    pid = 0

    def __init__(self) -> None:
        self.heard: Callable[[FromWorker], None] = lambda _: None
        self.died: Callable[[], None] = lambda: None
        self.told: list[wire.ToWorker] = []
        self.sockets = 0

    def send(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
        self.told.append(message)
        self.sockets += len(descriptors)

    async def do(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
        self.send(message, descriptors)

    def of(self, kind: type) -> list[Any]:
        return [message for message in self.told if isinstance(message, kind)]


class PaperPool:
    def __init__(self) -> None:
        self.workers: list[PaperWorker] = []
        self.next: list[PaperWorker] = []

    async def take(self) -> PaperWorker:
        self.workers.append(self.next.pop() if self.next else PaperWorker())
        return self.workers[-1]

    async def give_back(self, worker: PaperWorker) -> None:
        worker.told.append(wire.Stop())


class Calls:
    """Signalling of paper."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str, int]] = []
        self.reinvited: list[str] = []
        self.asked: list[str] = []
        self.probed: list[str] = []

    def drop(self, caller: Caller, status: int, sentence: str) -> None:
        del sentence
        self.dropped.append((caller.id, status))
        caller.gone = True
        if caller.meeting is not None:
            caller.meeting.leave(caller)

    def reinvite(self, caller: Caller) -> None:
        self.reinvited.append(caller.id)

    def probe(self, caller: Caller) -> None:
        self.probed.append(caller.id)

    def ask_keyframe(self, caller: Caller) -> None:
        self.asked.append(caller.id)


class Stage:
    """One room, its callers and its papers."""

    def __init__(self, settings: RoomSettings, folder: Path) -> None:
        self.pool = PaperPool()
        self.calls = Calls()
        self.callers: list[Caller] = []
        self.counted: list[tuple[str, list[int]]] = []
        """Of who has left, how many packets came on each stream."""

        def left(_: Meeting, caller: Caller) -> None:
            self.counted.append((caller.id, [one.received.packets for one in caller.stats]))

        def nothing(*_: object) -> None:
            pass

        self.meeting = Meeting(
            "room-1",
            settings,
            Surroundings(
                cast("Pool", self.pool),
                Prompts(folder),
                Guard(),
                self.calls,
                *(nothing,) * 6,
                left,
                recordings=folder,
                themes=folder / "themes",
                fps=30,
                wall=lambda: 1000.0,
            ),
        )

    @property
    def worker(self) -> PaperWorker:
        return self.pool.workers[-1]

    async def join(self, name: str) -> Caller:
        ports = PortRange("127.0.0.1", 30_000, 39_999)
        session = Negotiation(ports, "127.0.0.1", Abilities(), FloorPlace(5070, 1, 1), lambda number: b"x" * number)
        session.answer(OFFER)
        caller = Caller(name, 1, name.title(), f"{name}@hospital.example", session)
        self.callers.append(caller)
        await self.meeting.join(caller)
        return caller

    async def revived(self, times: int) -> None:
        for _ in range(100):  # turns of the loop
            if len(self.calls.reinvited) == times:
                return
            await asyncio.sleep(0)
        pytest.fail(f"only {self.calls.reinvited} were invited again")

    def phase(self, name: str) -> Phase:
        return next(entry.phase for entry in self.meeting.room.roster if entry.participant == name)


def play(settings: RoomSettings, folder: Path, scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
    async def played() -> None:
        stage = Stage(settings, folder)
        try:
            await scene(stage)
        finally:
            for caller in stage.callers:
                caller.negotiation.close()
            await stage.meeting.close()

    asyncio.run(played())


def test_who_joins_is_silent_until_the_room_lets_them_in(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        assert stage.worker.told[0] == wire.Start("room-1", fps=30)
        join = stage.worker.of(wire.Join)[0]
        assert (join.muted, join.deaf, [stream.media for stream in join.streams]) == (
            True,
            True,
            ["audio", "video", "content"],
        )
        assert stage.worker.sockets == 6
        assert stage.worker.of(wire.Prompt)[0].path == f"{tmp_path}/en/enter_pin.wav"
        for key in "1234#":
            stage.worker.heard(Digit("anna", key, "event"))
        assert stage.worker.of(wire.Quiet)
        assert not stage.worker.of(wire.Sound)[-1].deaf
        assert stage.phase("anna") is Phase.INSIDE

    play(RoomSettings("1", language="en", pins=Pins()), tmp_path, scene)


def test_who_hangs_up_while_his_room_opens_is_not_joined(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        opens = asyncio.Event()
        take = stage.pool.take

        async def slowly() -> PaperWorker:
            await opens.wait()
            return await take()

        stage.pool.take = slowly  # type: ignore[method-assign]
        coming = asyncio.create_task(stage.join("anna"))
        await asyncio.sleep(0)
        (caller,) = stage.callers
        caller.gone = True
        stage.meeting.leave(caller)
        caller.negotiation.close()
        opens.set()
        await coming
        assert not stage.worker.of(wire.Join)
        assert not stage.meeting.room.roster

    play(RoomSettings("1"), tmp_path, scene)


def test_a_room_of_a_theme_speaks_and_shows_what_the_theme_has(tmp_path: Path) -> None:
    theme = tmp_path / "themes/north/en"
    theme.mkdir(parents=True)
    with wave.open(str(theme / "enter_pin.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 480, "NONE", ""))
        file.writeframes(bytes(960))
    Image.new("RGB", (1280, 720)).save(theme / "pin.png")

    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        assert stage.worker.of(wire.Prompt)[0].path == str(theme / "enter_pin.wav")
        drawn = told.scenes(stage.meeting.room, stage.meeting.prompts, {}, frozenset({"anna"}))
        assert str(theme / "pin.png") in {tile.picture for scene in drawn.scenes for tile in scene.tiles}

    play(RoomSettings("1", theme="north", language="en", pins=Pins()), tmp_path, scene)


def counts(name: str, packets: int) -> tuple[StreamStats, ...]:
    return (StreamStats(name, "audio", Flow(packets=packets), Flow(), encrypted=False, silent=0.0),)


def test_who_leaves_is_counted_to_the_end_and_without_a_worker_as_far_as_known(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        people = [await stage.join(name) for name in ("anna", "bo", "carl")]
        stage.worker.heard(Stats(sum((counts(one.id, 50) for one in people), ()), 0.0, 0, 0))
        anna, bo, carl = people
        stage.meeting.leave(anna)
        assert stage.counted == []
        stage.worker.heard(Left("anna", counts("anna", 74)))
        stage.worker.heard(Left("anna", counts("anna", 99)))
        assert stage.counted == [("anna", [74])]
        stage.meeting.leave(bo)
        stage.worker.died()
        assert stage.counted[1:] == [("bo", [50])]
        stage.meeting.leave(carl)
        assert stage.counted[2:] == [("carl", [50])]

    play(RoomSettings("1"), tmp_path, scene)


def test_changes_of_pictures_are_gathered_into_one(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        for name in ("anna", "bo", "carl"):
            await stage.join(name)
        before = len(stage.worker.of(wire.Scenes))
        await stage.meeting.snapshot(tmp_path / "room.png")
        scenes = stage.worker.of(wire.Scenes)
        assert len(scenes) == before + 1
        assert {watch.participant for watch in scenes[-1].watching} == {"anna", "bo", "carl"}
        assert scenes[-1].scenes[0].tiles[0].label

    play(RoomSettings("1"), tmp_path, scene)


def test_a_dismissed_participant_is_dropped_when_it_was_said_why(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.meeting.room.kick("anna", 1000.0)
        stage.meeting.settle()
        assert stage.calls.dropped == []
        stage.worker.heard(Prompted("anna", "farewell"))
        assert stage.calls.dropped == [("anna", 603)]
        assert stage.worker.of(wire.Leave)

    play(RoomSettings("1"), tmp_path, scene)


def test_a_dead_worker_is_replaced_with_everything_it_knew(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        await stage.join("bo")
        stage.meeting.room.mute("bo", muted=True)
        stage.meeting.settle()
        first = stage.worker
        counted = (wire.Rollover(7, 2),)
        first.heard(Stats((msgspec.structs.replace(counts("anna", 9)[0], rollovers=counted),), 1.0, 1, 0))
        first.died()
        await stage.revived(2)
        second = stage.worker
        assert second is not first
        assert [join.participant for join in second.of(wire.Join)] == ["anna", "bo"]
        told = {(join.participant, one.media): one.rollovers for join in second.of(wire.Join) for one in join.streams}
        assert {key: value for key, value in told.items() if value} == {("anna", "audio"): counted}
        assert second.sockets == first.sockets
        assert {sound.participant: sound.muted for sound in second.of(wire.Sound)} == {"anna": False, "bo": True}
        assert second.of(wire.Scenes)

    play(RoomSettings("1"), tmp_path, scene)


def test_a_worker_that_dies_while_it_takes_over_is_replaced_too(tmp_path: Path) -> None:
    class Dying(PaperWorker):
        async def do(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
            del message, descriptors
            await asyncio.sleep(0)
            self.died()
            raise WorkerError("the room worker died")

    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.pool.next.append(Dying())
        stage.worker.died()
        await stage.revived(1)
        assert len(stage.pool.workers) == 3
        assert [join.participant for join in stage.worker.of(wire.Join)] == ["anna"]
        assert stage.calls.dropped == []

    play(RoomSettings("1"), tmp_path, scene)


def test_who_hangs_up_while_a_new_worker_starts_is_not_brought_in(tmp_path: Path) -> None:
    class Slow(PaperWorker):
        async def do(self, message: wire.ToWorker, descriptors: Sequence[int] = ()) -> None:
            await super().do(message, descriptors)
            if isinstance(message, wire.Join) and message.participant == "anna":
                stages[0].meeting.leave(stages[0].meeting.callers["bo"])

    stages: list[Stage] = []

    async def scene(stage: Stage) -> None:
        stages.append(stage)
        await stage.join("anna")
        await stage.join("bo")
        stage.pool.next.append(Slow())
        stage.worker.died()
        await stage.revived(1)
        assert [join.participant for join in stage.worker.of(wire.Join)] == ["anna"]

    play(RoomSettings("1"), tmp_path, scene)


def test_a_room_whose_workers_keep_dying_is_given_up(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        for number in range(1, REVIVALS + 1):
            stage.worker.died()
            await stage.revived(number)
        stage.worker.died()
        assert stage.calls.dropped == [("anna", 500)]

    play(RoomSettings("1"), tmp_path, scene)


def test_whoever_has_no_floor_control_presents_by_sending(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.worker.heard(Heard("anna", "content"))
        assert stage.meeting.room.presenter == "anna"
        stage.worker.heard(Silent("anna", "content"))
        assert stage.meeting.room.presenter == ""

    play(RoomSettings("1"), tmp_path, scene)


def test_whoever_falls_silent_is_asked_whether_they_are_there(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.worker.heard(Silent("anna", "audio"))
        assert stage.calls.probed == ["anna"]
        assert stage.calls.dropped == []

    play(RoomSettings("1"), tmp_path, scene)


def test_a_key_picture_that_no_rtcp_can_ask_for_is_asked_for_by_info(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        caller = await stage.join("anna")
        stage.worker.heard(KeyframeWanted("anna", "video"))
        assert stage.calls.asked == ["anna"]
        stage.meeting.keyframe(caller)
        assert stage.worker.of(wire.Keyframe)

    play(RoomSettings("1"), tmp_path, scene)


def test_a_test_room_tells_what_was_found(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        got = Flow(packets=50, loss=0.02, kbps=900, encoding="h264", width=1280, height=720, fps=25)
        stage.worker.heard(Stats((StreamStats("anna", "video", got, Flow(), encrypted=False, silent=0.0),), 1.0, 1, 0))
        note = stage.meeting.room.pictures().views[0].banner
        assert "1280x720" in note
        assert "2.0%" in note
        assert "not encrypted" in note

    play(RoomSettings("test", kind=Kind.TEST, language="en"), tmp_path, scene)


def test_a_recording_is_written_where_recordings_go(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.meeting.room.record(on=True)
        stage.meeting.settle()
        assert stage.worker.of(wire.Record)[0].path == ""  # the file comes with the message
        assert (tmp_path / "1-19700101T001640Z-1.mkv").stat().st_mode & 0o777 == 0o640
        stage.meeting.room.record(on=False)
        stage.meeting.settle()
        assert stage.worker.of(wire.StopRecord)

    play(RoomSettings("1", recording=True), tmp_path, scene)


def test_a_recording_goes_on_in_another_file_when_its_worker_dies(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.meeting.room.record(on=True)
        stage.meeting.settle()
        stage.worker.died()
        await stage.revived(1)
        assert len(stage.worker.of(wire.Record)) == 1
        assert {path.name[-5:] for path in tmp_path.glob("*.mkv")} == {"1.mkv", "2.mkv"}
        assert stage.meeting.room.recording

    play(RoomSettings("1", recording=True), tmp_path, scene)


def test_a_recording_that_breaks_off_or_cannot_begin_is_not_shown_as_one(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.join("anna")
        stage.meeting.room.record(on=True)
        stage.meeting.settle()
        stage.worker.told.clear()
        stage.worker.heard(Unrecorded("the disk is full"))
        assert not stage.meeting.room.recording
        assert [Path(one.path).stem for one in stage.worker.of(wire.Prompt)] == ["recording_off"]
        assert not stage.worker.of(wire.StopRecord)
        (tmp_path / "1-19700101T001640Z-2.mkv").touch()  # in the way
        stage.meeting.room.record(on=True)
        stage.meeting.settle()
        assert not stage.meeting.room.recording

    play(RoomSettings("1", recording=True), tmp_path, scene)


@pytest.mark.parametrize("body", [b"nonsense", OFFER.replace(b"PCMA", b"XYZ").replace(b"H264", b"ABC")])
def test_a_description_that_cannot_be_used_reserves_nothing(body: bytes) -> None:
    class NoPorts:
        def reserve(self, kind: str) -> None:
            pytest.fail(f"ports were reserved for {kind}")

    session = Negotiation(
        cast("PortRange", NoPorts()),
        "127.0.0.1",
        Abilities(),
        FloorPlace(5070, 1, 1),
        lambda number: b"x" * number,
    )
    with pytest.raises((SdpError, SessionError)):
        session.answer(body)
