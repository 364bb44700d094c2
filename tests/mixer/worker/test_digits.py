from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixer.worker.digits import EVENTS, TelephoneEvents, Tones
from mixer.worker.voice import BLOCK
from tests.mixer.worker.sounds import keys


def heard(sound: NDArray[np.float32]) -> str:
    tones = Tones()
    found = [tones.listen(sound[at : at + BLOCK]) for at in range(0, sound.size - BLOCK + 1, BLOCK)]
    return "".join(one for one in found if one)


@pytest.mark.parametrize(("press", "pause", "level"), [(0.08, 0.06, 0.2), (0.2, 0.1, 0.02), (1.0, 0.3, 0.45)])
def test_keys_are_heard_once_each(press: float, pause: float, level: float) -> None:
    assert heard(keys("159#D55", press=press, pause=pause, level=level)) == "159#D55"


@given(st.integers(0, BLOCK - 1))
def test_where_a_block_begins_does_not_matter(shift: int) -> None:
    assert heard(keys("5#")[shift:]) == "5#"


def test_neither_noise_nor_voices_nor_single_tones_are_keys() -> None:
    time = np.arange(48000 * 3) / 48000
    source = np.random.default_rng(1)
    noise = source.standard_normal(time.size) * 0.1
    pitch = 2 * np.pi * np.cumsum(120 + 40 * np.sin(2 * np.pi * 3 * time)) / 48000
    voice = 0.1 * np.sum([np.sin(pitch * harmonic) / harmonic for harmonic in range(1, 20)], axis=0)
    for sound in (noise, voice, 0.3 * np.sin(2 * np.pi * 770 * time), np.zeros(time.size)):
        assert heard(sound.astype(np.float32)) == ""


def test_a_telephone_event_is_given_once() -> None:
    events = TelephoneEvents()
    first, longer, last = (b"\x05\x0a\x00\xa0", b"\x05\x0a\x01\x40", b"\x05\x8a\x01\x40")
    assert [events.receive(one, 100) for one in (first, longer, last)] == ["5", None, None]
    assert events.receive(first, 900) == "5"
    assert events.receive(b"\x10\x0a\x00\xa0", 2000) is None
    assert events.receive(b"\x01", 3000) is None


@given(st.binary(max_size=8), st.integers(0, 2**32 - 1))
def test_any_payload_is_a_key_or_nothing(payload: bytes, timestamp: int) -> None:
    assert TelephoneEvents().receive(payload, timestamp) in {None, *EVENTS}
