from __future__ import annotations

import numpy as np
import pytest

from mixer.worker.thinning import Thinner
from mixer.worker.voice import BLOCK, RATE


def through(factor: int, frequency: float) -> float:
    """Give what is left of a tone, in dB."""
    thinner = Thinner(factor)
    sound = np.sin(2 * np.pi * frequency * np.arange(20 * BLOCK) / RATE).astype(np.float32)
    thinned = [thinner.thin(sound[at : at + BLOCK]) for at in range(0, sound.size, BLOCK)]
    assert {one.size for one in thinned} == {BLOCK // factor}
    kept = np.concatenate(thinned[2:])
    return float(20 * np.log10(np.sqrt((kept**2).mean()) * np.sqrt(2)))


@pytest.mark.parametrize(("factor", "kept", "gone"), [(6, 3000, 4400), (3, 6000, 8800)])
def test_what_the_rate_can_hold_is_kept_and_the_rest_is_gone(factor: int, kept: float, gone: float) -> None:
    assert abs(through(factor, kept)) < 1
    assert abs(through(factor, 300)) < 0.1
    assert through(factor, gone) < -45


def test_at_the_same_rate_nothing_is_done() -> None:
    block = np.ones(BLOCK, dtype=np.float32)
    assert Thinner(1).thin(block) is block
