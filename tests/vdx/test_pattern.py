"""Patterns of dialled names: what they match, what they keep, what they cost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.pattern import MAX_FILLED, MAX_PATTERN, MAX_WILDCARDS, Pattern, PatternError, fill, pattern, placed


@pytest.mark.parametrize(
    ("text", "subject", "kept"),
    [
        ("*", "", {}),
        ("*", "anything at all", {}),
        ("bob", "BOB", {}),
        ("bob", "bobby", None),
        ("bo?", "bob", {}),
        ("bo?", "bo", None),
        ("a.c", "abc", None),
        ("9{number}", "912", {"number": "12"}),
        ("9{number}", "9", None),
        ("9{number:digits}", "9x", None),
        ("9{number:digits}", "9\u0661", None),
        ("*x{n:digits}", "axbx12", {"n": "12"}),
        ("{user}@{host}", "a@b@c", {"user": "a", "host": "b@c"}),
        ("{room:digits}-x", "12-X", {"room": "12"}),
        ("{a:digits}1", "121", None),
        ("*-*-{last}", "a-b-c-d", {"last": "c-d"}),
        ("{a}", "x\n", {"a": "x\n"}),
        ("a", "a\n", None),
    ],
)
def test_what_matches(text: str, subject: str, kept: dict[str, str] | None) -> None:
    assert Pattern(text).match(subject) == kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("**", "two wildcards touch"),
        ("*{a}", "two wildcards touch"),
        ("{a}b{a}", "under one name"),
        ("{A}", "names nothing"),
        ("{a:letters}", "names nothing"),
        ("a}", "names nothing"),
        ("x" * (MAX_PATTERN + 1), "at most"),
        ("*x" * (MAX_WILDCARDS + 1), "more than"),
    ],
)
def test_what_cannot_be_used(text: str, says: str) -> None:
    with pytest.raises(PatternError, match=says):
        pattern(text)


def test_a_template_is_filled_and_cut() -> None:
    assert placed("{a}-x-{b}") == ("a", "b")
    assert fill("{a}-x-{b}", {"a": "1", "b": "2"}) == "1-x-2"
    assert fill("{a}", {"a": "{b}", "b": "2"}) == "{b}"
    assert len(fill("{a}{a}", {"a": "x" * MAX_FILLED})) == MAX_FILLED
    with pytest.raises(PatternError):
        placed("{a")


PIECES = st.lists(st.sampled_from(["*", "{n}", "{d:digits}", "?", "a", "b", "1", "ab1"]), max_size=7)


@given(PIECES, st.text("ab1", max_size=12))
def test_the_quick_search_finds_what_a_thorough_one_finds(pieces: list[str], subject: str) -> None:
    numbered = [piece.replace("{n", f"{{n{i}").replace("{d", f"{{d{i}") for i, piece in enumerate(pieces)]
    try:
        quick = Pattern("".join(numbered))
    except PatternError:
        return
    thorough = {"*": ".*", "{n}": ".+", "{d:digits}": "[0-9]++", "?": "."}
    expression = "".join(thorough.get(piece, re.escape(piece)) for piece in pieces)
    assert (quick.match(subject) is not None) == (re.fullmatch(expression, subject) is not None)


def test_no_pattern_goes_back_over_two_wildcards() -> None:
    # Each `*` doubles the steps of a search that tries every place: this one would outlast the test
    assert Pattern("*a" * MAX_WILDCARDS + "b").match("a" * 128) is None
    assert Pattern("*a" * (MAX_WILDCARDS - 1) + "{n:digits}b").match("a" * 4000 + "1" * 4000) is None
