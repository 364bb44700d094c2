"""A bridge: the sound of two whose encodings are equal goes over as it came, also from the clear into encryption."""

from __future__ import annotations

import base64
import os
import random
import struct
from functools import partial
from pathlib import Path

import pytest

from mixer.prompts import making
from mixer.wire import Address, Encryption, Format, Join, Key, Prompt, Stream
from mixer.worker.engine import Gst
from tests.mixer.worker.world import End, Peer, Worker, bound, eventually, running

pytestmark = pytest.mark.system

BLOCK = 160


def keys() -> Encryption:
    return Encryption(*(Key("AES_CM_128_HMAC_SHA1_80", base64.b64encode(os.urandom(30)).decode()) for _ in range(2)))


class Voice:
    """Somebody who sends noise in G.711, never the same block twice, and keeps what comes."""

    def __init__(self, room: Worker) -> None:
        self.sockets = here, rtp, rtcp = bound(), bound(), bound()
        here.setblocking(False)
        form = Format("pcma", 8)
        stream = Stream("audio", remote=Address(*here.getsockname()), receive=(form,), send=form)
        room.do(Join("anna", (stream,)), (rtp.fileno(), rtcp.fileno()))
        self.said: set[bytes] = set()
        self._chance = random.Random(6)  # noqa: S311 - noise, no secret

    def say(self) -> None:
        here, rtp, _ = self.sockets
        number, block = len(self.said), self._chance.randbytes(BLOCK)
        self.said.add(block)
        here.sendto(struct.pack("!BBHII", 0x80, 8, number, number * BLOCK, 7) + block, rtp.getsockname())

    def close(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.mark.parametrize("encryption", [None, keys()], ids=["clear", "encrypted"])
def test_sound_of_a_bridge_goes_over_as_it_came(
    encryption: Encryption | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(bridge=True) as room:
        anna = Voice(room)
        bent = Peer(room, "bent", End("audio", "pcma", tone=900.0, encryption=encryption))
        end, came = bent.by["audio"], set[bytes]()

        def keep(_pad: Gst.Pad, info: Gst.PadProbeInfo) -> Gst.PadProbeReturn:
            packet = info.get_buffer()
            came.add(bytes(packet.extract_dup(12, packet.get_size() - 12)))
            return Gst.PadProbeReturn.OK

        end.bin.connect("pad-added", lambda _bin, pad: pad.add_probe(Gst.PadProbeType.BUFFER, keep))
        bent.join()

        def passed(least: int) -> bool:
            anna.say()
            return len(came & anna.said) >= least

        eventually(room, lambda: passed(20), "what comes over is not what was said")

        path: Path = tmp_path_factory.mktemp("keys") / "key_5.wav"
        for folder in path.parents[:3]:
            folder.chmod(0o755)
        making._write(path, making.press("5"))
        for _ in range(10):
            room.do(Prompt(str(path), "bent"))

        def pressed() -> bool:
            anna.say()
            return min(end.levels(770.0, 1336.0)) > -27

        eventually(room, pressed, "the key that was pressed is not heard")
        already = len(came & anna.said)
        eventually(room, lambda: passed(already + 20), "after the key nothing comes over as it was said")
        bent.close()
        anna.close()


def test_ends_whose_encodings_differ_are_mixed() -> None:
    with running(bridge=True) as room:
        anna = Peer(room, "anna", End("audio", "opus", tone=400.0))
        bent = Peer(room, "bent", End("audio", "pcma", tone=900.0))
        for one in (anna, bent):
            one.join()
        for one, tone in ((anna, 900.0), (bent, 400.0)):
            end = one.by["audio"]
            heard = partial(lambda end, tone: len(end.sound) > 25 and end.levels(tone)[0] > -35, end, tone)
            eventually(room, heard, f"{one.name} does not hear the other")
        for one in (anna, bent):
            one.close()
