"""The benchmark `signalling` at more rates: from idle to more than one processor carries."""

from __future__ import annotations

from bench import signalling
from bench.report import Report

RATES = (50, 100, 200, 400)
"""Calls a second."""


def run(*, short: bool) -> Report:
    """Measure; `short` makes one round of a few seconds."""
    return signalling.measure(Report("rates"), RATES, short=short, memory=False)
