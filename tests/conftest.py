"""What holds for every test."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy makes no property false
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """Take away what a program that ran inside a test has set up for its log: it would write where nobody listens."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = [each for each in root.handlers if each in handlers]
    root.setLevel(level)


@pytest.fixture
def collector() -> Iterator[None]:
    """Have the garbage collector look at everything again, whatever a test told it."""
    yield
    gc.enable()
    gc.unfreeze()
