"""What was measured is kept whole; what never was is little."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixer.calibration import UNMEASURED, Measured, capacity, keep, known
from vdx import ports


def test_a_server_that_was_never_measured_carries_little(tmp_path: Path) -> None:
    assert known(tmp_path) == UNMEASURED
    (tmp_path / "calibration.json").write_text("{")
    assert known(tmp_path) == UNMEASURED


def test_what_was_measured_is_known_again(tmp_path: Path) -> None:
    keep(tmp_path, Measured(8, 20.0, 0.07, 0, 960, "2026-01-01T00:00:00Z"))
    assert known(tmp_path) == 960
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.json"]


@pytest.mark.parametrize(("cores", "per_port", "whole"), [(2, 0.0625, 22), (2, 0.0748, 18), (1, 5.0, 1)])
def test_capacity_is_whole_ports_and_never_none(cores: int, per_port: float, whole: int) -> None:
    assert capacity(cores, per_port) == whole * ports.PORT
