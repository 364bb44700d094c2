"""Agreements, services, clients and organisations as tables that other systems read and write: CSV and JSON. Pure.

JSON has the keys of the site file's `agreements`. A CSV table holds one kind; its header says which. Several values in
one cell (prefixes, ports) stand with spaces between them; an empty cell says nothing. A comma or, as spreadsheets of
many countries write it, a semicolon separates cells (RFC 4180 otherwise).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, get_args

from pydantic import Field

from vdx.site.block import Model
from vdx.site.delegation import ClientPart, OfferPart
from vdx.site.policy import Agreement, Agreements, Organisation
from vdx.site.source import MAX_BYTES, MAX_NODES, Fault, Lines, SiteError, Text, read, validated
from vdx.site.values import Word

Kind = Literal["organisations", "services", "clients", "agreements"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

COLUMNS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "organisations": ("organisation", "title"),
    "services": (
        "service", "organisation", "zone", "endpoints", "files", "hosts", "tcp", "udp", "ping", "any", "approval",
        "group", "description",
    ),
    "clients": ("client", "organisation", "zone", "prefixes", "files"),
    "agreements": ("agreement", "client", "service", "starts", "ends", "approved", "rejected"),
}  # fmt: skip
"""The columns of each table. The first is the name, and no other table has one of its name as the first."""

LISTS: Final = frozenset(("endpoints", "prefixes", "files", "hosts", "tcp", "udp"))
SWITCHES: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
SWITCHED: Final = frozenset(("ping", "any", "approval", "approved"))

FORMULA: Final = ("=", "+", "-", "@", "'", "\t")
"""What a spreadsheet takes for a formula (or for the sign that it is none) where a cell begins with it."""


class Tables(Model):
    """Entries of any of the four kinds. The organisation of a service or client may be left to who owns the file."""

    organisations: dict[Word, Organisation] = Field(default_factory=dict)
    services: dict[Word, OfferPart] = Field(default_factory=dict)
    clients: dict[Word, ClientPart] = Field(default_factory=dict)
    agreements: dict[Word, Agreement] = Field(default_factory=dict)


def of(known: Agreements) -> Tables:
    """Give the tables of a site."""
    return Tables.model_validate(plain(known, KINDS))


def read_json(text: bytes, name: str) -> Tables:
    """Read tables from JSON; raises `SiteError` with file and line."""
    return validated(Tables, read(text, name), name)


def read_csv(text: bytes, name: str) -> Tables:
    """Read one table from CSV; raises `SiteError` with every fault by file and line."""
    if len(text) > MAX_BYTES:
        raise SiteError(name, [Fault(1, "", f"longer than {MAX_BYTES >> 20} MiB: is this a table?")])
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise SiteError(name, [Fault(line, "", "not UTF-8: save the table as CSV UTF-8")]) from None
    return validated(Tables, _table(decoded, name), name)


def write_json(tables: Tables) -> str:
    """Write tables as JSON."""
    return json.dumps(plain(tables, KINDS), indent=1, ensure_ascii=False) + "\n"


def write_csv(tables: Tables, kind: Kind) -> str:
    """Write one table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(COLUMNS[kind])
    for entry, values in plain(tables, (kind,)).get(kind, {}).items():
        writer.writerow([_guarded(entry), *(_cell(values.get(column)) for column in COLUMNS[kind][1:])])
    return out.getvalue()


def plain(known: Model, kinds: Iterable[Kind]) -> dict[str, dict[str, dict[str, Any]]]:
    """Give entries as a site file could hold them; what has its default is left out."""
    wanted = set[str](kinds)
    dumped = known.model_dump(mode="json", include=wanted, exclude_defaults=True)
    return {kind: dumped[kind] for kind in KINDS if dumped.get(kind)}


def bring(block: dict[str, Any], fresh: Mapping[str, Mapping[str, Any]], *, replace: bool) -> list[str]:
    """Bring entries into the data of a block `agreements`; give what has changed, in words.

    `replace` removes the entries of these kinds that are not among the fresh ones.
    """
    told = []
    for kind, entries in fresh.items():
        old = block.get(kind) or {}
        before = {str(name): {} for name in old} if isinstance(old, list) else old  # names alone, in short
        added = [name for name in entries if name not in before]
        changed = [name for name, values in entries.items() if name in before and _said(before[name]) != _said(values)]
        gone = {name for name in before if name not in entries} if replace else set()
        fresh_ones = {name: entries[name] for name in (*added, *changed)}  # what says the same stays as it is written
        block[kind] = {name: values for name, values in {**before, **fresh_ones}.items() if name not in gone}
        told.append(f"{kind}: {len(added)} added, {len(changed)} changed, {len(gone)} removed")
    return told


def _said(values: object) -> str:
    """Return values as they read, however they are written: a date is one with and without quotation marks."""
    if isinstance(values, dict):
        return str(sorted((key, _said(each)) for key, each in values.items()))
    return str([str(each) for each in values]) if isinstance(values, list) else str(values)


def _table(text: str, name: str) -> Text:
    header = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    lines: Lines = {}
    try:
        columns = [column.strip() for column in next(rows, [])]
        kind = _kind(columns, name)
        lines[(kind,)] = 1
        entries: dict[str, dict[str, Any]] = {}
        faults: list[Fault] = []
        left, first = MAX_NODES, rows.line_num + 1
        for row in rows:
            left -= len(row)
            if left < 0:
                raise SiteError(name, [Fault(first, "", f"more than {MAX_NODES:,} cells: is this the right table?")])
            if any(cell.strip() for cell in row):
                faults += _entry(kind, columns, row, first, entries, lines)
            first = rows.line_num + 1
    except csv.Error as error:
        raise SiteError(name, [Fault(rows.line_num, "", f"not CSV: {error}")]) from None
    if faults:
        raise SiteError(name, faults)
    return Text({kind: entries}, lines)


def _kind(columns: list[str], name: str) -> Kind:
    kind = next((each for each, known in COLUMNS.items() if columns[:1] == [known[0]]), None)
    if kind is None:
        known = "; ".join(",".join(each) for each in COLUMNS.values())
        raise SiteError(name, [Fault(1, "", f"the first line is no header: write one of {known}")])
    for index, column in enumerate(columns):
        if column not in COLUMNS[kind]:
            text = f"unknown column {column[:40]!r}: known are {', '.join(COLUMNS[kind])}"
            raise SiteError(name, [Fault(1, "", text)])
        if column in columns[:index]:
            raise SiteError(name, [Fault(1, "", f"column {column!r} stands twice: remove one")])
    return kind


def _entry(
    kind: Kind, columns: list[str], row: list[str], line: int, entries: dict[str, dict[str, Any]], lines: Lines
) -> Iterator[Fault]:
    """Add one row to the entries; yield what is wrong with it."""
    if len(row) != len(columns):
        yield Fault(line, kind, f"{len(row)} cells where the header has {len(columns)}")
        return
    cells = {column: _bare(cell.strip()) for column, cell in zip(columns, row, strict=True)}
    entry = cells.pop(columns[0])
    if entry in entries:
        yield Fault(line, kind, f"{entry!r} stands here and on line {lines[kind, entry]}: remove one")
        return
    lines[kind, entry] = line
    values: dict[str, Any] = {}
    for column, cell in cells.items():
        if not cell:
            continue
        lines[kind, entry, column] = line
        values[column] = cell.split() if column in LISTS else cell
        if column in SWITCHED:
            if cell.lower() not in SWITCHES:
                yield Fault(line, f"{kind}.{entry}.{column}", f"{cell[:40]!r} is neither true nor false")
                continue
            values[column] = SWITCHES[cell.lower()]
    if values.get("any") is False:  # the site file says so by leaving it out
        del values["any"]
    entries[entry] = values


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return _guarded(str(value))


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _bare(text: str) -> str:
    return text.removeprefix("'")
