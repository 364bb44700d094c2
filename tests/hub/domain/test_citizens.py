"""Citizens' numbers are found however they are written, and other numbers are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.citizens import check, holds_number
from hub.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        "010170-1234",
        "Samtale med 0101701234.",
        "010170 1234",
        "01.01.70-1234",
        "01 01 70 1234",
        "(311299\u20134321)",
        "290200-1234",
        "\u0660\u0661\u0660\u0661\u0667\u0660-\u0661\u0662\u0663\u0664",  # digits of another script
        "\uff10\uff11\uff10\uff11\uff17\uff10\uff0d1234",  # wide ones
        "010\u200b170-12\u00ad34",  # hidden characters between
        "610170-1234",  # a number that stands in for one
        "x010170-1234y",
        "11 010170-1234",
    ],
)
def test_what_could_be_a_number(text: str) -> None:
    assert holds_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Stue 12, kl. 10-11, tlf. 12345678",
        "+45 12 34 56 78",
        "321370-1234",
        "300200-1234",
        "001170-1234",
        "12010170-12345",
        "010170-12345",
        "2026-11-02 12:00",
        "sag 2026/123456",
        "010170--1234",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert not holds_number(text)


@given(
    st.dates().filter(lambda day: day.year > 1900),
    st.integers(0, 9999),
    st.sampled_from(["", "-", " "]),
    st.text(alphabet="abc ,", max_size=20),
)
def test_every_birthday_with_four_digits(day: object, serial: int, between: str, around: str) -> None:
    assert holds_number(f"{around}{day:%d%m%y}{between}{serial:04}{around}")


def test_the_sentence_names_the_field() -> None:
    check({"subject": "Rounds", "labels": ("a", "b"), "additionalInformation": (("a", "b"),), "description": None})
    with pytest.raises(InputError, match=r"^labels: holds what looks like a citizen's personal number"):
        check({"labels": ("a", "010170-1234")})
    with pytest.raises(InputError, match=r"^additionalInformation"):
        check({"additionalInformation": (("cpr", "010170-1234"),)})
