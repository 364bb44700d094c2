from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.pinholes import label
from gatewayd.pinholes.label import MAX_OWNER, Label
from nft.schema import MAX_LEASE_BYTES

PEERS = ("hospital", "x" * 64)


@given(
    st.from_regex(r"\A[a-z2-7]{13}\.[0-9]{1,3}\Z"),
    st.sampled_from("rcbt"),
    st.from_regex(rf"\A[a-z][a-z0-9-]{{0,{MAX_OWNER - 1}}}\Z"),
    st.integers(0, 0xFFFFFFFF),
)
def test_a_label_is_read_back_and_fits(lease: str, component: label.Component, owner: str, first: int) -> None:
    written = Label(lease, component, owner, PEERS, first)
    text = label.write(written)
    assert label.read(text, PEERS) == written
    assert len(text.encode()) <= MAX_LEASE_BYTES
    assert " " not in text


def test_a_peer_that_is_gone_has_no_name() -> None:
    text = label.write(Label("abcdefghijklm.0", "r", "b2bua", PEERS, 1))
    read = label.read(text, PEERS[1:])
    assert read
    assert read.peers == ("", PEERS[1])


@pytest.mark.parametrize("text", ["", "test.0", "abcdefghijklm.0", "abcdefghijklm.0/r/b2bua/aaaaaa/bbbbbb/0000001"])
def test_what_is_not_ours(text: str) -> None:
    assert label.read(text, PEERS) is None
