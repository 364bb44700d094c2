"""Nonces: whose they are, how long they live, and that each count is taken once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import nonce as module
from b2bua.sip.nonce import COUNT_WINDOW, NONCE_SECONDS, Nonces


def nonces() -> Nonces:
    numbers = itertools.count(1)
    return Nonces(b"k" * 32, lambda: f"t{next(numbers)}")


def test_a_nonce_is_good_for_whom_it_was_made_and_for_its_time() -> None:
    made = nonces()
    nonce = made.make("sdn 10.0.0.1", 1000.0)
    assert made.judge(nonce, "sdn 10.0.0.1", 1000.0) == "good"
    assert made.judge(nonce, "sdn 10.0.0.1", 1000.0 + NONCE_SECONDS) == "good"
    assert made.judge(nonce, "sdn 10.0.0.1", 1001.0 + NONCE_SECONDS) == "stale"
    assert made.judge(nonce, "sdn 10.0.0.2", 1000.0) == "forged"
    assert Nonces(b"j" * 32, lambda: "t").judge(nonce, "sdn 10.0.0.1", 1000.0) == "forged"
    assert made.make("s", 1.0) != made.make("s", 1.0)
    assert len(made) == 0


@given(st.text(max_size=60))
def test_no_text_of_a_stranger_is_a_nonce(text: str) -> None:
    assert nonces().judge(text, "s", 1000.0) == "forged"


def test_a_count_is_taken_once() -> None:
    made = nonces()
    nonce = made.make("s", 1000.0)
    assert made.take(nonce, 1, 1000.0)
    assert not made.take(nonce, 1, 1000.0)
    assert made.take(nonce, 3, 1000.0)
    assert made.take(nonce, 2, 1000.0)  # over UDP it came later
    assert not made.take(nonce, 2, 1000.0)
    assert not made.take(nonce, 0, 1000.0)


@given(st.lists(st.integers(1, 200), max_size=80))
def test_no_order_lets_a_count_in_twice(counts: list[int]) -> None:
    made = nonces()
    nonce = made.make("s", 0.0)
    taken = [count for count in counts if made.take(nonce, count, 0.0)]
    assert len(taken) == len(set(taken))
    highest = 0
    for count in counts:
        if count > highest:
            assert count in taken
            highest = count


def test_a_count_far_behind_is_refused() -> None:
    made = nonces()
    nonce = made.make("s", 0.0)
    assert made.take(nonce, 0xFFFFFFFF, 0.0)
    assert made.take(nonce, 0xFFFFFFFF - COUNT_WINDOW + 1, 0.0)
    assert not made.take(nonce, 0xFFFFFFFF - COUNT_WINDOW, 0.0)


def test_over_the_limit_the_oldest_go_stale_and_are_never_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_NONCES", 2)
    made = nonces()
    first, second, third = (made.make("s", float(at)) for at in (0, 1, 2))
    for nonce in (first, second, third):
        assert made.take(nonce, 1, 3.0)
    assert len(made) == 2
    assert [made.judge(nonce, "s", 3.0) for nonce in (first, second, third)] == ["stale", "good", "good"]
    assert made.judge(made.make("s", 0.5), "s", 3.0) == "good"


def test_what_is_over_is_forgotten() -> None:
    made = nonces()
    made.take(made.make("s", 0.0), 1, 0.0)
    later = NONCE_SECONDS + 1
    made.take(made.make("s", later), 1, later)
    assert len(made) == 1
