"""What two appliances share, in the site file."""

from __future__ import annotations

import pytest

from vdx import site
from vdx.site import SiteError
from vdx.site.model import Site

TEXT = """\
name: edge1
zones:
  sdn:
    interface: sdn0
    addresses: [198.18.0.11/24, 198.18.0.10/24, 2001:db8::11/64, 2001:db8::10/64]
    shared: [198.18.0.10, 2001:db8::10]
    media: {addresses: [198.18.0.10]}
    sip: [{transport: udp, address: 198.18.0.10}]
    routes: [{to: default, via: 198.18.0.1}]
  core:
    interface: core0
    addresses: [192.0.2.11/24, 192.0.2.10/24]
    shared: [192.0.2.10]
pair: {other: 192.0.2.12}
"""


def load(*changes: tuple[str, str]) -> Site:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return site.parse(text.encode(), "site.yaml").site


def test_shared_addresses_are_listened_on_and_are_not_its_own() -> None:
    told = load()
    assert [str(one) for one in told.zones["sdn"].own] == ["198.18.0.11/24", "2001:db8::11/64"]
    assert [str(one) for one in told.zones["core"].own] == ["192.0.2.11/24"]
    assert told.zones["sdn"].sip[0].address in told.zones["sdn"].shared


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("pair: {other: 192.0.2.12}\n", ""), "198.18.0.10 is shared, and `pair` does not say with whom"),
        (("shared: [192.0.2.10]", "shared: [192.0.2.13]"), "192.0.2.13 is no address of zone 'core'"),
        (("198.18.0.11/24, ", ""), "needs an address of this appliance alone in 198.18.0.0/24 beside 198.18.0.10"),
        (("192.0.2.12", "192.0.2.11"), "192.0.2.11 is our own"),
        (("192.0.2.12", "198.18.0.12"), "198.18.0.12 is in no network of zone 'core'"),
        (("other: 192.0.2.12", "zone: mgmt, other: 192.0.2.12"), "this zone is not configured"),
        (("other: 192.0.2.12", "zone: sdn, other: 192.0.2.12"), "pair.zone"),
        (("other: 192.0.2.12", "number: 0, other: 192.0.2.12"), "pair.number"),
        (("via: 198.18.0.1", "via: 203.0.113.1"), "not reachable"),
    ],
)
def test_what_contradicts_is_told(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(SiteError) as told:
        load(change)
    assert sentence in str(told.value)


def test_adverts_of_a_family_need_an_address_of_it() -> None:
    six = (
        ("addresses: [192.0.2.11/24, 192.0.2.10/24]", "addresses: [2001:db8:c::11/64]"),
        ("    shared: [192.0.2.10]\n", ""),
    )
    only_four = ("shared: [198.18.0.10, 2001:db8::10]", "shared: [198.18.0.10]")
    assert load(*six, ("other: 192.0.2.12", "other: 2001:db8:c::12")).pair is not None
    with pytest.raises(SiteError, match="no zone has an IPv6 address in `shared`"):
        load(*six, only_four, ("other: 192.0.2.12", "other: 2001:db8:c::12"))
