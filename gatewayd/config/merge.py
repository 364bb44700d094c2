"""A site put together from the base, the fragments of organisations, and what is cut off. Pure.

What stands in a fragment keeps its file and line. Entries of a list (rules, tests) move to other places in the whole,
so each travels with its lines and gets its place at the end. Rules of the dial plan of fragments come before those of
the base: they concern only calls of their own, which the base's last rule would otherwise take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pydantic

from gatewayd.config import bounds
from gatewayd.config.cut import Cut
from gatewayd.config.parsed import Parsed
from gatewayd.config.whole import BLOCKS, LISTED, LISTS, Item, Source, Whole, at
from vdx.site.block import Model
from vdx.site.delegation import Delegation, Delegations, Fragment, list_name, owner
from vdx.site.model import Site
from vdx.site.policy import Answers, Rejection, list_files
from vdx.site.source import (
    Fault,
    Lines,
    LoadedSite,
    Path_,
    SiteError,
    Text,
    line_of,
    validated,
)

PARSED = Parsed()
"""What was read of contents lately."""


class Merged(NamedTuple):
    """A site that was put together, and the data it was made of, as one site file would have it."""

    loaded: LoadedSite
    data: dict[str, Any]
    alone: bool
    """Whether it is the base as it was pushed, and nothing else."""


def merge(base: Source, fragments: Iterable[Source], cuts: Iterable[Cut] = ()) -> Merged:
    """Put a site together; raises `SiteError` with file and line.

    Fragments of organisations that the base delegates nothing to are left out.
    """
    text = PARSED.read(base)
    delegations = _delegations(text, base.file)
    whole = _base(text, base)
    counting = [each for each in fragments if each.name in delegations]
    faults = list(_taken(whole, delegations))
    if faults:
        raise SiteError(base.file, faults)
    read_in = [(each, *_fragment(each, delegations[each.name])) for each in counting]
    for each, found, typed in read_in:
        _add(whole, each, found, typed, delegations[each.name])
    for said in (_base_answers(whole, base.file), *(typed.agreements for _, _, typed in read_in)):
        _answer(whole, said)
    made = list(cuts)
    for cut in made:
        cut.off(whole, delegations)
    loaded = _finished(whole, base, [each.ref for each in counting], made)
    return Merged(loaded, whole.data, not counting and not made)


def named_lists(source: Source) -> list[str]:
    """Give the lists of prefixes that a text names; raises `SiteError` for what is no YAML."""
    data = PARSED.read(source).data
    found: dict[str, None] = {}
    for path in LISTED:
        for entry in _values(at(data, path)):
            names = entry.get("files") if isinstance(entry, dict) else None
            found.update(dict.fromkeys(name for name in names or () if isinstance(name, str)))
    return list(found)


def _delegations(text: Text, file: str) -> dict[str, Delegation]:
    class Delegated(Model):
        delegations: Delegations = pydantic.Field(default_factory=dict)

    said = text.data.get("delegations") if isinstance(text.data, dict) else None
    return validated(Delegated, Text({"delegations": said or {}}, text.lines), file).delegations


def _base(text: Text, base: Source) -> Whole:
    data = _copied(text.data) if isinstance(text.data, dict) else {}
    apart = {path: at(data, path) for path in LISTS}
    lists = {path: values for path, values in apart.items() if isinstance(values, list)}
    kept: Lines = {}
    inner: dict[Path_, Lines] = {}
    longest = {path: len(path) for path in lists}
    for path, line in text.lines.items():
        home = next((each for each, length in longest.items() if len(path) > length and path[:length] == each), None)
        if home is None:
            kept[path] = line
        else:
            inner.setdefault(path[: len(home) + 1], {})[path[len(home) + 1 :]] = line
    whole = Whole(data, kept, lists=dict(base.lists))
    for path, values in lists.items():
        whole.items[path] = [Item(value, inner.get((*path, index), {})) for index, value in enumerate(values)]
    said = at(data, ("agreements", "organisations"))
    if isinstance(said, list):  # the short form; what is delegated is added to it
        data["agreements"]["organisations"] = {str(name): {} for name in said}
    return whole


def _copied(data: dict[str, Any]) -> dict[str, Any]:
    """Copy blocks and the blocks in them, to which entries are added; entries are only ever replaced."""
    return {
        key: {inner: dict(value) if isinstance(value, dict) else value for inner, value in block.items()}
        if isinstance(block, dict)
        else block
        for key, block in data.items()
    }


def _taken(whole: Whole, delegations: Mapping[str, Delegation]) -> Iterator[Fault]:
    """Give names of the base that belong to an organisation."""
    for path in BLOCKS:
        for name in at(whole.data, path) or ():
            if owner(str(name)) in delegations:
                text = f"names that begin with {owner(str(name))!r} belong to that organisation: give it another one"
                yield Fault(line_of(whole.lines, (*path, str(name))), ".".join((*path, str(name))), text)
    for name in whole.lists:
        if owner(name) in delegations:
            yield Fault(1, "", f"list {name}: names that begin with {owner(name)!r} belong to that organisation")


def _fragment(source: Source, delegation: Delegation) -> tuple[Text, Fragment]:
    found = PARSED.read(source)
    found = found._replace(data={} if found.data is None else found.data)
    typed = validated(Fragment, found, source.file)
    faults = [
        Fault(line_of(found.lines, fault.path), ".".join(map(str, fault.path)), str(fault))
        for fault in bounds.faults(typed, source.name, delegation, source.lists)
    ]
    if faults:
        raise SiteError(source.file, faults)
    return found, typed


def _add(whole: Whole, source: Source, found: Text, typed: Fragment, delegation: Delegation) -> None:
    organisation = source.name
    whole.lists |= {list_name(organisation, name): content for name, content in source.lists.items()}
    grouped = _grouped(found)
    for path in BLOCKS:
        for name, value in (at(found.data, path) or {}).items():
            filled = _filled(path, value, organisation, typed, delegation)
            whole.put((*path, name), filled, grouped.get((*path, name), {}), source.file)
    for path in LISTS:
        added = [
            Item(value, grouped.get((*path, index), {}), source.file)
            for index, value in enumerate(at(found.data, path) or ())
        ]
        there = whole.items.setdefault(path, [])
        there[:0] = added if path == ("dialplan",) else []
        there += [] if path == ("dialplan",) else added
    parties = whole.block("agreements", "organisations")
    parties.setdefault(organisation, {"title": delegation.title})


def _grouped(found: Text) -> dict[Path_, Lines]:
    """Give the lines of every entry of a block or list, by paths within the entry."""
    grouped: dict[Path_, Lines] = {}
    homes = {len(path): {each for each in (*BLOCKS, *LISTS) if len(each) == len(path)} for path in (*BLOCKS, *LISTS)}
    for path, line in found.lines.items():
        for length, known in homes.items():
            if len(path) > length and path[:length] in known:
                grouped.setdefault(path[: length + 1], {})[path[length + 1 :]] = line
    return grouped


def _filled(
    path: tuple[str, ...],
    value: Mapping[str, Any],
    organisation: str,
    typed: Fragment,
    delegation: Delegation,
) -> dict[str, Any]:
    """Write out what need not be said in a fragment."""
    filled = dict(value)
    if path in {("agreements", "services"), ("agreements", "clients")}:
        filled["organisation"] = organisation
    if path in LISTED and filled.get("files"):
        filled["files"] = [list_name(organisation, name) for name in filled["files"]]
    if path == ("peers",):
        usual = {**_said(delegation.limits), **_said(typed.limits)}
        filled["limits"] = {**usual, **(filled.get("limits") or {})}
    return filled


def _said(limits: Model) -> dict[str, Any]:
    return limits.model_dump(exclude_none=True)


def _base_answers(whole: Whole, file: str) -> Answers:
    block = whole.data.get("agreements")
    said = {name: each for name in Answers.model_fields if isinstance(block, dict) and (each := block.get(name))}
    lines = {path[1:]: line for path, line in whole.lines.items() if path[:1] == ("agreements",)}
    return validated(Answers, Text(said, lines), file)


def _answer(whole: Whole, answers: Answers) -> None:
    """Note in agreements that their provider approves or rejects them, as they are."""
    agreements = whole.block("agreements", "agreements")
    for name, said in (*answers.approves.items(), *answers.rejects.items()):
        one = agreements.get(name)
        if isinstance(one, dict) and (one.get("client"), one.get("service")) == (said.client, said.service):
            rejected = said.why if isinstance(said, Rejection) else ""
            agreements[name] = {**one, "approved": not rejected, "rejected": rejected}


def _finished(whole: Whole, base: Source, refs: list[str], cuts: list[Cut]) -> LoadedSite:
    for path, items in whole.items.items():
        if not items:
            continue
        values = whole.block(*path[:-1])
        values[path[-1]] = [item.value for item in items]
        for index, item in enumerate(items):
            whole.lines.update({(*path, index, *inner): line for inner, line in item.lines.items()})
            if item.file:
                whole.files[*path, index] = item.file
    site = validated(Site, Text(whole.data, whole.lines), base.file, whole.files)
    loaded = LoadedSite(site, whole.lines, "", base.file, whole.lists, whole.files)
    missing = [
        Fault(
            line_of(whole.lines, where), ".".join(map(str, where)), f"{name} is not there: push it with the text", file
        )
        for name, where in list_files(site.policy, site.agreements)
        if name not in whole.lists
        for file in [loaded.origin(*where).rpartition(":")[0]]
    ]
    if missing:
        raise SiteError(base.file, missing)
    return loaded._replace(version=_version(loaded, base, refs, cuts))


def _version(loaded: LoadedSite, base: Source, refs: list[str], cuts: list[Cut]) -> str:
    """Name what was put together: of a base alone, as a site file of this content is named."""
    name = hashlib.sha256(base.text).hexdigest()[:12]
    used = dict.fromkeys(name for name, _ in list_files(loaded.site.policy, loaded.site.agreements))
    digest = hashlib.sha256(name.encode())
    for each in used:
        digest.update(each.encode() + b"\0" + hashlib.sha256(loaded.lists[each]).digest())
    for part in (*refs, *(f"cut {cut.number}" for cut in cuts)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:12] if used or refs or cuts else name


def _values(block: Any) -> Iterable[Any]:  # noqa: ANN401 - what YAML holds
    return block.values() if isinstance(block, dict) else ()
