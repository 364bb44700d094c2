"""Words of the ruleset's text form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from nft.schema import Shape

ELEMENTS_PER_LINE = 4  # what a person reads at a glance


def declare(shape: Shape) -> str:
    """Declare a set or map where it is missing."""
    kind, words = declaration(shape)
    return f"add {kind} inet {shape.table} {shape.name} {words}\n"


def declaration(shape: Shape) -> tuple[Literal["set", "map"], str]:
    """Return whether a shape is a set or a map, and what declares it."""
    words = [f"type {' . '.join(field.name for field in shape.key)}{f' : {shape.data.name}' if shape.data else ''};"]
    if shape.size:
        words.append(f"size {shape.size};")
    flags = [name for name, wanted in (("dynamic", shape.dynamic), ("timeout", shape.timeout is not None)) if wanted]
    if flags:
        words.append(f"flags {','.join(flags)};")
    if shape.timeout:
        words.append(f"timeout {shape.timeout}s;")
    if shape.statement:
        words.append(shape.statement)
    return "map" if shape.data else "set", f"{{ {' '.join(words)} }}"


def refill(table: str, name: str, elements: Sequence[str], *, kind: str = "set") -> str:
    """Empty a set and fill it with these elements."""
    text = f"flush {kind} inet {table} {name}\n"
    if elements:
        rows = (elements[i : i + ELEMENTS_PER_LINE] for i in range(0, len(elements), ELEMENTS_PER_LINE))
        text += f"add element inet {table} {name} {{\n  " + ",\n  ".join(", ".join(row) for row in rows) + "\n}\n"
    return text


def block(table: str, chains: Iterable[tuple[str, str, Sequence[str]]]) -> str:
    """Declare, empty and fill chains given as (name, hook, rules); the hook of a chain that is jumped to is empty."""
    listed = list(chains)
    text = "".join(f"add chain inet {table} {name}{f' {{ {hook} }}' if hook else ''}\n" for name, hook, _ in listed)
    text += "".join(f"flush chain inet {table} {name}\n" for name, _, _ in listed)
    text += f"table inet {table} {{\n"
    for name, _, rules in listed:
        text += f"  chain {name} {{\n" + "".join(f"    {rule}\n" for rule in rules) + "  }\n"
    return text + "}\n"


def quoted(value: str) -> str:
    """Quote a name or comment; the model lets no quote or backslash in."""
    return f'"{value}"'


def comment(origin: str) -> str:
    """Return the comment that carries a rule's origin, or nothing."""
    return f" comment {quoted(origin)}" if origin else ""


def anonymous(values: Iterable[object]) -> str:
    """Write an anonymous set."""
    return "{ " + ", ".join(map(str, values)) + " }"
