"""A kernel or a machine without nftables is told of in a sentence."""

import sys
from types import SimpleNamespace

import pytest

from lab.errors import UnableError
from lab.topology import Nat
from lab.wiring import _translate, nat_rules

NAT = Nat(outside="wan", sip_to="198.19.0.10")


def test_the_home_router_masquerades_hands_sip_in_and_drops_the_rest() -> None:
    rules = nat_rules(NAT)
    assert 'oifname "wan" masquerade' in rules
    assert "dport 5060 dnat to 198.19.0.10" in rules
    assert 'iifname "wan" drop' in rules


def test_without_the_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nftables", None)
    with pytest.raises(UnableError, match="apt-get install python3-nftables"):
        _translate(NAT)


def test_without_nftables_in_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def cmd(_: object, __: str) -> tuple[int, str, str]:
        return 1, "", "Error: Could not process rule: Operation not supported\nmore"

    refusing = SimpleNamespace(Nftables=type("Nftables", (), {"cmd": cmd}))
    monkeypatch.setitem(sys.modules, "nftables", refusing)
    with pytest.raises(UnableError, match=r"does not do the lab's NAT .* Operation not supported$"):
        _translate(NAT)
