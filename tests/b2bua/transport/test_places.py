"""Places of a listener, without sockets."""

from __future__ import annotations

import pytest

from b2bua.transport import Listener
from b2bua.transport.limits import MAX_CONNECTIONS, MAX_FROM_ONE_HOST
from b2bua.transport.places import Places, host

HERE = Listener("internet", "tcp", "203.0.113.1", 5060)
THERE = Listener("sdn", "tcp", "198.18.0.1", 5060)


def test_one_host_has_some_places_of_each_listener() -> None:
    places = Places()
    for ident in range(MAX_FROM_ONE_HOST):
        assert places.take(HERE, "192.0.2.1", ident)
    assert not places.take(HERE, "192.0.2.1", 1000)
    assert places.take(HERE, "192.0.2.2", 1001)
    assert places.take(THERE, "192.0.2.1", 1002)
    places.leave(HERE, "192.0.2.1", 1000)  # it never had one
    assert not places.take(HERE, "192.0.2.1", 1000)
    places.leave(HERE, "192.0.2.1", 5)
    assert places.take(HERE, "192.0.2.1", 1000)


def test_all_hosts_together_fill_a_listener() -> None:
    places = Places()
    held = [(f"10.0.{n // 256}.{n % 256}", n) for n in range(MAX_CONNECTIONS)]
    assert all(places.take(HERE, address, ident) for address, ident in held)
    assert not places.take(HERE, "192.0.2.1", -1)
    for address, ident in held:
        places.leave(HERE, address, ident)
    assert not places


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_what_one_host_is(one: str, other: str, same: bool) -> None:
    assert (host(one) == host(other)) is same
