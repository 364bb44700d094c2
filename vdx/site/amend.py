"""Change some values of a YAML text and leave everything else as it stands: remarks, order, blank lines. Pure.

The new text is read again. Where it does not say exactly what was wanted (anchors, unusual layouts), the whole is
written anew instead, and its remarks are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from vdx.errors import VdxError
from vdx.site.source import read

WIDE = 1 << 20
"""Characters of a line that is written: an entry stays on one."""

INDENT = "  "

Data = dict[str, Any]


class Edit(NamedTuple):
    """What stands from `start` until before `end` gives way to `text`."""

    start: int
    end: int
    text: str


def amended(text: str, wanted: Data) -> str:
    """Return a text of YAML that says what is wanted; as little as possible of it is another than before.

    `text` was read without a fault (`vdx.site.source.read`).
    """
    try:
        made = _amended(text, wanted)
        if _said(made) == wanted:
            return made
    except (VdxError, yaml.YAMLError):
        pass  # it goes the other way
    return yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)


def _said(text: str) -> Any:  # noqa: ANN401 - what YAML holds
    return read(text.encode(), "text").data


def _amended(text: str, wanted: Data) -> str:
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    found = _said(text) or {}
    if not isinstance(node, yaml.MappingNode):
        return text.rstrip("\n") + "\n" * bool(text.strip()) + "".join(f"{line}\n" for line in _entries(wanted))
    parts: list[str] = []
    done = 0
    # of two at the same place the inner one comes first, as it does here
    for edit in sorted(_edits(text, node, found, wanted), key=lambda edit: edit.start):
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def _edits(text: str, node: yaml.MappingNode, old: Data, new: Data) -> Iterator[Edit]:
    """Yield what makes one mapping of another. Places are those of the text before any edit."""
    if node.flow_style or not node.value:
        yield Edit(node.start_mark.index, node.end_mark.index, _flow(new))
        return
    for key, value in node.value:
        name = key.value
        if name not in new:
            yield Edit(_line_start(text, key.start_mark.index), _line_end(text, _last(value)), "")
        elif old[name] == new[name]:
            continue
        elif isinstance(value, yaml.MappingNode) and isinstance(new[name], dict) and new[name] and not value.flow_style:
            yield from _edits(text, value, old[name], new[name])
        else:
            yield Edit(text.index(":", key.end_mark.index) + 1, _last(value), f" {_flow(new[name])}")
    fresh = {name: value for name, value in new.items() if name not in old}
    if fresh:
        at = _line_end(text, _last(node))
        margin = " " * node.start_mark.column
        before = "" if text[:at].endswith("\n") else "\n"
        yield Edit(at, at, before + "".join(f"{margin}{line}\n" for line in _entries(fresh)))


def _entries(data: Data) -> Iterator[str]:
    """Yield entries of a block, a line each; one that holds entries of its own is a block again."""
    for name, value in data.items():
        if isinstance(value, dict) and any(isinstance(each, dict) for each in value.values()):
            yield f"{_flow(name)}:"
            yield from (INDENT + line for line in _entries(value))
        else:
            yield f"{_flow(name)}: {_flow(value)}"


def _flow(value: Any) -> str:  # noqa: ANN401 - what YAML holds
    listed: str = yaml.dump(
        [value], Dumper=yaml.CSafeDumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=WIDE
    )
    return listed.strip()[1:-1]


def _last(node: yaml.Node) -> int:
    """Return where the last thing of a node ends: a block ends only where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """Return where the next line begins; what has ended with its line, as a block scalar, has."""
    if at and text[at - 1] == "\n":
        return at
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
