"""Single streams: encryption, key pictures, telephone events, and what no room may fall over."""

from __future__ import annotations

import base64
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from mixer.reports import Digit, Flow, KeyframeWanted, Stats
from mixer.wire import (
    Address,
    Change,
    Encoding,
    Encryption,
    Feedback,
    Join,
    Key,
    Keyframe,
    Refresh,
    Scene,
    Scenes,
    Sound,
    Suite,
    Tile,
    Watch,
)
from mixer.worker import asking
from mixer.worker.engine import Gst
from tests.mixer.worker.world import PATIENCE, End, Peer, Worker, bound, eventually, running

pytestmark = pytest.mark.system


NAMES = ("anna", "bent")
WATCHED: tuple[tuple[str, Literal["video", "content"]], ...] = (("people", "video"), ("slides", "content"))


@pytest.fixture
def room() -> Iterator[Worker]:
    with running() as worker:
        yield worker


def all_see(*names: str) -> Scenes:
    """Everybody sees the first, full size."""
    scene = Scene("main", 320, 180, (Tile(0, 0, 320, 180, participant=names[0]),))
    return Scenes((scene,), tuple(Watch(name, "main") for name in names))


def rtp(kind: int, number: int, timestamp: int, payload: bytes, ssrc: int = 7, *, marker: bool = False) -> bytes:
    return struct.pack("!BBHII", 0x80, kind | marker << 7, number, timestamp, ssrc) + payload


@pytest.mark.parametrize("suite", ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"])
def test_streams_are_encrypted_with_the_keys_agreed(room: Worker, suite: Suite) -> None:
    octets = 44 if "GCM" in suite else 30
    ours, theirs = (Key(suite, base64.b64encode(os.urandom(octets)).decode()) for _ in range(2))
    one = Peer(room, "anna", End("video", "h264", colour="green", encryption=Encryption(ours, theirs)))
    room.do(all_see("anna"))
    one.join()
    end = one.by["video"]
    eventually(room, lambda: end.frame is not None and end.shows(0.5, 0.5) == "green", "no picture came back")
    assert room.wait(Stats, lambda said: bool(said.streams)).streams[0].encrypted
    one.close()


@pytest.mark.parametrize(
    ("encoding", "more"),
    [
        ("h264", {"profile": "high"}),
        ("h264", {"packetization_mode": 0}),
        ("vp8", {"size": (352, 288)}),
        ("h265", {}),
        ("h264", {"host": "::1"}),
    ],
)
def test_every_encoding_goes_both_ways(encoding: Encoding, more: dict[str, object]) -> None:
    with running(h265=True) as room:
        one = Peer(room, "anna", End("video", encoding, colour="green", **more))  # type: ignore[arg-type]
        room.do(all_see("anna"))
        one.join()
        end = one.by["video"]
        eventually(room, lambda: end.frame is not None and end.shows(0.5, 0.5) == "green", "no picture came back")
        one.close()


def test_every_encoding_of_sound_goes_both_ways(room: Worker) -> None:
    encodings: tuple[Encoding, ...] = ("opus", "g722", "pcma", "pcmu")
    people = [Peer(room, encoding, End("audio", encoding, tone=500.0)) for encoding in encodings]
    for one in people:
        one.join(deaf=True)
        room.do(Sound(one.name, muted=False, deaf=False, echo=True))
        end = one.by["audio"]
        heard = partial(lambda end: len(end.sound) > 25 and end.levels(500.0)[0] > -35, end)
        eventually(room, heard, f"{one.name} does not come back")
        room.do(Sound(one.name, muted=True))
    for one in people:
        one.close()


def test_h265_is_refused_where_it_was_not_allowed(room: Worker) -> None:
    one = Peer(room, "anna", End("video", "h265", colour="green"))
    with pytest.raises(AssertionError, match=r"H\.265 is not allowed"):
        one.join()
    one.close()


def test_a_key_picture_is_made_for_who_asks_at_most_once_a_second(room: Worker) -> None:
    one = Peer(room, "anna", End("video", "h264", colour="red"))
    room.do(all_see("anna"))
    one.join()
    end = one.by["video"]
    eventually(room, lambda: end.frames > 5, "no picture")

    def made() -> int:
        return room.wait(Stats, lambda said: bool(said.streams)).streams[0].sent.keyframes

    before = made()
    room.do(Keyframe("anna"))
    eventually(room, lambda: made() > before, "none was made for SIP INFO")
    began, before = time.monotonic(), made()
    while time.monotonic() - began < 2.0:
        room.do(Keyframe("anna"))
    assert made() - before <= time.monotonic() - began + 1
    one.close()


def test_an_endpoint_without_feedback_is_asked_by_the_agent(room: Worker) -> None:
    one = Peer(room, "anna", End("video", "h264", colour="red", feedback=frozenset()))
    room.do(all_see("anna"))
    one.join()
    room.do(Refresh("anna"))
    assert room.wait(KeyframeWanted) == KeyframeWanted("anna", "video")
    one.close()


def test_who_is_not_shown_is_not_decoded_and_comes_back_with_a_key_picture(room: Worker) -> None:
    anna = Peer(room, "anna", End("video", "h264", colour="red"))
    bent = Peer(room, "bent", End("video", "vp8", colour="blue"))
    room.do(all_see("anna", "bent"))
    for one in (anna, bent):
        one.join()
    end = bent.by["video"]
    eventually(room, lambda: end.frame is not None and end.shows(0.5, 0.5) == "red", "the one shown is not seen")
    hidden = room.wait(Stats, lambda said: len(said.streams) == 2).streams[1].received
    assert (hidden.fps, hidden.width) == (0.0, 0)
    room.do(all_see("bent", "anna"))
    eventually(room, lambda: end.shows(0.5, 0.5) == "blue", "the one who came back is not seen")
    for one in (anna, bent):
        one.close()


def test_a_key_pressed_is_one_digit_however_many_packets_say_so(room: Worker) -> None:
    one = Peer(room, "anna", End("audio", "opus"))
    one.join()
    at = one.ends[0].stream.remote
    assert at is not None
    place = one.ends[0].theirs[0].getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        number = 0
        for press, event in enumerate((1, 1, 11)):
            for step in range(6):
                payload = struct.pack("!BBH", event, (step > 2) << 7 | 10, 160 * (step + 1))
                sender.sendto(rtp(101, number, 8000 * press, payload, marker=step == 0), place)
                number += 1
            assert room.wait(Digit) == Digit("anna", "1" if event == 1 else "#", "event")
    one.close()


def test_whatever_comes_the_room_goes_on_and_does_not_grow(room: Worker) -> None:
    anna = Peer(room, "anna", End("audio", "opus", tone=400.0), End("video", "h264", colour="red"))
    bent = Peer(room, "bent", End("audio", "opus", tone=900.0), End("video", "vp8", colour="blue"))
    room.do(all_see("anna", "bent"))
    for one in (anna, bent):
        one.join()
    seen, heard = bent.by["video"], bent.by["audio"]
    eventually(room, lambda: seen.frame is not None and len(heard.sound) > 50, "no call")
    before = room.wait(Stats).memory
    chance = random.Random(5)  # noqa: S311 - noise, no secret
    places = [one.getsockname() for end in anna.ends for one in end.theirs]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(20_000):
            payload = chance.randbytes(chance.randrange(0, 200))
            kind = number % 5
            if kind == 0:
                packet = payload
            elif kind == 1:
                packet = rtp(chance.randrange(128), chance.randrange(65536), chance.getrandbits(32), payload, 9)
            elif kind == 2:
                packet = rtp(chance.choice((96, 111, 101)), chance.randrange(65536), chance.getrandbits(32), payload)
            elif kind == 3:
                packet = rtp(96, number & 0xFFFF, number, payload, chance.getrandbits(32))
            else:
                packet = bytes((0x80 | chance.randrange(32), chance.randrange(192, 224))) + payload
            sender.sendto(packet, chance.choice(places))
            if number % 50 == 0:
                for _ in room.read(0.001):
                    pass
    frames, blocks = seen.frames, len(heard.sound)
    eventually(room, lambda: seen.frames > frames + 15 and len(heard.sound) > blocks + 50, "the room stands still")
    eventually(room, lambda: seen.shows(0.5, 0.5) == "red", "the picture does not come back")
    eventually(room, lambda: heard.levels(400.0)[0] > -35, "the sound does not come back")
    after = room.wait(Stats).memory
    assert after - before < 60e6
    for one in (anna, bent):
        one.close()


def test_what_cannot_be_done_is_said_and_changes_nothing(room: Worker) -> None:
    end = End("audio", "opus", tone=400.0)
    one = Peer(room, "anna", end)
    bad = Encryption(*(Key("AES_CM_128_HMAC_SHA1_80", "c2hvcnQ=") for _ in range(2)))
    end.stream = msgspec.structs.replace(end.stream, encryption=bad)
    with pytest.raises(AssertionError, match="30 octets with its salt, not 5"):
        one.join()
    with pytest.raises(AssertionError, match="nobody is not in the room"):
        room.do(Refresh("nobody"))
    held = len(list(Path(f"/proc/{room.process.pid}/fd").iterdir()))
    with pytest.raises(AssertionError, match="nobody is not in the room"):
        room.do(Change("nobody", (end.stream,)), end.descriptors)
    with pytest.raises(AssertionError, match="1 sockets came for streams that need 2"):
        room.do(Join("bent", (end.stream,)), end.descriptors[:1])
    assert len(list(Path(f"/proc/{room.process.pid}/fd").iterdir())) == held
    end.stream = msgspec.structs.replace(end.stream, encryption=None)
    one.join()
    one.close()


SNOW = "videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width=320,height=180,framerate=15/1"


def test_what_is_lost_is_sent_again(room: Worker) -> None:
    one = Peer(room, "anna", End("video", "h264", source=SNOW, rtx=99, loss=0.3, size=(640, 360)))
    room.do(all_see("anna"))
    one.join()
    end = one.by["video"]
    eventually(room, lambda: end.frames > 5 and end.repeated > 5, "nothing is sent again")
    one.close()


def test_who_reports_loss_is_sent_less(room: Worker) -> None:
    """The other end gives no feedback: one of GStreamer 1.22 that does may leave its report blocks out for good."""
    one = Peer(room, "anna", End("video", "h264", source=SNOW, loss=0.3, size=(640, 360), feedback=frozenset()))
    room.do(all_see("anna"))
    one.join()

    def sent() -> Flow:
        return room.wait(Stats, lambda said: bool(said.streams)).streams[0].sent

    eventually(room, lambda: sent().lost > 0, "the loss that is reported is not counted")
    eventually(room, lambda: 0 < sent().height < 360, "the rate does not fall")
    one.close()


@pytest.mark.parametrize("kind", ["tmmbr", "remb"])
def test_who_says_how_much_he_can_get_is_sent_no_more(room: Worker, kind: Feedback) -> None:
    one = Peer(room, "anna", End("video", "h264", source=SNOW, size=(640, 360), feedback=frozenset({"pli", kind})))
    room.do(all_see("anna"))
    noticed: list[bytes] = []

    def feedback(_session: object, form: int, number: int, _from: int, _of: int, fci: Gst.Buffer | None) -> None:
        if (int(form), int(number)) == (205, 4) and fci is not None:  # TMMBN, RFC 5104 section 4.2.2
            noticed.append(bytes(fci.extract_dup(0, fci.get_size())))

    end = one.by["video"]
    end.bin.emit("get-internal-session", 0).connect("on-feedback-rtcp", feedback)
    one.join()

    def sent() -> Flow:
        return room.wait(Stats, lambda said: bool(said.streams)).streams[0].sent

    eventually(room, lambda: sent().height == 360, "it does not begin with what fits")
    owner, asked = 4711, asking.request(kind, 150, ours=4711, theirs=1, name="anna")
    with bound() as other:

        def smaller() -> bool:
            other.sendto(asked, end.theirs[1].getsockname())
            return 0 < sent().height < 360

        eventually(room, smaller, "the rate does not fall")
    if kind == "tmmbr":
        eventually(room, lambda: bool(noticed), "nobody says that it is heeded")
        assert noticed[-1] == owner.to_bytes(4) + asked[-4:]
    one.close()


def test_who_moves_is_sent_to_where_he_is(room: Worker) -> None:
    end = End("video", "h264", colour="red")
    one = Peer(room, "anna", end)
    room.do(all_see("anna"))
    one.join()
    eventually(room, lambda: end.frames > 3, "no picture")
    with bound() as rtp_here, bound() as rtcp_here:
        for here in (rtp_here, rtcp_here):
            here.settimeout(PATIENCE)
        ends = [Address(*here.getsockname()) for here in (rtp_here, rtcp_here)]
        named = msgspec.structs.replace(end.stream, kept=True, remote=Address("moved.example", 5004))
        with pytest.raises(AssertionError, match=r"moved\.example is not an address"):
            room.do(Change("anna", (named,)))
        room.do(Change("anna", (msgspec.structs.replace(named, remote=ends[0], remote_rtcp=ends[1]),)))
        assert rtp_here.recv(2000)[1] & 127 == 96
        assert rtcp_here.recv(2000)[1] in {200, 201, 205, 206}
    one.close()


def test_content_is_a_stream_of_its_own_both_ways(room: Worker) -> None:
    anna = Peer(room, "anna", End("video", "h264", colour="red"), End("content", "h264", colour="white"))
    bent = Peer(room, "bent", End("video", "h264", colour="blue"), End("content", "vp8", colour="green"))
    people = Scene("people", 640, 180, tuple(Tile(320 * at, 0, 320, 180, name) for at, name in enumerate(NAMES)))
    slides = Scene("slides", 320, 180, (Tile(0, 0, 320, 180, "anna", "content"),))
    watching = [Watch(name, view, media) for name in NAMES for view, media in WATCHED]
    room.do(Scenes((people, slides), tuple(watching)))
    for one in (anna, bent):
        one.join()
    ends = bent.by
    eventually(room, lambda: ends["content"].frame is not None and ends["video"].frame is not None, "no picture")
    eventually(room, lambda: ends["content"].shows(0.5, 0.5) == "white", "the slides are not seen")
    eventually(room, lambda: ends["video"].shows(0.25, 0.5) == "red", "the first camera is not seen")
    eventually(room, lambda: ends["video"].shows(0.75, 0.5) == "blue", "the second camera is not seen")
    for one in (anna, bent):
        one.close()
