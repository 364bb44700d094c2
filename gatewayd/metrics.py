"""The numbers of the appliance: `b2bua`'s and our own, in Prometheus' text format, told when asked and kept in a file.

No program of ours serves HTTP for them: node_exporter's textfile collector picks the file up, or a person asks
`gatewayctl metrics`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from gatewayd.bans import Bans
from gatewayd.pinholes.desk import Desk
from gatewayd.signalling import AwayError, B2buaLink
from nft.errors import NftError
from vdx.metrics import Histogram, MetricList, Metrics, Sample, Series

FILE = "metrics.prom"

WRITE_SECONDS = 15.0
"""How often the file is written: the usual time between two scrapes."""

TABLES = ("edge", "media", "transit")
"""The tables whose named counters are told."""

log = logging.getLogger(__name__)


class Counting(Protocol):
    """What numbers need of `nft.netlink.Netlink`."""

    def counters(self, table: str) -> dict[str, tuple[int, int]]:
        """Return packets and octets of each named counter of a table."""
        ...


class Noticing(Protocol):
    """What numbers need of `gatewayd.notice.Notice`."""

    def series(self) -> Iterator[Series]:
        """Give what is known of agreements."""
        ...


class Meter:
    """Gathers the numbers; `netlink` and `b2bua` may fail, what they would tell is then left out."""

    def __init__(
        self, directory: Path, desk: Desk, bans: Bans, b2bua: B2buaLink, netlink: Counting, notice: Noticing
    ) -> None:
        self._path = directory / FILE
        self._desk = desk
        self._bans = bans
        self._b2bua = b2bua
        self._netlink = netlink
        self._notice = notice
        self._since = time.time()

    async def text(self) -> str:
        """Give every series as text."""
        series, histograms = await self._of_b2bua()
        return written([*self._own(), *series], histograms)

    async def run(self) -> None:
        """Keep the file fresh until cancelled; it goes with us, so that nobody reads old numbers."""
        try:
            while True:
                try:
                    self._write(await self.text())
                except OSError as error:
                    log.warning("metrics.unwritten: %s: %s", self._path, error.strerror)
                await asyncio.sleep(WRITE_SECONDS)
        finally:
            self._path.unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(text)
        part.chmod(0o644)  # node_exporter runs as a user of its own; numbers are no secret
        part.replace(self._path)

    async def _of_b2bua(self) -> tuple[tuple[Series, ...], tuple[Histogram, ...]]:
        try:
            answer = await self._b2bua.ask(Metrics)
        except AwayError:
            return (), ()
        return (answer.series, answer.histograms) if isinstance(answer, MetricList) else ((), ())

    def _own(self) -> Iterator[Series]:
        leases = self._desk.leases
        yield _gauge("vdx_up_since_seconds", "When gatewayd started, in seconds since 1970.", round(self._since))
        yield _gauge("vdx_b2bua_connected", "Whether b2bua is there.", int(self._b2bua.connected))
        yield _gauge("vdx_pinhole_leases", "Media streams whose ports are open.", len(leases))
        yield _gauge("vdx_calls_with_media", "Calls that have such streams.", leases.calls)
        yield from self._notice.series()
        try:
            yield _gauge("vdx_bans", "Addresses from which everything is dropped.", len(self._bans.listed()))
            yield from self._counted()
        except NftError as error:
            log.warning("metrics.partial: %s", error)

    def _counted(self) -> Iterator[Series]:
        found = {table: self._netlink.counters(table) for table in TABLES}
        for at, unit in enumerate(("packets", "octets")):
            samples = tuple(
                Sample(value[at], (table, name)) for table in TABLES for name, value in sorted(found[table].items())
            )
            yield Series(
                f"vdx_nft_{unit}_total",
                "counter",
                f"{unit.capitalize()} by the named counters of the kernel's rules: each is one reason.",
                samples,
                ("table", "counter"),
            )


def written(series: Iterable[Series], histograms: Iterable[Histogram]) -> str:
    """Write series in the text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected([*map(_family, series), *map(_distribution, histograms)]))
    return generate_latest(registry).decode()


class _Collected:
    """What the library wants to ask for its values."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> list[Metric]:
        """Give the values."""
        return self._found

    def describe(self) -> list[Metric]:
        """Give nothing: names are not checked against each other by the registry."""
        return []


_FAMILIES: dict[str, Callable[..., CounterMetricFamily | GaugeMetricFamily]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
}


def _family(series: Series) -> Metric:
    family = _FAMILIES[series.kind](series.name, series.help, labels=series.labels)
    for sample in series.samples:
        family.add_metric(sample.labels, sample.value)
    return family


def _distribution(histogram: Histogram) -> Metric:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(histogram.name, histogram.help, buckets=buckets, sum_value=histogram.total)


def _gauge(name: str, told: str, value: float) -> Series:
    return Series(name, "gauge", told, (Sample(value),))
