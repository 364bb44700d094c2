import pytest

from b2bua.sdp import Direction, answerable
from b2bua.sdp.direction import HELD


@pytest.mark.parametrize(
    ("direction", "sends", "receives"),
    [("sendrecv", True, True), ("sendonly", True, False), ("recvonly", False, True), ("inactive", False, False)],
)
def test_a_direction_says_who_sends(direction: str, sends: bool, receives: bool) -> None:
    assert Direction(direction).sends is sends
    assert Direction(direction).receives is receives


@pytest.mark.parametrize("answered", list(Direction))
@pytest.mark.parametrize("offered", list(Direction))
def test_an_answer_never_goes_beyond_its_offer(offered: Direction, answered: Direction) -> None:
    allowed = answerable(offered, answered)
    assert allowed.sends == (answered.sends and offered.receives)
    assert allowed.receives == (answered.receives and offered.sends)


@pytest.mark.parametrize("direction", list(Direction))
def test_the_old_hold_stops_receiving_and_nothing_else(direction: Direction) -> None:
    assert HELD[direction].sends is direction.sends
    assert not HELD[direction].receives
