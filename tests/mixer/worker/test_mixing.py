from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mixer.worker.mixing import CEILING, HOLD_BLOCKS, Desk, Limiter
from mixer.worker.voice import BLOCK, RATE, Block


def tone(level: float, frequency: float = 440.0, blocks: int = 1) -> Block:
    return (level * np.sin(2 * np.pi * frequency * np.arange(blocks * BLOCK) / RATE)).astype(np.float32)


def test_each_hears_the_others_and_never_himself() -> None:
    desk = Desk(3)
    blocks = {"a": tone(0.1, 400), "b": tone(0.1, 650)}
    for _ in range(2):
        mixed = desk.mix(blocks, {"a": -20.0, "b": -20.0})
    assert np.allclose(mixed.without("a"), blocks["b"], atol=1e-6)
    assert np.allclose(mixed.without("b"), blocks["a"], atol=1e-6)
    assert mixed.without("c") is mixed.total


def test_the_loudest_are_mixed_and_a_softer_one_waits() -> None:
    desk = Desk(2)
    levels = {"a": -20.0, "b": -30.0, "c": -25.0}
    blocks = dict.fromkeys(levels, tone(0.1))
    desk.mix(blocks, levels)
    assert desk.speaking == {"a", "c"}
    desk.mix(blocks, {"a": -20.0, "b": -23.0, "c": -25.0})
    assert desk.speaking == {"a", "c"}, "two decibels are no reason to change"
    desk.mix(blocks, {"a": -20.0, "b": -20.0, "c": -25.0})
    assert desk.speaking == {"a", "b"}


def test_who_falls_silent_stays_for_a_pause_between_words() -> None:
    desk = Desk(2)
    desk.mix({"a": tone(0.1)}, {"a": -20.0})
    for _ in range(HOLD_BLOCKS):
        desk.mix({}, {"a": -90.0})
    assert desk.speaking == {"a"}
    desk.mix({}, {"a": -90.0})
    assert not desk.speaking


def test_coming_and_going_is_without_a_click() -> None:
    desk = Desk(1)
    flat = np.full(BLOCK, 0.5, dtype=np.float32)
    came = desk.mix({"a": flat}, {"a": -10.0}).total
    stayed = desk.mix({"a": flat}, {"a": -10.0}).total
    left = desk.mix({"a": flat, "b": flat}, {"a": -30.0, "b": -10.0})
    whole = np.concatenate((came, stayed, left.parts["a"]))
    assert whole[0] == whole[-1] == 0
    assert float(np.abs(np.diff(whole)).max()) < 0.002
    assert "a" in left.parts, "until he is gone he hears the mix without himself"


def test_who_hangs_up_or_is_muted_in_the_middle_of_a_word_makes_no_click() -> None:
    desk = Desk(1)
    voice = np.split(tone(0.5, 440.0, 3), 3)
    heard = [desk.mix({"a": block}, {"a": -10.0}).total for block in voice]
    heard += [desk.mix({}, {}).total for _ in range(2)]
    whole = np.concatenate(heard)
    steepest = float(np.abs(np.diff(np.concatenate(voice))).max())
    assert float(np.abs(np.diff(whole)).max()) < 1.1 * steepest
    assert not heard[-1].any()


@given(st.lists(st.floats(0, 8, allow_nan=False, width=32), min_size=1, max_size=30))
def test_a_limited_mix_stays_below_full_scale(peaks: list[float]) -> None:
    limiter = Limiter()
    for peak in peaks:
        limited = limiter.limit(tone(peak))
        assert float(np.abs(limited).max()) <= 1.0
        assert float(np.abs(limited[BLOCK // 10 :]).max()) <= CEILING + 0.01
