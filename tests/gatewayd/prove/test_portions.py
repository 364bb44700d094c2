"""A ruleset in portions says the same as in one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewayd.prove.portions import divided

CHAIN = "table inet transit {\n  chain a {\n    accept\n  }\n}\n"
MOST = 60


def elements(text: str) -> list[str]:
    rows = (line.strip() for line in text.split("\n") if line.startswith("  ") and "chain" not in line)
    return [element for row in rows for element in row.rstrip(",").split(", ") if element not in {"accept", "}"}]


@given(st.lists(st.integers(0, 255), min_size=1, unique=True), st.integers(1, 4))
def test_no_element_is_lost_and_no_portion_too_long(numbers: list[int], step: int) -> None:
    listed = [f"10.0.0.{number} : 0x1" for number in numbers]
    rows = [", ".join(listed[at : at + step]) for at in range(0, len(listed), step)]
    text = "add map inet transit m { type ipv4_addr : mark; }\nadd element inet transit m {\n  "
    text += ",\n  ".join(rows) + "\n}\n" + CHAIN
    found = list(divided(text, MOST))
    assert elements("".join(found)) == listed
    assert "".join(found).endswith(CHAIN)
    assert all(",\n}" not in portion for portion in found)
    longest = max(MOST, max(map(len, rows)) + 40)
    assert all(len(portion) <= longest + 40 for portion in found)
