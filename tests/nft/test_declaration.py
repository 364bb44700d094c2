from __future__ import annotations

import pytest

from nft import attributes as nl
from nft import declaration
from nft.errors import WireError

HEAD = nl.GENERIC.pack(1, 0, 0)


def test_a_chain_is_read_with_its_table() -> None:
    told = HEAD + nl.attribute(1, nl.name("transit")) + nl.attribute(2, bytes(8)) + nl.attribute(3, nl.name("denied_x"))
    assert declaration.decode_chain(told) == ("transit", "denied_x")


def test_a_chain_without_a_name_is_no_chain() -> None:
    with pytest.raises(WireError, match="a chain without a name"):
        declaration.decode_chain(HEAD + nl.attribute(1, nl.name("transit")))


def test_all_chains_are_asked_for() -> None:
    ((kind, flags, sequence, _),) = nl.messages(declaration.ask_chains(7))
    assert (kind, flags & nl.DUMP, sequence) == (10 << 8 | 4, nl.DUMP, 7)
