from __future__ import annotations

import pytest

from gatewayd.trust import Trust


def test_a_stranger_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    trust = Trust("mediad", {0, 991})
    assert [trust.admits(user) for user in (0, 991, 1000, 1000, 1001)] == [True, True, False, False, False]
    told = "mediad.refused: user {} listens at its socket, where only 0, 991 may: end that program, or name its user"
    assert caplog.messages == [told.format(1000), told.format(1001)]


def test_a_stranger_that_comes_back_is_named_again(caplog: pytest.LogCaptureFixture) -> None:
    trust = Trust("mediad", {0})
    assert [trust.admits(user) for user in (1000, 0, 1000)] == [False, True, False]
    assert len(caplog.messages) == 2
