"""The blocks of policy and agreements: what each value may be."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydantic import ValidationError

from vdx.site.policy import Agreement, Agreements, Network, Policy, Traffic, list_files, whole_day


@pytest.mark.parametrize(("written", "read"), [(443, (443, 443)), ("443", (443, 443)), ("33000-39999", (33000, 39999))])
def test_ports_are_one_or_a_range(written: object, read: tuple[int, int]) -> None:
    assert Traffic.model_validate({"tcp": [written]}).tcp == (read,)


@pytest.mark.parametrize("written", [0, 65536, "2-1", "1-65536", "a", True, None, 1.5, "-1", ""])
def test_what_is_no_port_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="is no port or range of ports"):
        Traffic.model_validate({"udp": [written]})


def test_a_moment_is_a_day_or_a_time() -> None:
    day = Agreement(client="c", service="s", starts=date(2026, 1, 1))
    assert whole_day(day.starts)
    time = Agreement(client="c", service="s", starts=datetime(2026, 1, 1, 8))  # noqa: DTZ001 - the site's own clock
    assert not whole_day(time.starts)
    for written, meant in (("2026-01-01", date(2026, 1, 1)), ("2026-01-01T08:00:00", time.starts)):
        assert Agreement.model_validate({"client": "c", "service": "s", "starts": written}).starts == meant
    for wrong in ("soon", "2026-13-01", "", 20260101, None):
        with pytest.raises(ValidationError, match="is no date"):
            Agreement.model_validate({"client": "c", "service": "s", "starts": wrong})


@pytest.mark.parametrize("name", ["../x.txt", "/etc/x.txt", ".x.txt", "x", "x.yaml", "a b.txt", "x.txt\n", "é.txt"])
def test_a_list_stands_beside_the_site_file(name: str) -> None:
    with pytest.raises(ValidationError):
        Network(zone="sdn", files=(name,))


def test_every_list_is_found_with_its_place() -> None:
    policy = Policy.model_validate({"networks": {"a": {"zone": "sdn", "files": ["a.txt", "b.txt"]}}})
    agreements = Agreements.model_validate(
        {
            "organisations": ["north"],
            "services": {"s": {"organisation": "north", "zone": "core", "files": ["c.txt"]}},
            "clients": {"c": {"organisation": "north", "zone": "sdn", "files": ["d.txt"]}},
        }
    )
    assert list(agreements.organisations) == ["north"]
    assert list(list_files(policy, agreements)) == [
        ("a.txt", ("policy", "networks", "a", "files", 0)),
        ("b.txt", ("policy", "networks", "a", "files", 1)),
        ("c.txt", ("agreements", "services", "s", "files", 0)),
        ("d.txt", ("agreements", "clients", "c", "files", 0)),
    ]
