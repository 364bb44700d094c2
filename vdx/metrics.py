"""Numbers about a program, on their way from the program that has them to `gatewayd`, which writes them all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from vdx.pinhole import Part, Sequence
from vdx.wire import Message

SeriesName = Annotated[str, Meta(pattern=r"^vdx_[a-z0-9_]{1,80}\Z")]


class Sample(Part, frozen=True):
    """One value, with the values of the labels of its series in their order."""

    value: float
    labels: tuple[str, ...] = ()


class Series(Part, frozen=True):
    """What is counted or measured, with one sample for each combination of label values that exists."""

    name: SeriesName
    kind: Literal["counter", "gauge"]
    help: str
    samples: tuple[Sample, ...]
    labels: tuple[str, ...] = ()


class Histogram(Part, frozen=True):
    """How often a measured value lay between two bounds; the last count is of those above every bound."""

    name: SeriesName
    help: str
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Metrics(Message, frozen=True, tag="metrics"):
    """Ask for the numbers."""

    id: Sequence


class MetricList(Message, frozen=True, tag="metric-list"):
    """The numbers of one program."""

    id: Sequence
    series: tuple[Series, ...]
    histograms: tuple[Histogram, ...] = ()


class MetricText(Message, frozen=True, tag="metric-text"):
    """The numbers of the appliance in Prometheus' text format, version 0.0.4."""

    id: Sequence
    text: str
