"""Agreements asked for, answered, brought in and written out: as fragments with other content, kept as candidates.

Nothing is in force before it was applied, as every other change. Who asks needs the right to push the fragment that it
concerns: the consumer's for a demand, the provider's for an answer. Parties without a fragment have their part in the
base. What they change is an entry: remarks, order and everything else of the text stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayd.web.answers import DeclinedError
from gatewayd.web.asking import Asker
from gatewayd.web.errors import RefusedError
from vdx import versions
from vdx.errors import VdxError
from vdx.management import AgreementInfo, AgreementList, ListAgreements
from vdx.pinhole import Name
from vdx.site import exchange
from vdx.site.amend import amended
from vdx.site.delegation import owner
from vdx.site.exchange import KINDS, Kind, Tables
from vdx.site.source import Text, read, validated
from vdx.versions import BASE, Why

BLOCK: Final = "agreements"

FORMS: Final[Mapping[str, Callable[[bytes, str], Tables]]] = {
    "text/csv": exchange.read_csv,
    "application/json": exchange.read_json,
}
"""How tables are read, by what `Content-Type` says."""

Data = dict[str, Any]


class Demand(msgspec.Struct, frozen=True):
    """A client wants to use a service, from a day or time until the end of another (default: five years)."""

    name: Name
    client: Name
    service: Name
    starts: Annotated[str, Meta(max_length=40)]
    ends: Annotated[str, Meta(max_length=40)] | None = None
    why: Why = ""


class Reply(msgspec.Struct, frozen=True):
    """What the provider says to an agreement; who rejects says why."""

    name: Name
    verdict: Literal["approve", "reject"]
    why: Why = ""


class Export(msgspec.Struct, frozen=True):
    """The tables of a fragment: one kind as CSV, or everything as JSON where no kind is named."""

    fragment: Name = BASE
    kind: Kind | None = None


class Brought(msgspec.Struct, frozen=True):
    """A table to bring into a fragment; `replace` removes entries of its kinds that it has not."""

    table: str
    form: Literal["text/csv", "application/json"]
    fragment: Name = BASE
    replace: bool = False
    why: Why = ""


async def demand(asker: Asker, said: Demand) -> versions.Candidate:
    """Ask for an agreement in the fragment of the consumer."""
    entry = {"client": said.client, "service": said.service, "starts": said.starts}
    if said.ends:
        entry["ends"] = said.ends

    def change(data: Data) -> None:
        there = _block(data, "agreements")
        if said.name in there:
            raise RefusedError(f"there is an agreement {said.name!r} already: give this one another name")
        there[said.name] = entry

    fragment = await _fragment(asker, said.client)
    return await _changed(asker, fragment, change, said.why or f"{said.name} asked for")


async def reply(asker: Asker, said: Reply) -> versions.Candidate:
    """Approve or reject an agreement in the fragment of the provider."""
    if said.verdict == "reject" and not said.why:
        raise RefusedError("say why: the consumer reads it")
    listed = await asker.get(ListAgreements(1), AgreementList)
    one = next((each for each in listed.agreements if each.name == said.name), None)
    if one is None:
        raise RefusedError(f"there is no agreement {said.name!r} of yours")
    fragment = await _fragment(asker, one.service)
    done = "approved" if said.verdict == "approve" else "rejected"
    why = f"{said.name} {done}" + (f": {said.why}" if said.why else "")
    return await _changed(asker, fragment, lambda data: _answer(data, one, said), why[: versions.MAX_WHY])


def _answer(data: Data, one: AgreementInfo, said: Reply) -> None:
    own = _block(data, "agreements").get(one.name)
    if isinstance(own, dict):
        for key in ("approved", "rejected"):
            own.pop(key, None)
        own |= {"approved": True} if said.verdict == "approve" else {"rejected": said.why}
        return
    entry = {"client": one.client, "service": one.service}
    for key in ("approves", "rejects"):
        _block(data, key).pop(one.name, None)
    if said.verdict == "approve":
        _block(data, "approves")[one.name] = entry
    else:
        _block(data, "rejects")[one.name] = {**entry, "why": said.why}


async def bring(asker: Asker, said: Brought) -> versions.Candidate:
    """Bring a table into a fragment."""
    name = "table.csv" if said.form == "text/csv" else "table.json"

    def change(data: Data) -> None:
        fresh = exchange.plain(FORMS[said.form](said.table.encode(), name), KINDS)
        exchange.bring(data.setdefault(BLOCK, {}), fresh, replace=said.replace)

    return await _changed(asker, said.fragment, change, said.why or "a table was brought in")


async def export(asker: Asker, said: Export) -> tuple[str, str]:
    """Give the tables of a fragment, and their media type."""
    found, _ = await asker.fragment(said.fragment)

    def write() -> str:
        text = read(found.text.encode(), f"{said.fragment}.yaml")
        block = text.data.get(BLOCK) if isinstance(text.data, dict) else None
        known = {kind: block[kind] for kind in KINDS if isinstance(block, dict) and block.get(kind)}
        if isinstance(known.get("organisations"), list):
            known["organisations"] = {str(each): {} for each in known["organisations"]}
        tables = validated(Tables, Text(known, {}), said.fragment)
        return exchange.write_csv(tables, said.kind) if said.kind else exchange.write_json(tables)

    return await asyncio.to_thread(write), "text/csv" if said.kind else "application/json"


async def _fragment(asker: Asker, name: str) -> str:
    """Give the fragment that names of a party stand in."""
    situation = await asker.get(versions.Situation(1), versions.SituationReport)
    me = await asker.get(versions.Whoami(1), versions.Who)
    known = {each.name for each in situation.fragments} | {me.organisation}
    return owner(name) if owner(name) in known else BASE


async def _changed(asker: Asker, fragment: str, change: Callable[[Data], None], why: str) -> versions.Candidate:
    """Push a fragment with other content."""
    try:
        found, expected = await asker.fragment(fragment)
        text, lists = found.text, found.lists
    except DeclinedError as declined:
        if declined.told.code != "unknown":
            raise
        text, lists, expected = "", {}, None  # the first of its kind

    def written() -> str:
        data = read(text.encode(), f"{fragment}.yaml").data or {}
        if not isinstance(data, dict):
            raise RefusedError(f"the content of {fragment!r} is no block of keys and values: push it anew")
        change(data)
        data[BLOCK] = {key: each for key, each in data[BLOCK].items() if each or key == "notice_days"}
        return amended(text, data)

    try:
        fresh = await asyncio.to_thread(written)
    except VdxError as error:
        raise error if isinstance(error, RefusedError) else RefusedError(str(error)) from error
    push = versions.Push(1, fragment, fresh, expected, lists, why)
    return await asker.get(push, versions.Candidate)


def _block(data: Data, name: str) -> Data:
    """Give a block of the agreements of a fragment, which is made where it is missing."""
    agreements = data[BLOCK] = data.get(BLOCK) or {}
    agreements[name] = agreements.get(name) or {}
    found: Data = agreements[name]
    return found
