"""What forbids a throw-away network is named with what to set."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gatewayd.sandbox import SWITCHES, reason


@pytest.mark.parametrize(("name", "forbids", "change"), SWITCHES)
def test_the_switch_that_forbids_is_named(tmp_path: Path, name: str, forbids: str, change: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(f"{forbids}\n")
    refused = OSError(errno.EPERM, os.strerror(errno.EPERM))
    assert reason(refused, tmp_path) == f"Operation not permitted: set {change} in /etc/sysctl.d"


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EINVAL, "CONFIG_USER_NS"), (errno.ENOSPC, "max_user_namespaces"), (errno.EPERM, "vdx-prove.socket")],
)
def test_other_causes_are_told_apart(tmp_path: Path, number: int, said: str) -> None:
    assert said in reason(OSError(number, os.strerror(number)), tmp_path)
