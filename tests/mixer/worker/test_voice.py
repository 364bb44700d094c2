from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.worker.voice import (
    BLOCK,
    CALM_BLOCKS,
    CAPACITY,
    GAIN_RANGE_DB,
    RATE,
    RETURN,
    SILENCE_DB,
    SLACK,
    TARGET,
    TARGET_MAX,
    Block,
    Voice,
    decibels,
)


def block(level: float = 0.5, samples: int = BLOCK) -> Block:
    return np.full(samples, level, dtype=np.float32)


def test_sound_comes_out_as_it_went_in_once_enough_is_held() -> None:
    voice = Voice()
    sound = (np.arange(3 * BLOCK) / RATE).astype(np.float32)
    voice.push(sound[:BLOCK])
    assert voice.take() is None
    for at in (BLOCK, 2 * BLOCK):
        voice.push(sound[at : at + BLOCK])
    taken = voice.take()
    assert taken is not None
    skipped = round(float(taken[-1]) * RATE) + 1 - BLOCK
    assert skipped == 3 * BLOCK - TARGET, "what is held beyond the target is left out at the beginning"
    wanted = sound[skipped : skipped + BLOCK].copy()
    wanted[:RETURN] *= np.linspace(0.0, 1.0, RETURN, dtype=np.float32)
    assert np.array_equal(taken, wanted)
    voice.push(sound[:BLOCK])
    taken = voice.take()
    assert taken is not None
    assert np.array_equal(taken[: TARGET - BLOCK], sound[skipped + BLOCK :])


def test_when_it_runs_dry_more_is_held_and_in_calm_less_again() -> None:
    voice = Voice()
    for _ in range(20):
        voice.push(block(samples=TARGET_MAX))
        while voice.take() is not None:
            pass
    assert voice._target == TARGET_MAX
    voice.push(block(0.0, samples=TARGET_MAX))
    for _ in range(CALM_BLOCKS * 12):
        assert voice.take() is not None
        voice.push(block(0.0))
    assert voice._target == TARGET
    assert voice._held < TARGET + BLOCK


def test_where_nothing_is_to_spare_nothing_is_left_out() -> None:
    voice = Voice()
    voice._target = TARGET + BLOCK
    voice.push(block(0.0, samples=TARGET + BLOCK))
    for _ in range(CALM_BLOCKS * 3):
        assert voice.take() is not None
        assert voice.take() is not None
        voice.push(block(0.0, samples=2 * BLOCK))
    assert voice._target == TARGET + BLOCK


def test_the_last_sound_before_silence_fades() -> None:
    voice = Voice()
    voice.push(block(samples=TARGET))
    assert voice.take() is not None
    last = voice.take()
    left = TARGET - BLOCK
    assert last is not None
    assert last[left - 1] == 0
    assert not last[left:].any()


def test_sound_comes_back_and_is_left_out_without_a_step() -> None:
    voice, said = Voice(), 0
    heard: list[Block] = []
    for samples, takes in ((TARGET, 3), (TARGET, 1), (BLOCK + SLACK + TARGET // 2, 2), (TARGET_MAX, 2)):
        voice.push((0.5 * np.cos(2 * np.pi * 5 * np.arange(said, said + samples) / RATE)).astype(np.float32))
        said += samples
        blocks = [voice.take() for _ in range(takes)]
        heard += [block(0.0) if taken is None else taken for taken in blocks]
    assert voice._held < TARGET_MAX
    fastest = float(np.abs(np.diff(np.concatenate((block(0.0), *heard)))).max())
    assert fastest < 0.6 / RETURN


@given(st.lists(st.one_of(st.none(), st.integers(0, 5 * BLOCK)), max_size=60))
def test_whatever_comes_blocks_are_whole_and_little_is_held(steps: list[int | None]) -> None:
    voice = Voice()
    for step in steps:
        if step is None:
            taken = voice.take()
            assert taken is None or taken.shape == (BLOCK,)
        else:
            voice.push(block(samples=step))
        assert voice._held == sum(chunk.size for chunk in voice._chunks) <= CAPACITY


def test_a_second_of_sound_at_once_is_not_kept() -> None:
    voice = Voice()
    voice.push(block(samples=BLOCK * 40))
    voice.take()
    assert voice._held == TARGET - BLOCK


@pytest.mark.parametrize(("sent", "wanted"), [(0.01, GAIN_RANGE_DB), (0.9, -GAIN_RANGE_DB)])
def test_gain_control_moves_slowly_and_not_beyond_its_range(sent: float, wanted: float) -> None:
    voice = Voice()
    ratio = 0.0
    before = 1.0
    for _ in range(400):
        voice.push(block(sent))
        taken = voice.take()
        if taken is None:
            continue
        raised = voice.raise_(taken)
        ratio = float(raised[-1] / sent)
        assert 0.98 < ratio / before < 1.02
        before = ratio
    assert 20 * np.log10(ratio) == pytest.approx(wanted, abs=0.2)


def test_levels_are_dbfs() -> None:
    assert decibels(block(1.0)) == pytest.approx(0.0)
    assert decibels(block(0.1)) == pytest.approx(-20.0, abs=0.01)
    assert decibels(block(0.0)) == SILENCE_DB
