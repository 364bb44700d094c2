from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.errors import NetworkError
from gatewayd.network import sysctl


def test_an_interface_with_a_dot_keeps_its_name() -> None:
    paths = [str(path) for path, _ in sysctl.settings(["eth0.7"], proc=Path("/p"))]
    assert "/p/net/ipv4/conf/eth0.7/rp_filter" in paths
    assert "/p/net/ipv4/ip_forward" in paths


def test_only_what_differs_is_written_and_put_back(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1\n")
    two.write_text("16384\t32767\n")
    before = sysctl.write([(one, "0"), (two, "16384 32767")])
    assert before == [(one, "1")]
    assert one.read_text() == "0"
    sysctl.restore(before)
    assert one.read_text() == "1"


def test_a_setting_that_is_missing_puts_back_the_others(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.write_text("1")
    with pytest.raises(NetworkError, match=r"kernel setting .*/gone cannot be set to '0': No such file"):
        sysctl.write([(one, "0"), (tmp_path / "gone", "0")])
    assert one.read_text() == "1"
