"""Figures, their aims, and how a person and a program read them."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be: at most, or at least, `bound`."""

    kind: Literal["at most", "at least"]
    bound: float

    def met(self, value: float) -> bool:
        """Tell whether a value meets the aim."""
        return value <= self.bound if self.kind == "at most" else value >= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value: the median of `runs`, with the spread seen."""

    name: str
    value: float
    unit: str
    aim: Aim | None = None
    low: float | None = None
    high: float | None = None
    runs: int = 1

    @property
    def missed(self) -> bool:
        """Whether there is an aim and the figure misses it."""
        return self.aim is not None and not self.aim.met(self.value)


@dataclass(slots=True)
class Report:
    """What one benchmark found, in the order it was measured."""

    benchmark: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, values: list[float], unit: str, aim: Aim | None = None) -> None:
        """Add the median of several runs."""
        ordered = sorted(values)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        self.figures.append(Figure(name, median, unit, aim, ordered[0], ordered[-1], len(ordered)))

    @property
    def missed(self) -> list[Figure]:
        """The figures that miss their aims."""
        return [figure for figure in self.figures if figure.missed]

    def table(self) -> str:
        """Write the report for a person: a Markdown table, as it stands in docs/performance.md."""
        rows = ["| Figure | Median | Lowest to highest | Aim | |", "|---|---|---|---|---|"]
        for figure in self.figures:
            spread = f"{_number(figure.low)} to {_number(figure.high)} ({figure.runs})" if figure.runs > 1 else ""
            aim = f"{figure.aim.kind} {_number(figure.aim.bound)}" if figure.aim else ""
            verdict = "" if figure.aim is None else "missed" if figure.missed else "met"
            rows.append(f"| {figure.name} | {_number(figure.value)} {figure.unit} | {spread} | {aim} | {verdict} |")
        return "\n".join([f"### {self.benchmark}", "", machine(), "", *rows, "", *(f"- {note}" for note in self.notes)])

    def json(self) -> str:
        """Write the report for a program."""
        figures = [
            {
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit,
                "low": figure.low,
                "high": figure.high,
                "runs": figure.runs,
                "aim": f"{figure.aim.kind} {figure.aim.bound}" if figure.aim else None,
                "met": None if figure.aim is None else not figure.missed,
            }
            for figure in self.figures
        ]
        return json.dumps({"benchmark": self.benchmark, "machine": machine(), "figures": figures, "notes": self.notes})


def machine() -> str:
    """Say in one line what the figures were measured on."""
    return f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
