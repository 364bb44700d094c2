from __future__ import annotations

from ipaddress import ip_address

from gatewayd.pinholes.layout import layout
from tests.gatewayd.site import changed, load

FIRST, SECOND = ("internet", ip_address("198.51.100.1")), ("internet", ip_address("198.51.100.9"))


def test_addresses_are_numbered_in_the_order_of_the_file() -> None:
    places = layout(load().site, {})
    assert [place.at.index for (zone, _), place in places.items() if zone == "internet"] == [0, 1, 2]
    assert {place.at.zone for place in places.values()} == {1, 2}
    assert places[FIRST].shown == "203.0.113.1"
    assert places[SECOND].shown == "198.51.100.9"
    assert places[SECOND].ports == (50000, 50099)
    assert places[SECOND].at.interface == "net0"


def test_an_index_in_use_stays_with_its_address() -> None:
    kept = {SECOND: 0, ("internet", ip_address("198.51.100.200")): 1}
    places = layout(load().site, kept)
    assert places[SECOND].at.index == 0
    assert places[FIRST].at.index == 2  # 1 belongs to an address whose calls have not ended


def test_every_index_of_a_zone_is_unique_after_any_order_of_versions() -> None:
    kept: dict[tuple[str, object], int] = {}
    text = "        - 198.51.100.9\n"
    for site in (load(), changed((text, "")), load(), changed((text, "")), load()):
        places = layout(site.site, kept)  # type: ignore[arg-type]
        indices = [(place.zone, place.at.index) for place in places.values()]
        assert len(set(indices)) == len(indices)
        kept = {key: place.at.index for key, place in places.items()}
