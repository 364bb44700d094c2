"""H.264 by libx264: what is asked for is what comes, and what a class carries is what goes out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from mixer.worker.adaptation import Send
from mixer.worker.engine import Gst, load
from mixer.worker.errors import EngineError
from mixer.worker.quantiser import COARSEST, FINEST, HELD_SECONDS, Quantiser
from mixer.worker.x264 import Coder

SEND = Send(384, 320, 180, 25)
SLICE, PARAMETERS, KEY = 1, 7, 5
"""NAL unit types (H.264, table 7-1)."""


@pytest.fixture(autouse=True)
def _engine() -> None:
    load()


def pictures(count: int) -> Iterator[Gst.Buffer]:
    """Noise, which shares nothing from one picture to the next."""
    chance = np.random.default_rng(1)
    for _ in range(count):
        yield Gst.Buffer.new_wrapped(chance.integers(100, 156, 320 * 180 * 3 // 2, dtype=np.uint8).tobytes())


def units(octets: bytes) -> list[tuple[int, int]]:
    """Types of NAL units (annex B), and how many octets each has."""
    parts = octets.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    return [(part[0] & 31, len(part)) for part in parts]


def test_a_coarser_picture_is_smaller_over_the_whole_range() -> None:
    sizes = []
    for quantiser in range(FINEST, COARSEST + 1, 9):
        coder = Coder(SEND, slice_octets=0, key_every=100)
        sizes.append(sum(len(coder.encode(one, quantiser, key=False)) for one in pictures(5)))
        coder.close()
    assert all(finer > 1.5 * coarser for finer, coarser in pairwise(sizes)), sizes


def test_noise_takes_what_the_class_carries_and_no_more() -> None:
    coder, quantiser = Coder(SEND, slice_octets=0, key_every=1000), Quantiser(SEND.kbps, SEND.fps, 320 * 180)
    total = 0
    for one in pictures(100):
        octets = coder.encode(one, quantiser.choose(whole=False), key=False)
        quantiser.made(len(octets), whole=False)
        total += len(octets)
    coder.close()
    assert 0.7 * 4 < total / (SEND.kbps * 125) < 4 + HELD_SECONDS


def test_a_key_picture_comes_when_it_is_wanted_with_its_parameters() -> None:
    coder = Coder(SEND, slice_octets=0, key_every=1000)
    made = [(coder.encode(one, 40, key=number == 3), coder.key) for number, one in enumerate(pictures(5))]
    coder.close()
    assert [key for _, key in made] == [True, False, False, True, False]
    assert [kind for kind, _ in units(made[3][0]) if kind in {PARAMETERS, KEY}] == [PARAMETERS, KEY]
    assert {kind for kind, _ in units(made[4][0])} == {SLICE}


def test_slices_are_no_larger_than_asked() -> None:
    coder = Coder(SEND, slice_octets=1100, key_every=1000)
    for one in pictures(3):
        assert max(size for _, size in units(coder.encode(one, FINEST, key=False))) <= 1100
    coder.close()


def test_a_frame_of_another_size_is_not_read() -> None:
    coder = Coder(SEND, slice_octets=0, key_every=1000)
    with pytest.raises(MemoryError, match="has 100 octets, not 86400"):
        coder.encode(Gst.Buffer.new_wrapped(bytes(100)), FINEST, key=False)
    coder.close()


def test_a_size_that_cannot_be_encoded_is_said() -> None:
    with pytest.raises(EngineError, match="no pictures of 0 by 0"):
        Coder(Send(384, 0, 0, 25), slice_octets=0, key_every=1000)
