"""YAML text to nodes with their lines, by libyaml's events: ten times as fast as composing in Python.

libyaml's own composer is not used: it calls itself once for each level, and a deep enough file ends the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAX_DEPTH = 32
"""Levels of nesting: the models have six."""

MAX_SCALAR = 100
"""Characters of a number, date or switch: some take time that grows with the square of their length."""

WORDS = {
    "tag:yaml.org,2002:timestamp": "date or time",
    "tag:yaml.org,2002:int": "whole number",
    "tag:yaml.org,2002:float": "number",
    "tag:yaml.org,2002:bool": "true or false",
}
"""What people call what is not text; each of the rest is a value."""

TEXT = "tag:yaml.org,2002:str"


@dataclass(slots=True)
class Node:
    """One value: a scalar, or what it holds. In a mapping `keys` and `items` stand side by side."""

    line: int
    value: Any = None
    text: str = ""
    """A scalar as it is written."""
    keys: list[Node] | None = None
    items: list[Node] | None = None
    done: bool = False

    def take(self, node: Node) -> None:
        """Take in the next key or item."""
        if self.items is not None:
            (self.items if self.keys is None or len(self.keys) > len(self.items) else self.keys).append(node)


class NodeError(Exception):
    """The text cannot be used: `line` and what is wrong."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def read(text: bytes) -> Node | None:
    """Read one document; None for an empty one. Raises `NodeError`, and `yaml.YAMLError` for what is not YAML."""
    return _Composer().document(iter(yaml.parse(text, Loader=yaml.CSafeLoader)))


class _Composer(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """Puts events together; one text, one composer."""

    def __init__(self) -> None:
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)
        self._anchors: dict[str | None, Node] = {}
        self._plain: dict[str, Any] = {}  # what is written often is read once

    def document(self, events: Iterator[yaml.Event]) -> Node | None:
        """Read the events of a text that holds one document."""
        root: Node | None = None
        open_: list[Node] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                open_.pop().done = True
            if not isinstance(event, yaml.NodeEvent):
                continue
            node = self._node(event)
            if open_:
                open_[-1].take(node)
            elif root is None:
                root = node
            else:
                raise NodeError(node.line, "a second document begins here: one is allowed")
            if not node.done:
                open_.append(node)
                if len(open_) > MAX_DEPTH:
                    raise NodeError(node.line, f"nested deeper than {MAX_DEPTH} levels")
        return root

    def _node(self, event: yaml.NodeEvent) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event, line)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(line, self._scalar(event), event.value, done=True)
        else:
            node = Node(line, keys=[] if isinstance(event, yaml.MappingStartEvent) else None, items=[])
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _aliased(self, event: yaml.AliasEvent, line: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise NodeError(line, f"not YAML: found undefined alias {event.anchor!r}")
        if not node.done:
            raise NodeError(line, f"alias {event.anchor!r} stands within what it names")
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Any:  # noqa: ANN401 - whatever YAML's scalars are
        if event.tag is not None:
            return self._constructed(event, event.tag)
        if not event.implicit[0]:
            return event.value  # quoted
        if event.value not in self._plain:
            tag = self.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
            self._plain[event.value] = self._constructed(event, tag)
        return self._plain[event.value]

    def _constructed(self, event: yaml.ScalarEvent, tag: str) -> Any:  # noqa: ANN401 - whatever YAML's scalars are
        if tag == TEXT:
            return event.value
        line = _line(event)
        fault = f"{event.value[:40]!r} is no {WORDS.get(tag, 'value that can be used')}"
        if len(event.value) > MAX_SCALAR:
            raise NodeError(line, f"{fault}: it has more than {MAX_SCALAR} characters; quote it if it is text")
        try:
            return self.construct_object(yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark))  # type: ignore[arg-type]  # marks of libyaml are marks
        except (
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
        ) as error:  # the last two: a tag on what it does not fit
            why = f" ({error})" if isinstance(error, ValueError) and tag.endswith(":timestamp") else ""
            raise NodeError(line, f"{fault}{why}: correct it, or quote it if it is text") from None


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
