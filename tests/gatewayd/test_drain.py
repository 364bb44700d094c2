"""Out of service: kept over restarts, told to b2bua whenever it appears."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from gatewayd.drain import Drain
from gatewayd.errors import VersionError
from gatewayd.signalling import AwayError, B2buaLink
from vdx import control, drain
from vdx.control import FromB2bua, ToB2bua
from vdx.pinhole import Refused


class B2bua:
    """Hears what it is told, where it is there."""

    def __init__(self) -> None:
        self.told: list[ToB2bua] = []
        self.there = True
        self.answer: FromB2bua = control.Ok(1)

    async def ask(self, make: Callable[[int], ToB2bua]) -> FromB2bua:
        if not self.there:
            raise AwayError("away")
        self.told.append(make(1))
        return self.answer


class Appliance:
    """A Drain beside a b2bua, at a time of its own."""

    def __init__(self, path: Path) -> None:
        self.now = 1000.0
        self.b2bua = B2bua()
        self.path = path / "drain.json"
        self.restart()

    def restart(self) -> None:
        self.drain = Drain(self.path, cast("B2buaLink", self.b2bua), lambda: self.now)


@pytest.fixture
def appliance(tmp_path: Path) -> Appliance:
    return Appliance(tmp_path)


def test_in_service(appliance: Appliance) -> None:
    assert (appliance.drain.left, appliance.drain.sentence()) == (None, "")
    asyncio.run(appliance.drain.hand())
    assert appliance.b2bua.told == [drain.Undrain(1)]


@pytest.mark.parametrize(
    ("seconds", "left", "says"),
    [(None, math.inf, "calls end when they like"), (60.0, 45.0, "calls end in 45 s"), (5.0, 0.0, "calls end in 0 s")],
)
def test_it_outlives_both_programs(appliance: Appliance, seconds: float | None, left: float, says: str) -> None:
    asyncio.run(appliance.drain.begin(seconds))
    assert appliance.b2bua.told == [drain.Drain(1, seconds)]
    appliance.now += 15
    appliance.restart()
    assert (appliance.drain.left, appliance.drain.sentence()) == (left, says)
    asyncio.run(appliance.drain.hand())
    assert appliance.b2bua.told[1:] == [drain.Drain(1, None if math.isinf(left) else left)]
    asyncio.run(appliance.drain.end())
    appliance.restart()
    assert appliance.drain.left is None
    assert not list(appliance.path.parent.iterdir())


def test_a_b2bua_that_is_away_hears_later(appliance: Appliance) -> None:
    appliance.b2bua.there = False
    asyncio.run(appliance.drain.begin(None))
    appliance.b2bua.there = True
    asyncio.run(appliance.drain.hand())
    assert appliance.b2bua.told == [drain.Drain(1)]


def test_a_b2bua_that_refuses_is_told_of(appliance: Appliance) -> None:
    appliance.b2bua.answer = Refused(1, "invalid", "no")
    with pytest.raises(VersionError, match="b2bua refused: no"):
        asyncio.run(appliance.drain.begin(None))


def test_a_b2bua_that_refuses_gets_its_site_version_all_the_same(
    appliance: Appliance, caplog: pytest.LogCaptureFixture
) -> None:
    appliance.b2bua.answer = Refused(1, "invalid", "no")
    asyncio.run(appliance.drain.greet())
    assert "drain.refused by=b2bua: b2bua refused: no" in caplog.text
    appliance.b2bua.there = False
    with pytest.raises(AwayError):
        asyncio.run(appliance.drain.greet())


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"until": "noon"}'])
def test_a_file_that_says_nothing_lets_the_appliance_serve(appliance: Appliance, text: str) -> None:
    appliance.path.write_text(text)
    appliance.restart()
    assert appliance.drain.left is None


def test_what_cannot_be_kept_is_not_done(appliance: Appliance) -> None:
    appliance.path.with_suffix(".part").mkdir()
    with pytest.raises(VersionError, match="nothing is changed"):
        asyncio.run(appliance.drain.begin(None))
    assert (appliance.drain.left, appliance.b2bua.told) == (None, [])
