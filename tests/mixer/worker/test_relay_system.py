"""Two alone get pictures of each other as they came; and senders are asked for no more than fits their place."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import msgspec
import pytest

from mixer.reports import Stats
from mixer.wire import Encryption, Key, Leave, Scene, Scenes, Snapshot, Suite, Tile, Watch
from mixer.worker import adaptation
from tests.mixer.worker.world import End, Peer, Worker, eventually, running

pytestmark = pytest.mark.system

SIZE = (320, 180)
SUITE: Suite = "AES_CM_128_HMAC_SHA1_80"


@pytest.fixture
def room() -> Iterator[Worker]:
    with running() as worker:
        yield worker


def each_sees(**seen: str) -> Scenes:
    """Everybody has a view of his own, in which one other fills the frame."""
    scenes = [Scene(f"for-{name}", *SIZE, (Tile(0, 0, *SIZE, other),)) for name, other in seen.items()]
    return Scenes(tuple(scenes), tuple(Watch(name, f"for-{name}") for name in seen))


def keys() -> Encryption:
    return Encryption(*(Key(SUITE, base64.b64encode(os.urandom(30)).decode()) for _ in range(2)))


def composing(room: Worker) -> bool:
    return any(name.startswith("compose") for name, _ in room.threads())


def sees(peer: Peer, colour: str, x: float = 0.5) -> bool:
    end = peer.by["video"]
    return end.frame is not None and end.shows(x, 0.5) == colour


def test_two_alone_are_relayed_until_a_third_comes(room: Worker, tmp_path_factory: pytest.TempPathFactory) -> None:
    anna = Peer(room, "anna", End("video", "h264", colour="red", encryption=keys()))
    bent = Peer(room, "bent", End("video", "h264", colour="blue"))
    carl = Peer(room, "carl", End("video", "vp8", colour="green"))
    room.do(each_sees(anna="bent", bent="anna"))
    for one in (anna, bent):
        one.join()
    eventually(room, lambda: sees(anna, "blue") and sees(bent, "red"), "they do not see each other")
    eventually(room, lambda: not composing(room), "two who are alone are composed")
    counted = {one.participant: one for one in room.wait(Stats, lambda said: len(said.streams) == 2).streams}
    assert all(one.received.fps > 0 and one.received.width == SIZE[0] for one in counted.values())

    asked = counted["bent"].received.keyframes
    anna.by["video"].ask_keyframe()
    eventually(room, lambda: asked_of(room, "bent") > asked, "a request for a key picture is not passed on")

    path = tmp_path_factory.mktemp("views") / "view.png"
    room.do(Snapshot("for-anna", str(path)))
    assert path.read_bytes()[1:4] == b"PNG"

    both = Scene("both", 640, 180, (Tile(0, 0, *SIZE, "anna"), Tile(320, 0, *SIZE, "bent")))
    carl.join()
    room.do(Scenes((both,), tuple(Watch(name, "both") for name in ("anna", "bent", "carl"))))
    for one in (anna, bent, carl):
        eventually(room, lambda one=one: sees(one, "red", 0.25) and sees(one, "blue", 0.75), "three are not composed")  # type: ignore[misc]

    room.do(Leave("carl"))
    room.do(each_sees(anna="bent", bent="anna"))
    eventually(room, lambda: sees(anna, "blue") and sees(bent, "red"), "the two who stay do not see each other")
    for one in (anna, bent, carl):
        one.close()


def asked_of(room: Worker, name: str) -> int:
    said = room.wait(Stats, lambda said: len(said.streams) == 2)
    return next(one.received.keyframes for one in said.streams if one.participant == name)


@pytest.mark.parametrize("why", ["encoding", "size", "label"])
def test_two_who_do_not_fit_are_composed(room: Worker, why: str) -> None:
    anna = Peer(room, "anna", End("video", "h264", colour="red", size=(640, 360) if why == "size" else SIZE))
    bent = Peer(room, "bent", End("video", "vp8" if why == "encoding" else "h264", colour="blue"))
    told = each_sees(anna="bent", bent="anna")
    if why == "label":
        named = [
            msgspec.structs.replace(one, tiles=(msgspec.structs.replace(one.tiles[0], label="A"),))
            for one in told.scenes
        ]
        told = msgspec.structs.replace(told, scenes=tuple(named))
    room.do(told)
    for one in (anna, bent):
        one.join()
    eventually(room, lambda: sees(anna, "blue") and sees(bent, "red"), "they do not see each other")
    for _ in range(3):
        room.wait(Stats)
    seen = bent.by["video"].frames
    eventually(room, lambda: bent.by["video"].frames > seen + 5, "pictures stop")
    assert composing(room)
    assert bent.by["video"].frame_size == SIZE
    for one in (anna, bent):
        one.close()


@pytest.mark.parametrize("kind", ["tmmbr", "remb"])
def test_a_sender_is_asked_for_what_fills_his_place(room: Worker, kind: str) -> None:
    anna = Peer(room, "anna", End("video", "h264", colour="red", feedback=frozenset({"pli", kind})))  # type: ignore[arg-type]
    told: list[float | None] = []

    def feedback(_session: object, _kind: int, _form: int, _from: int, _of: int, fci: object) -> None:
        octets = bytes(fci.extract_dup(0, fci.get_size())) if fci is not None else b""  # type: ignore[attr-defined]
        told.append(adaptation.remb(octets) if kind == "remb" else adaptation.tmmbr(octets))

    anna.by["video"].bin.emit("get-internal-session", 0).connect("on-feedback-rtcp", feedback)
    wide = Scene("wide", 1280, 720, (Tile(0, 0, 1280, 720, "anna"),))
    small = Scene("small", 1280, 720, (Tile(0, 0, 320, 180, "anna"),))
    room.do(Scenes((small,), (Watch("anna", "small"),)))
    anna.join()
    eventually(room, lambda: told[-1:] == [256], "a small picture is not asked for")
    room.do(Scenes((wide,), (Watch("anna", "wide"),)))
    eventually(room, lambda: (told[-1] or 0) >= 6000, "a large picture is not allowed again")
    anna.close()
