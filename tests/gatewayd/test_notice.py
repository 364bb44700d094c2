"""Agreements that come to their end are told of: each once at each step, and as an alarm when the end is near."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gatewayd.notice import ALARM, Notice
from nft.policy.agreement import Agreements
from tests.nft.policy.world import DAY, NOW, ORGANISATIONS, agreement, client, offer

KNOWN = Agreements(
    ORGANISATIONS,
    (offer("sip", "tcp/5061", "10.9.1.10"), offer("lab", "tcp/8443", "10.9.1.11")),
    (client("ward", "10.1.0.0/16"),),
    (
        agreement("soon", "ward", "sip", NOW - DAY, NOW + 60 * DAY),
        agreement("renewed", "ward", "lab", NOW - DAY, NOW + 50 * DAY),
        agreement("renewal", "ward", "lab", NOW + 50 * DAY, NOW + 500 * DAY),
        agreement("over", "ward", "sip", NOW - 3 * DAY, NOW - DAY),
        replace(agreement("asked", "ward", "sip"), approved=False),
    ),
)


class World:
    """A version with agreements, and a clock."""

    def __init__(self, known: Agreements) -> None:
        self.alarms: dict[str, str] = {}
        self.now = float(NOW)
        self.run(known)
        self.notice = Notice(lambda: self.version, self.alarms, lambda: self.now)

    def run(self, known: Agreements) -> None:
        """Have another version run."""
        policy = SimpleNamespace(agreements=known)
        self.version: Any = SimpleNamespace(transit=SimpleNamespace(policy=policy))

    def look(self, days: float = 0.0) -> None:
        """Look so many days later."""
        self.now += days * DAY
        asyncio.run(self.notice.look())

    def numbers(self) -> dict[str, float]:
        """Give the numbers by name and label."""
        return {
            ".".join((each.name, *sample.labels)): sample.value
            for each in self.notice.series()
            for sample in each.samples
        }


def ended(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Give the fields of the events, and forget them."""
    found = [getattr(each, "vdx_fields", None) for each in caplog.records if each.msg.startswith("agreement.ends")]
    caplog.clear()
    return found


def test_an_end_is_told_at_the_notice_and_at_each_step_and_never_twice(caplog: pytest.LogCaptureFixture) -> None:
    world = World(KNOWN)
    with caplog.at_level(logging.WARNING):
        world.look()
        assert ended(caplog) == [{"agreement": "soon", "client": "ward", "service": "sip", "days": 60}]
        told = []
        for _ in range(59):
            world.look(1)
            told += [each["days"] for each in ended(caplog)]
        assert told == [30, 7, 1]


def test_an_end_that_is_near_is_an_alarm_until_it_is_renewed() -> None:
    world = World(KNOWN)
    world.look()
    assert world.alarms == {}
    world.look(50)
    assert world.alarms[ALARM] == (
        "agreements end within 14 days: 'soon' of 'ward' for 'sip' in 10 days; renew them or let them go"
    )
    more = agreement("more", "ward", "sip", NOW + 55 * DAY, NOW + 600 * DAY)
    world.run(replace(KNOWN, agreements=(*KNOWN.agreements, more)))
    world.look()
    assert world.alarms == {}
    assert world.numbers()["vdx_agreements_ending"] == 0


def test_the_numbers_say_how_agreements_stand() -> None:
    world = World(KNOWN)
    assert world.numbers() == {}
    world.look()
    assert world.numbers() == {
        "vdx_agreements.running": 2,
        "vdx_agreements.planned": 1,
        "vdx_agreements.asked": 1,
        "vdx_agreements.ended": 1,
        "vdx_agreements_ending": 1,
        "vdx_agreement_ends_seconds": NOW + 60 * DAY,
    }


def test_a_count_is_kept_for_the_same_version_and_made_anew_after_an_hour() -> None:
    world = World(KNOWN)
    world.look()
    first = world.notice.last
    world.look(0.01)
    assert world.notice.last is first
    world.look(0.05)
    assert world.notice.last is not first


def test_a_thousand_ends_at_once_are_not_a_thousand_lines(caplog: pytest.LogCaptureFixture) -> None:
    ids = tuple(agreement(f"a{number}", "ward", "sip", NOW - DAY, NOW + DAY) for number in range(1000))
    world = World(replace(KNOWN, agreements=ids))
    with caplog.at_level(logging.WARNING):
        world.look()
    assert len(ended(caplog)) == 21
    assert "999 more" in world.alarms[ALARM]
