from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mixer.worker.adaptation import CLASSES, FLOOR, Rate, choose, remb, tmmbr


def test_loss_brings_the_rate_down_at_once_and_calm_up_again_slowly() -> None:
    rate = Rate(2000)
    rate.report(0.3)
    assert rate.kbps == 1700
    for _ in range(5):
        rate.report(0.0)
    assert rate.kbps == 1700
    for _ in range(10):
        rate.report(0.0)
    assert rate.kbps == 2000


def test_what_the_receiver_asks_for_is_never_exceeded() -> None:
    rate = Rate(2000)
    rate.ask(500)
    assert rate.kbps == 500
    rate.ask(9000)
    assert rate.kbps == 2000


@given(st.floats(0, 20_000), st.sampled_from((0, *CLASSES)), st.sampled_from((90, 180, 360, 720, 1080)))
def test_a_class_fits_the_rate_and_the_picture_the_receiver(kbps: float, before: int, height: int) -> None:
    send = choose(kbps, before, width=height * 16 // 9, height=height, fps=25)
    assert send.kbps in CLASSES
    assert send.kbps <= max(kbps * 1.06, CLASSES[0])
    assert send.height <= max(90, height)
    again = choose(kbps, send.kbps, width=height * 16 // 9, height=height, fps=25)
    assert again == send, "the same rate gives the same class"


@given(st.lists(st.floats(0, 1), max_size=50))
def test_the_rate_has_a_floor_and_a_ceiling(losses: list[float]) -> None:
    rate = Rate(1000)
    for loss in losses:
        rate.report(loss)
        assert FLOOR <= rate.kbps <= 1000


def test_estimates_of_receivers_are_read() -> None:
    # REMB: 1 source, exponent 2, mantissa 125,000 -> 500,000 bit/s
    assert remb(b"REMB" + bytes((1,)) + ((2 << 18) | 125_000).to_bytes(3, "big") + bytes(4)) == 500.0
    # TMMBR: source, exponent 3, mantissa 32,000 -> 256,000 bit/s, overhead 40
    assert tmmbr(bytes(4) + ((3 << 26) | (32_000 << 9) | 40).to_bytes(4, "big")) == 256.0
    assert remb(b"REMX" + bytes(8)) is None
    assert tmmbr(b"") is None


def test_a_rate_falls_to_what_arrives_before_anything_is_lost() -> None:
    rate = Rate(1500)
    for arrived in (900.0, 900.0, 1300.0, 900.0, 900.0):
        rate.carried(1400.0, arrived)
        assert rate.kbps == 1500  # never three in a row
    rate.carried(1400.0, 800.0)
    assert rate.kbps == 760
    for _ in range(200):
        rate.report(0.0)
    assert rate.kbps == 1500
    for _ in range(3):
        rate.carried(10.0, 0.0)
    assert rate.kbps >= 64
