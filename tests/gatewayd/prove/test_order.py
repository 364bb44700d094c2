"""An order arrives as it was sent, or is refused in one sentence."""

from __future__ import annotations

import pytest

from gatewayd.errors import ProofError, VersionError
from gatewayd.prove import order
from gatewayd.prove.order import Order
from tests.gatewayd.prove.conftest import SITE
from vdx.site.source import parse


def test_an_order_arrives_as_it_was_sent(candidate: Order) -> None:
    assert order.decode(order.encode(candidate)) == candidate


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"version": 1'])
def test_what_is_no_order_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError, match="the order of a proof cannot be read"):
        order.decode(data)


def test_an_order_is_bounded(candidate: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "MAX_BYTES", 100)
    with pytest.raises(ProofError, match="cannot be proved"):
        order.decode(order.encode(candidate))


def test_a_candidate_with_faults_is_no_order() -> None:
    with pytest.raises(VersionError, match="there is no network 'wep'"):
        order.of(parse(SITE.replace("targets: [web]", "targets: [wep]").encode()), None, 0)
