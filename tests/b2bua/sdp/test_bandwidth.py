import pytest

from b2bua.sdp.bandwidth import passing_bandwidth, session_bandwidth


def test_bandwidth_passes_as_it_is_without_a_limit() -> None:
    lines = ["b=AS:6000", "a=b:1", "b=TIAS:6000000", "b=RR:0", "b=X-YZ:128"]
    assert passing_bandwidth(lines, None) == ["b=AS:6000", "b=TIAS:6000000", "b=RR:0", "b=X-YZ:128"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("b=AS:6000", "b=AS:2048"),
        ("b=CT:6000", "b=CT:2048"),
        ("b=TIAS:6000000", "b=TIAS:2048000"),
        ("b=AS:2048", "b=AS:2048"),
        ("b=TIAS:2048000", "b=TIAS:2048000"),
        ("b=AS:64", "b=AS:64"),
        ("b=RS:800000", "b=RS:800000"),
    ],
)
def test_a_limit_cuts_in_the_unit_of_the_line(line: str, expected: str) -> None:
    assert passing_bandwidth([line], 2048) == [expected]


@pytest.mark.parametrize("line", ["b=AS", "b=AS:", "b=AS:-1", "b=AS:1 192.0.2.1", "b=192.0.2.1:5", "b=AS:1.5"])
def test_a_broken_line_is_left_out(line: str) -> None:
    assert passing_bandwidth([line], None) == []


@pytest.mark.parametrize(
    ("lines", "limit", "expected"),
    [
        ([], None, []),
        ([], 2048, ["b=AS:2048"]),
        (["b=RR:0"], 2048, ["b=RR:0", "b=AS:2048"]),
        (["b=CT:6000"], 2048, ["b=CT:2048"]),
        (["b=TIAS:64000"], 2048, ["b=TIAS:64000"]),
    ],
)
def test_a_session_without_a_total_is_given_the_limit(lines: list[str], limit: int | None, expected: list[str]) -> None:
    assert session_bandwidth(lines, limit) == expected
