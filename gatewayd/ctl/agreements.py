"""`gatewayctl agreements`: agreements as tables for other systems, out of a site file or fragment and into one.

Nothing is asked or applied: what was brought in is pushed as every other change.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from gatewayd.errors import VersionError
from vdx.site import exchange
from vdx.site.amend import amended
from vdx.site.exchange import KINDS, Tables
from vdx.site.source import MAX_BYTES, Text, read, validated

BLOCK = "agreements"


def add(verbs: Any, active: Path) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb to a parser; `active` is where the active site file is kept."""
    agreements = verbs.add_parser("agreements", help="agreements, services and clients as CSV or JSON")
    ways = agreements.add_subparsers(dest="agreements_verb", required=True, metavar="WAY")
    out = ways.add_parser("export", help="write a table from a site file or fragment")
    out.add_argument("--site", type=Path, default=active, metavar="FILE", help="(default: %(default)s)")
    out.add_argument("--kind", choices=KINDS, help="a CSV table of one kind (default: everything as JSON)")
    into = ways.add_parser("import", help="bring a table (.csv or .json) into a site file or fragment")
    into.add_argument("table", type=Path, metavar="TABLE")
    into.add_argument("--into", type=Path, required=True, metavar="FILE", help="made if missing")
    into.add_argument("--replace", action="store_true", help="remove entries of the table's kinds that it has not")


def run(options: argparse.Namespace) -> int:
    """Do it and return the exit status; raises `VdxError` with every fault by file and line."""
    if options.agreements_verb == "export":
        tables = _tables(_read(options.site), str(options.site))
        print(exchange.write_csv(tables, options.kind) if options.kind else exchange.write_json(tables), end="")
        return 0
    print(bring(options.table, options.into, replace=options.replace))
    return 0


def bring(table: Path, into: Path, *, replace: bool) -> str:
    """Bring a table into a file, whole or not at all; return what has changed, in words."""
    if into.exists() and not into.is_file():
        raise VersionError(f"{into}: is no file that could be replaced: name a site file or a fragment")
    reader = exchange.read_csv if table.suffix == ".csv" else exchange.read_json
    fresh = exchange.plain(reader(_bytes(table), str(table)), KINDS)
    before = _bytes(into).decode() if into.exists() else ""
    data = _read(into).data if into.exists() else {}
    block = data[BLOCK] = data.get(BLOCK) or {}
    told = exchange.bring(block, fresh, replace=replace)
    data[BLOCK] = {key: each for key, each in block.items() if each or key == "notice_days"}
    text = amended(before, data)
    _tables(read(text.encode(), str(into)), str(into))
    _write(into, text)
    return "\n".join(told) or f"{table} has no entries: nothing was changed"


def _tables(text: Text, name: str) -> Tables:
    block = text.data.get(BLOCK) or {}
    lines = {path[1:]: line for path, line in text.lines.items() if path[:1] == (BLOCK,)}
    known = {kind: block[kind] for kind in KINDS if block.get(kind)}
    if isinstance(known.get("organisations"), list):
        known["organisations"] = {str(each): {} for each in known["organisations"]}
    return validated(Tables, Text(known, lines), name)


def _read(path: Path) -> Text:
    text = read(_bytes(path), str(path))
    block = text.data.get(BLOCK) or {} if isinstance(text.data, dict) else None
    if not isinstance(block, dict) or not all(isinstance(block.get(kind) or {}, dict | list) for kind in KINDS):
        raise VersionError(f"{path}:1: this is no site file or fragment: it holds no block of keys and values")
    return text


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # the reader tells of one too many
    except OSError as error:
        raise VersionError(f"{path}: cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    """Replace a file so that it is never half written; a link stays one."""
    path = path.resolve()
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise VersionError(f"{path}: cannot be written: {error.strerror}; it is as it was") from error
