"""Header fields that no profile can let pass."""

from __future__ import annotations

import pytest

from vdx.headers import NEVER, refusal


@pytest.mark.parametrize("name", ["Content-Type", "via", "i", "M"])
def test_a_refusal_says_what_to_do(name: str) -> None:
    assert any(f"{name!r} {why}" in str(refusal(name)) for why in ("belongs to one side", "is a compact form"))


def test_others_may_pass() -> None:
    assert refusal("X-Room") is None


def test_names_are_long_and_in_lower_case() -> None:
    assert all(len(name) > 1 and name == name.lower() for name in NEVER)
