"""Metrics as text: what Prometheus' own parser reads is what was meant, and the file is whole at every moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gatewayd import metrics
from gatewayd.metrics import FILE, Meter, written
from gatewayd.signalling import AwayError
from nft.errors import NftError
from vdx.metrics import Histogram, MetricList, Sample, Series

CALLS = Series("vdx_calls", "gauge", "Calls.", (Sample(7),))
REFUSED = Series(
    "vdx_refused_total", "counter", "Refused.", (Sample(3, ('no "route"\n',)), Sample(1, ("full",))), ("reason",)
)
SETUP = Histogram("vdx_call_setup_seconds", "Setup.", (0.5, 1.0), (2, 3, 1), 9.5)


def read(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items()) if sample.labels else ''}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_series_are_written_as_prometheus_reads_them() -> None:
    text = written([CALLS, REFUSED], [SETUP])
    assert read(text) == {
        "vdx_calls": 7,
        "vdx_refused_total[('reason', 'no \"route\"\\n')]": 3,
        "vdx_refused_total[('reason', 'full')]": 1,
        "vdx_call_setup_seconds_bucket[('le', '0.5')]": 2,
        "vdx_call_setup_seconds_bucket[('le', '1.0')]": 5,
        "vdx_call_setup_seconds_bucket[('le', '+Inf')]": 6,
        "vdx_call_setup_seconds_count": 6,
        "vdx_call_setup_seconds_sum": 9.5,
    }
    assert "# TYPE vdx_calls gauge\n" in text
    assert "# TYPE vdx_refused_total counter\n" in text


class Away:
    connected = False

    async def ask(self, _make: object) -> MetricList:
        raise AwayError("b2bua is not running")


class There:
    connected = True

    async def ask(self, _make: object) -> MetricList:
        return MetricList(1, (CALLS,), (SETUP,))


class Leases:
    calls = 2

    def __len__(self) -> int:
        return 5


class Counters:
    def counters(self, table: str) -> dict[str, tuple[int, int]]:
        return {"spoofed": (4, 400)} if table == "edge" else {}


class Silent:
    def counters(self, _table: str) -> dict[str, tuple[int, int]]:
        raise NftError("the kernel did not answer")


def meter(directory: Path, b2bua: Any, counters: Any) -> Meter:
    desk: Any = SimpleNamespace(leases=Leases())
    bans: Any = SimpleNamespace(listed=lambda: {"192.0.2.1": 5.0})
    notice: Any = SimpleNamespace(series=lambda: [Series("vdx_agreements_ending", "gauge", "Ending.", (Sample(2),))])
    return Meter(directory, desk, bans, b2bua, counters, notice)


def test_everything_is_told_together(tmp_path: Path) -> None:
    found = read(asyncio.run(meter(tmp_path, There(), Counters()).text()))
    assert found["vdx_calls"] == 7
    assert found["vdx_pinhole_leases"] == 5
    assert found["vdx_calls_with_media"] == 2
    assert found["vdx_bans"] == 1
    assert found["vdx_agreements_ending"] == 2
    assert found["vdx_b2bua_connected"] == 1
    assert found["vdx_nft_packets_total[('counter', 'spoofed'), ('table', 'edge')]"] == 4
    assert found["vdx_nft_octets_total[('counter', 'spoofed'), ('table', 'edge')]"] == 400


def test_who_is_away_leaves_the_rest(tmp_path: Path) -> None:
    found = read(asyncio.run(meter(tmp_path, Away(), Silent()).text()))
    assert found["vdx_b2bua_connected"] == 0
    assert found["vdx_pinhole_leases"] == 5
    assert "vdx_calls" not in found


def test_the_file_is_kept_fresh_and_goes_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "WRITE_SECONDS", 0.001)

    async def main() -> None:
        task = asyncio.create_task(meter(tmp_path, There(), Counters()).run())
        seen: set[int] = set()
        while len(seen) < 3:  # each writing is another file
            await asyncio.sleep(0.001)
            if (tmp_path / FILE).exists():
                seen.add((tmp_path / FILE).stat().st_mtime_ns)
                assert read((tmp_path / FILE).read_text())["vdx_calls"] == 7
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o644
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 30))
    assert list(tmp_path.iterdir()) == []
