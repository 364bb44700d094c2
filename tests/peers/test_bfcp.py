from __future__ import annotations

import pytest

from tests.peers import bfcp
from tests.peers.bfcp import Message, Peer
from tests.peers.host import Here


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(
    ("asked", "answered"),
    [(bfcp.HELLO, bfcp.HELLO_ACK), (bfcp.FLOOR_REQUEST, bfcp.FLOOR_REQUEST_STATUS), (99, bfcp.ERROR)],
)
def test_a_request_is_answered_with_its_own_ids(address: str, asked: int, answered: int) -> None:
    with Peer(Here(), address, 0) as left, Peer(Here(), address, 0) as right:
        request = Message(asked, conference=7, transaction=8, user=9, attributes=b"\x05\x04\x00\x01")
        left.ask(address, right.port, request)
        assert right.answer() == request
        got = left.receive()
        assert got is not None
        assert got[0] == Message(answered, 7, 8, 9, responder=True)
        assert got[1] == (address, right.port)


def test_hello_is_written_as_the_standard_draws_it() -> None:
    written = Message(bfcp.HELLO, conference=1, transaction=2, user=3).write()
    assert written.hex() == "400b00000000000100020003"


@pytest.mark.parametrize("data", [b"", b"short", bytes(12), bytes.fromhex("400b00010000000100020003")])
def test_what_is_not_bfcp_over_udp_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="BFCP"):
        Message.read(data)


def test_nothing_comes_as_none() -> None:
    with Peer(Here(), "127.0.0.1", 0) as peer:
        assert peer.answer(0.01) is None
