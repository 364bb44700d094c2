"""The organisation tree as clients of the organisation API see it: nodes with their children."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hub.domain.model import Organisation


@dataclass(slots=True)
class Node:
    """An organisation and those directly below it, in the order of their codes."""

    organisation: Organisation
    children: list[Node] = field(default_factory=list)


def grown(organisations: Iterable[Organisation]) -> list[Node]:
    """Put organisations together; gives those that have nobody above them among the given ones."""
    nodes = {each.id: Node(each) for each in sorted(organisations, key=lambda each: each.code)}
    roots: list[Node] = []
    for node in nodes.values():
        above = nodes.get(node.organisation.parent_id) if node.organisation.parent_id is not None else None
        (above.children if above else roots).append(node)
    return roots
