"""The compiler: an ``Edge`` in, the text of a ruleset out. Pure; ``nft.apply`` hands it to the kernel.

The text form of nftables is used because the JSON form of nft 1.0.6 has no word for adding to a map from a rule
("stmt ops map have no json callback"), which is how a pinhole learns. libnftables takes it in the same in-process call
and in the same single transaction. Golden files are readable for the same reason.

Only two tables are ever named: ``inet media`` (the relay) and ``inet edge`` (the firewall). Objects are added where
they are missing; chains and the sets that mirror the site are flushed and filled again in the same transaction; the
elements of leases and bans stay as they are. So a new site version cuts no stream.
"""

from __future__ import annotations

from nft.model import Edge
from nft.ruleset import edge, media


def compile_edge(model: Edge) -> str:
    """Return the whole ruleset of an edge as text for one transaction."""
    return media.table(model) + edge.table(model)


def compile_reset() -> str:
    """Return the text that removes both tables, whether they exist or not: every stream is cut."""
    return "".join(f"add table inet {name}\ndelete table inet {name}\n" for name in ("media", "edge"))
