from __future__ import annotations

import pytest

from nft.errors import ModelError
from nft.policy import traffic
from nft.policy.interval import union
from tests.nft.policy.world import kinds


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tcp/443",), "tcp/443"),
        (("udp/40000-49999", "tcp/443", "ping"), "tcp/443, udp/40000-49999, ping"),
        (("tcp/1-65535",), "tcp"),
        (("any",), "any traffic"),
    ],
)
def test_traffic_is_written_as_people_do(words: tuple[str, ...], said: str) -> None:
    assert traffic.show(kinds(*words)) == said


def test_every_kind_has_a_place_of_its_own() -> None:
    every = [*range(1, traffic.PORTS, 5000)]
    at = [traffic.place(kind, port) for kind in ("tcp", "udp") for port in every]
    at += [traffic.place("ping"), traffic.place("other")]
    assert len(at) == len(set(at))
    assert all(traffic.ALL[0][0] <= place <= traffic.ALL[0][1] for place in at)
    assert traffic.split(*traffic.ALL[0]) == [("tcp", 0, 65535), ("udp", 0, 65535), ("ping", 0, 0), ("other", 0, 0)]
    assert traffic.show(()) == "nothing"
    assert traffic.show(union(((traffic.OTHER, traffic.OTHER),))) == "other protocols"


@pytest.mark.parametrize(
    ("protocol", "first", "last"), [("sctp", 1, 1), ("tcp", 0, 1), ("tcp", 2, 1), ("udp", 1, 65536)]
)
def test_what_is_no_traffic_is_refused(protocol: str, first: int, last: int) -> None:
    with pytest.raises(ModelError):
        traffic.ports(protocol, first, last)
