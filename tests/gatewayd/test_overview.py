from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatewayd import overview
from gatewayd.config.merge import merge
from gatewayd.config.roles import VERBS, Asker
from gatewayd.version import compute
from tests.gatewayd.config.sites import BASE_TEXT, base, north, replaced

ADMIN = Asker("anna", "admin", verbs=VERBS["admin"])
STARTS, ENDS = "2027-01-01", "2027-12-31"


class Counters:
    def __init__(self, packets: int | None) -> None:
        self.packets = packets
        self.names: tuple[str, ...] = ()

    def counters(self, table: str) -> dict[str, tuple[int, int]]:
        assert table == "transit"
        return {} if self.packets is None else dict.fromkeys(self.names, (self.packets, 99))


@pytest.mark.parametrize("packets", [0, 3, None])
def test_a_rule_is_told_with_what_its_own_counter_says(packets: int | None) -> None:
    version = compute(merge(base(), []).loaded, {})
    kernel = Counters(packets)
    kernel.names = version.ruleset.hits
    (rule,) = overview.rules(1, version, kernel).rules
    assert rule.packets == packets
    line = next(number for number, text in enumerate(BASE_TEXT.splitlines(), 1) if "action: deny" in text)
    assert rule.origin == f"site.yaml:{line}"


@pytest.mark.parametrize(
    ("answer", "day", "state", "soon"),
    [
        ("", "2027-06-01", "asked", False),
        ("approves", "2026-06-01", "planned", False),
        ("approves", "2027-06-01", "running", False),
        ("approves", "2027-11-01", "running", True),
        ("approves", "2028-01-01", "ended", False),
        ("rejects", "2027-11-01", "rejected", False),
    ],
)
def test_the_state_of_an_agreement(answer: str, day: str, state: str, soon: bool) -> None:
    entry = "{client: north.pcs, service: old.journal" + (", why: closed}" if answer == "rejects" else "}")
    said = f"agreements:\n  {answer}: {{north.a: {entry}}}\n" if answer else "agreements:\n"
    whole = base(replaced(BASE_TEXT, ("agreements:\n", said)))
    fragment = north(("starts: 2026-01-01", f"starts: {STARTS}, ends: {ENDS}"))
    now = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    told = overview.agreements(1, compute(merge(whole, [fragment]).loaded, {}), ADMIN, now)
    (one,) = told.agreements
    assert (one.state, one.soon, one.consumer, one.provider) == (state, soon, "north", "old")


def test_an_owner_sees_what_concerns_it_and_every_service() -> None:
    version = compute(merge(base(), [north()]).loaded, {})
    for organisation, names in (("north", ["north.a"]), ("old", ["north.a"]), ("south", [])):
        told = overview.agreements(1, version, Asker("x", "owner", organisation), 0.0)
        assert [each.name for each in told.agreements] == names
        assert {each.name: each.hosts for each in told.services} == {
            "old.journal": ("old.example",), "north.images": ()
        }  # fmt: skip
        assert told.clients == (("north.pcs",) if organisation == "north" else ())
