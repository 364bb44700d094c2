"""The admission rule: the first scope without room decides, and says how long to wait."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdx.admission import RETRY_AFTER, RETRY_DRAINED, RETRY_RATE, Admit, Ceiling, Load, Refuse, Scope, decide


@pytest.mark.parametrize(
    ("load", "ceiling", "expected"),
    [
        (Load(5), Ceiling(), None),
        (Load(5), Ceiling(6), None),
        (Load(6), Ceiling(6), RETRY_AFTER),
        (Load(0, 2), Ceiling(per_second=3), None),
        (Load(0, 3), Ceiling(per_second=3), RETRY_RATE),
        (Load(0, 0, 900), Ceiling(kbps=1000), None),
        (Load(0, 0, 901), Ceiling(kbps=1000), RETRY_AFTER),
        (Load(0), Ceiling(0), RETRY_AFTER),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_one_scope(load: Load, ceiling: Ceiling, expected: int | None, own: bool) -> None:
    verdict = decide([Scope("zone sdn", load, ceiling, own)], kbps=100)
    if expected is None:
        assert verdict == Admit()
    else:
        assert isinstance(verdict, Refuse)
        assert (verdict.status, verdict.retry_after) == (503 if own else 480, expected)
        assert verdict.why.startswith("zone sdn: ")


@pytest.mark.parametrize(("left", "wait"), [(math.inf, 0), (0.0, 0), (59.5, 60)])
def test_out_of_service_comes_first(left: float, wait: int) -> None:
    verdict = decide([Scope("in all", Load(0), Ceiling(10))], drain=left)
    assert isinstance(verdict, Refuse)
    assert (verdict.status, verdict.retry_after) == (503, RETRY_DRAINED + wait)


LOADS = st.builds(Load, *(st.integers(0, 5),) * 3)
CEILINGS = st.builds(Ceiling, *(st.none() | st.integers(0, 5),) * 3)


@given(st.lists(st.tuples(LOADS, CEILINGS), max_size=4), st.integers(0, 3))
def test_a_call_is_admitted_where_every_scope_alone_admits_it(pairs: list[tuple[Load, Ceiling]], kbps: int) -> None:
    scopes = [Scope(str(number), load, ceiling) for number, (load, ceiling) in enumerate(pairs)]
    alone = all(isinstance(decide([scope], kbps), Admit) for scope in scopes)
    assert isinstance(decide(scopes, kbps), Admit) == alone
