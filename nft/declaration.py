"""How a set is declared in the kernel, to compare with the schema; and what chains there are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from nft import attributes as nl
from nft.elements import GENERIC, GET_SET, SUBSYSTEM
from nft.errors import WireError
from nft.schema import Shape

TABLE, NAME, FLAGS, KEY_TYPE, KEY_LENGTH, DATA_TYPE, DATA_LENGTH, DESCRIPTION, TIMEOUT = 1, 2, 3, 4, 5, 6, 7, 9, 11
GET_CHAIN = SUBSYSTEM << 8 | 4  # NFT_MSG_GETCHAIN
CHAIN_TABLE, CHAIN_NAME = 1, 3  # NFTA_CHAIN_*
DESCRIPTION_SIZE = 1  # NFTA_SET_DESC_SIZE
FLAG_MAP, FLAG_TIMEOUT, FLAG_EVAL = 0x8, 0x10, 0x20  # NFT_SET_MAP, NFT_SET_TIMEOUT, NFT_SET_EVAL
FLAGS_COMPARED = FLAG_MAP | FLAG_TIMEOUT | FLAG_EVAL  # the kernel adds flags of its own (concatenation, expressions)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What of a set cannot change while it exists. ``size`` in elements, ``timeout`` in milliseconds."""

    flags: int
    key_type: int
    key_length: int
    data_type: int
    data_length: int
    timeout: int
    size: int


def of(shape: Shape) -> Declaration:
    """Return the declaration that the schema asks for."""
    flags = (FLAG_MAP if shape.data else 0) | (FLAG_TIMEOUT if shape.timeout is not None else 0)
    return Declaration(
        flags | (FLAG_EVAL if shape.dynamic else 0),
        shape.key_type,
        shape.key_bytes,
        shape.data.datatype if shape.data else 0,
        shape.data.size if shape.data else 0,
        (shape.timeout or 0) * 1000,
        shape.size or 0,
    )


def ask(table: str, sequence: int) -> bytes:
    """Encode the question for all sets of a table."""
    return nl.message(GET_SET, nl.REQUEST | nl.DUMP, sequence, GENERIC + nl.attribute(TABLE, nl.name(table)))


def decode(payload: bytes) -> tuple[str, str, Declaration]:
    """Read one NEW_SET message: table, name, declaration."""
    found = nl.mapping(payload[nl.GENERIC.size :])
    if TABLE not in found or NAME not in found:
        raise WireError("a set without a name")

    def number(kind: int) -> int:
        return int.from_bytes(found.get(kind, b""), "big")

    size = nl.mapping(found.get(DESCRIPTION, b"")).get(DESCRIPTION_SIZE, b"")
    table, name = (found[kind].rstrip(b"\0").decode(errors="replace") for kind in (TABLE, NAME))
    return (
        table,
        name,
        Declaration(
            number(FLAGS) & FLAGS_COMPARED,
            number(KEY_TYPE),
            number(KEY_LENGTH),
            number(DATA_TYPE),
            number(DATA_LENGTH),
            number(TIMEOUT),
            int.from_bytes(size, "big"),
        ),
    )


def ask_chains(sequence: int) -> bytes:
    """Encode the question for the chains of every table."""
    return nl.message(GET_CHAIN, nl.REQUEST | nl.DUMP, sequence, GENERIC)


def decode_chain(payload: bytes) -> tuple[str, str]:
    """Read one NEW_CHAIN message: table, name."""
    found = nl.mapping(payload[nl.GENERIC.size :])
    if CHAIN_TABLE not in found or CHAIN_NAME not in found:
        raise WireError("a chain without a name")
    table, name = (found[kind].rstrip(b"\0").decode(errors="replace") for kind in (CHAIN_TABLE, CHAIN_NAME))
    return table, name
