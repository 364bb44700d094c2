from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft import attributes as nl
from nft import declaration, elements
from nft.elements import Element, Operation, Put, Remove
from nft.errors import ModelError, WireError
from nft.schema import IFNAME, IPV4, IPV6, MARK, MEDIA, PINHOLES, PORT, Field, Shape, Value, show

VALUES: dict[Field, st.SearchStrategy[Any]] = {
    IPV4: st.builds(IPv4Address, st.integers(0, 2**32 - 1)),
    IPV6: st.builds(IPv6Address, st.integers(0, 2**128 - 1)),
    PORT: st.integers(0, 65535),
    MARK: st.integers(0, 2**32 - 1),
    IFNAME: st.from_regex(r"[a-z][a-z0-9.]{0,14}", fullmatch=True),
}


@st.composite
def puts(draw: st.DrawFn, shapes: st.SearchStrategy[Shape] = st.sampled_from(list(MEDIA.values()))) -> Put:  # noqa: B008 - a strategy is a value
    shape = draw(shapes)
    key = tuple(draw(VALUES[field]) for field in shape.key)
    data = draw(VALUES[shape.data]) if shape.data else None
    timeout = draw(st.none() | st.integers(1, 10**6).map(lambda ms: ms / 1000))
    comment = draw(st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=100))
    return Put(shape, key, data, timeout, comment)


def test_an_element_in_bytes() -> None:
    key = ("sdn0", ip_address("198.18.1.1"), 40000, ip_address("198.18.1.2"), 5004)
    encoded = elements.encode(Put(MEDIA["ok4"], key, 0x02049C42, timeout=90))
    assert encoded == bytes.fromhex(
        "44000180"  # NFTA_LIST_ELEM
        "28000180" "24000100" "73646e30000000000000000000000000" "c6120101" "9c400000" "c6120102" "138c0000"  # KEY
        "0c000280" "08000100" "429c0402"  # DATA: a mark in host order
        "0c000400" "0000000000015f90"  # TIMEOUT in milliseconds
    )  # fmt: skip


def test_single_fields_are_not_padded() -> None:
    encoded = elements.encode(Put(MEDIA["lport"], (1,), 40000))
    assert encoded == bytes.fromhex("1c0001800c00018008000100010000000c000280060001009c400000")


def test_a_comment_is_framed_as_libnftnl_does() -> None:
    assert elements.userdata("a.1") == b"\x00\x04a.1\0"
    with pytest.raises(ModelError, match="longer than 127"):
        elements.userdata("x" * 128)


@given(puts())
def test_what_is_encoded_is_read_back(put: Put) -> None:
    ((_, body),) = nl.attributes(elements.encode(put))
    assert elements.decode(put.shape, body) == Element(put.key, put.data, put.timeout, comment=put.comment)


@given(st.binary(max_size=200), st.sampled_from(list(MEDIA.values())))
def test_any_answer_is_read_or_refused(data: bytes, shape: Shape) -> None:
    try:
        list(elements.decode_list(shape, data))
        elements.decode(shape, data)
    except WireError:
        return


@pytest.mark.parametrize("data", [None, 5])
def test_maps_have_values_and_sets_have_none(data: Value | None) -> None:
    with pytest.raises(ModelError):
        elements.encode(Put(MEDIA["lport" if data is None else "wait"], (1,), data))


def test_a_key_has_as_many_fields_as_its_set() -> None:
    with pytest.raises(ModelError, match="from4 takes 2 key fields, not 1"):
        elements.encode(Remove(MEDIA["from4"], (1,)))


@given(
    st.lists(puts(), max_size=20).flatmap(
        lambda ps: st.tuples(*(st.sampled_from([p, Remove(p.shape, p.key)]) for p in ps))
    )
)
def test_runs_keep_every_operation_in_its_order(operations: tuple[Operation, ...]) -> None:
    listed = list(elements.runs(operations))
    assert tuple(operation for run in listed for operation in run.operations) == operations
    for run in listed:
        assert len({(type(op), op.shape.name) for op in run.operations}) == 1
        head, place = elements.named(run.shape), nl.MESSAGE.size + 4
        at = place + len(head)
        for index, operation in enumerate(run.operations):
            assert run.at(at) == index
            at += len(elements.encode(operation))
        assert run.at(at) == -1


def test_neighbours_on_one_set_share_a_message_up_to_its_limit() -> None:
    many = [Put(MEDIA["lport"], (n,), 1) for n in range(5000)]
    listed = list(elements.runs(many))
    assert 1 < len(listed) < 10
    assert all(len(run.payload) <= elements.MAX_RUN + 100 for run in listed)


def test_a_batch_is_framed_and_its_last_run_acknowledged() -> None:
    listed = list(elements.runs([Remove(MEDIA["wait"], (1,)), Put(MEDIA["wait"], (1,)), Put(MEDIA["lport"], (1,), 2)]))
    read = [(kind, flags, sequence) for kind, flags, sequence, _ in nl.messages(elements.batch(listed, 100))]
    assert read == [
        (elements.BATCH_BEGIN, nl.REQUEST, 100),
        (elements.DELETE_ELEMENT, nl.REQUEST, 101),
        (elements.NEW_ELEMENT, nl.REQUEST | nl.CREATE, 102),
        (elements.NEW_ELEMENT, nl.REQUEST | nl.CREATE | nl.ACK, 103),
        (elements.BATCH_END, nl.REQUEST, 104),
    ]


def test_a_counter_is_read_wherever_the_kernel_puts_it() -> None:
    value = nl.attribute(1, (960).to_bytes(8, "big")) + nl.attribute(2, (5).to_bytes(8, "big"))
    counter = nl.attribute(1, b"counter\0") + nl.nested(2, value)
    limit = nl.attribute(1, b"limit\0") + nl.nested(2, b"")
    key = nl.nested(elements.KEY, nl.attribute(1, b"\1\0\0\0"))
    alone = nl.nested(elements.EXPRESSION, counter)
    listed = nl.nested(elements.EXPRESSIONS, nl.nested(1, limit) + nl.nested(1, counter))
    for found in (alone, listed):
        element = elements.decode(MEDIA["wait"], key + found)
        assert (element.packets, element.octets) == (5, 960)
    assert elements.decode(MEDIA["wait"], key + nl.nested(elements.EXPRESSION, limit)).packets == 0


def test_a_declaration_is_read_from_the_kernels_words() -> None:
    def word(kind: int, value: int, size: int = 4) -> bytes:
        return nl.attribute(kind, value.to_bytes(size, "big"))

    payload = nl.GENERIC.pack(1, 0, 0) + nl.attribute(1, b"media\0") + nl.attribute(2, b"ldp\0")
    payload += (
        word(declaration.FLAGS, 0x38 | 0x80 | 0x100) + word(declaration.KEY_TYPE, 19) + word(declaration.KEY_LENGTH, 4)
    )
    payload += word(declaration.DATA_TYPE, 13) + word(declaration.DATA_LENGTH, 2) + word(declaration.TIMEOUT, 90000, 8)
    payload += nl.nested(declaration.DESCRIPTION, word(1, PINHOLES))
    assert declaration.decode(payload) == ("media", "ldp", declaration.of(MEDIA["ldp"]))
    with pytest.raises(WireError):
        declaration.decode(nl.GENERIC.pack(1, 0, 0))


def test_keys_are_shown_as_nft_does() -> None:
    assert show(("sdn0", ip_address("198.18.1.1"), 40000)) == "sdn0 . 198.18.1.1 . 40000"
    assert show((0x02049C40,)) == "0x02049c40"
