"""The import rule of the house: an import runs only downwards."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STDLIB = sys.stdlib_module_names

# package -> what of ours it may import besides itself; the longest prefix of a module's name decides
MAY_IMPORT: dict[str, set[str]] = {
    "vdx": set(),
    "nft": {"vdx"},
    "b2bua.sip": set(),
    "b2bua.sdp": set(),
    "b2bua.transport": {"b2bua.sip", "vdx"},
    "b2bua": {"vdx"},
    "mediad": {"vdx"},
    "gatewayd": {"nft", "vdx"},
    "certd": {"vdx"},
    "mixer": {"b2bua.sip", "b2bua.sdp", "b2bua.transport", "vdx"},
    "gatewayd.web": {"vdx"},
    "hub": {"vdx"},
}
STDLIB_ONLY = ("b2bua.sip", "b2bua.sdp")
"""Protocol code lives on the standard library alone."""

NO_IO = {
    "asyncio",
    "socket",
    "selectors",
    "ssl",
    "threading",
    "subprocess",
    "random",
    "secrets",
    "time",
    "os",
    "pathlib",
}
SANS_IO = (
    "b2bua.sip",
    "b2bua.sdp",
    "b2bua.call",
    "vdx.admission",
    "vdx.bus.grants",
    "vdx.bus.kinds",
    "vdx.bus.replica",
    "vdx.bus.server",
    "vdx.nodes",
    "vdx.pattern",
    "vdx.ports",
    "vdx.rooms",
    "nft.ruleset",
    "nft.policy",
    "nft.relay",
    "gatewayd.config.cut",
    "gatewayd.config.events",
    "gatewayd.config.gate",
    "gatewayd.config.merge",
    "gatewayd.config.roles",
    "gatewayd.config.state",
    "gatewayd.config.veil",
    "gatewayd.config.whole",
    "gatewayd.config.words",
)
"""Protocol and policy code does no I/O: clock, ids and sockets are handed in."""

OURS = {name.split(".")[0] for name in MAY_IMPORT} | {"lab", "tests", "bench"}


def modules() -> list[tuple[str, Path]]:
    found = []
    for top in sorted(OURS - {"tests", "bench", "lab"}):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append((".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def package_of(module: str) -> str:
    return max((package for package in MAY_IMPORT if within(module, package)), key=len)


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_imports_run_downwards(module: str, path: Path) -> None:
    own = package_of(module)
    allowed = MAY_IMPORT[own] | {own}
    for name in imports(path):
        top = name.split(".")[0]
        if top in OURS:
            assert any(within(name, package) for package in allowed), f"{module} may not import {name}"
        elif any(within(module, package) for package in STDLIB_ONLY):
            assert top in STDLIB, f"{module} needs only the standard library, not {name}"


@pytest.mark.parametrize(("module", "path"), modules(), ids=lambda value: value if isinstance(value, str) else "")
def test_protocol_and_policy_do_no_io(module: str, path: Path) -> None:
    if any(within(module, package) for package in SANS_IO):
        assert not {name.split(".")[0] for name in imports(path)} & NO_IO


def test_the_rule_sees_every_package() -> None:
    names = {module.split(".")[0] for module, _ in modules()}
    assert {"vdx", "nft", "b2bua", "mediad", "gatewayd"} <= names
    assert len(modules()) > 50  # a rule that reads no files would hold for ever
