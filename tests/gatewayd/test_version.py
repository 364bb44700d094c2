from __future__ import annotations

from ipaddress import ip_address

import pytest

from gatewayd import version
from gatewayd.errors import VersionError
from gatewayd.version import compute
from nft.errors import ApplyError, DeclarationError
from nft.model import Edge
from tests.gatewayd.site import load


class Ruleset:
    """Stands for nft.apply; fails as often as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.done: list[str] = []

    def apply(self, _edge: Edge, _transit: object, *, known: Edge | None = None) -> None:
        assert known is None
        if self.failures:
            raise self.failures.pop(0)
        self.done.append("apply")

    def reset(self) -> None:
        self.done.append("reset")


def test_a_version_is_worked_out_without_touching_anything() -> None:
    made = compute(load(), {})
    assert made.name == load().version
    assert made.network.rules
    assert len(made.places) == 5


def test_what_no_ruleset_can_be_made_from_names_the_file() -> None:
    with pytest.raises(VersionError, match=r"^site\.yaml: media address 10\.0\.0\.1: index 999 is not in 0\.\.255$"):
        compute(load(), {("sdn", ip_address("10.0.0.1")): 999})


def test_sets_of_another_release_stop_a_start_only_while_they_are_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    made = compute(load(), {})
    ruleset = Ruleset(DeclarationError("set peer is in use with ..."), DeclarationError("set peer is in use with ..."))
    monkeypatch.setattr(version, "ruleset", ruleset)
    with pytest.raises(VersionError, match="while calls are up: end them first"):
        version._install(made, busy=True)
    assert ruleset.done == []
    version._install(made, busy=False)
    assert ruleset.done == ["reset", "apply"]


def test_a_kernel_that_refuses_a_ruleset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "ruleset", Ruleset(ApplyError("the ruleset was refused")))
    with pytest.raises(VersionError, match="the ruleset was refused"):
        version._install(compute(load(), {}), busy=False)
