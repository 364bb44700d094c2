"""Named counters of a table, over netlink (linux/netfilter/nf_tables.h). Pure: the socket is ``nft.netlink``'s."""

from __future__ import annotations

import struct

from nft import attributes as nl

_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_GET = _SUBSYSTEM | 19  # NFT_MSG_GETOBJ
_INET = 1  # NFPROTO_INET
_TABLE, _NAME, _TYPE, _DATA = 1, 2, 3, 4  # NFTA_OBJ_*
_COUNTER = 1  # NFT_OBJECT_COUNTER
_OCTETS, _PACKETS = 1, 2  # NFTA_COUNTER_*


def ask(table: str, sequence: int) -> bytes:
    """Encode the question for every counter of a table."""
    body = nl.GENERIC.pack(_INET, 0, 0)
    body += nl.attribute(_TABLE, nl.name(table)) + nl.attribute(_TYPE, struct.pack("!I", _COUNTER))
    return nl.message(_GET, nl.REQUEST | nl.DUMP, sequence, body)


def decode(payload: bytes) -> tuple[str, str, int, int]:
    """Read one answer: table, counter, packets, octets."""
    told = nl.mapping(payload[nl.GENERIC.size :])
    data = nl.mapping(told.get(_DATA, b""))
    packets, octets = (int.from_bytes(data.get(kind, b"")) for kind in (_PACKETS, _OCTETS))
    return _text(told.get(_TABLE, b"")), _text(told.get(_NAME, b"")), packets, octets


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
