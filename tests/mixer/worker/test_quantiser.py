from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mixer.worker.adaptation import CLASSES
from mixer.worker.quantiser import COARSEST, FINEST, HELD_SECONDS, Quantiser

PIXELS = {96: 320 * 180, 192: 320 * 180, 384: 640 * 360, 768: 640 * 360, 1536: 1280 * 720, 3072: 1280 * 720}


def made_of(quantiser: int, weight: float) -> int:
    """Give octets that halve with every six steps, and are never fewer than a header."""
    return 20 + round(weight * math.exp2((12 - quantiser) / 6))


def run(kbps: int, fps: int, weights: list[tuple[float, bool]]) -> list[int]:
    pixels = PIXELS.get(kbps, 1920 * 1080)
    quantiser = Quantiser(kbps, fps, pixels)
    sizes = []
    for weight, whole in weights:
        chosen = quantiser.choose(whole=whole)
        assert FINEST <= chosen <= COARSEST
        sizes.append(made_of(chosen, weight * pixels))
        quantiser.made(sizes[-1], whole=whole)
    return sizes


def test_a_calm_picture_is_as_fine_as_looks_good() -> None:
    assert run(1536, 25, [(0.001, False)] * 50)[-1] == made_of(FINEST, 0.001 * PIXELS[1536])


def test_what_moves_takes_what_the_line_carries() -> None:
    sizes = run(1536, 25, [(0.3, True)] + [(0.5, False)] * 150)
    second = sum(sizes[-25:]) * 8 / 1000
    assert 1200 < second < 1600


def test_a_new_view_is_made_as_coarse_as_the_bucket_has_room() -> None:
    sizes = run(768, 25, [(0.3, True), *[(0.02, False)] * 50, (0.3, True)])
    assert sizes[-1] <= 768 * 125 * HELD_SECONDS


@given(
    st.sampled_from(CLASSES[:6]),
    st.sampled_from((15, 25, 30)),
    st.lists(st.tuples(st.floats(0.0, 0.4), st.booleans()), min_size=1, max_size=300),
)
def test_a_line_is_never_flooded_for_long(kbps: int, fps: int, weights: list[tuple[float, bool]]) -> None:
    sizes = run(kbps, fps, weights)
    each, held, worst = kbps * 125 / fps, 0.0, 0.0
    for size in sizes:
        held = max(0.0, held + size - each)
        worst = max(worst, size)
    assert held <= kbps * 125 * HELD_SECONDS + 2 * worst


def test_after_a_surprise_it_is_calm_again_within_a_second() -> None:
    sizes = run(1536, 25, [*[(0.001, False)] * 50, (1.5, False), *[(0.05, False)] * 50])
    each = 1536 * 125 / 25
    held = 0.0
    for place, size in enumerate(sizes):
        held = max(0.0, held + size - each)
        if place > 50 + 40:
            assert held < 1536 * 125 * HELD_SECONDS
