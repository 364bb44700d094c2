"""What the forms of the page do: each reads a form, asks, and gives the address to show next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from starlette.datastructures import FormData, UploadFile

from gatewayd.web import agreements
from gatewayd.web.agreements import Brought, Demand, Reply
from gatewayd.web.asking import Asker
from gatewayd.web.errors import RefusedError
from vdx import management, versions
from vdx.versions import BASE, Asking, Candidate

MAX_FILES: Final = 100
"""Of a push: the text, and the lists of prefixes that it names."""

MAX_FIELDS: Final = 20

Deed = Callable[[Asker, FormData], Awaitable[str]]
T = TypeVar("T", bound=msgspec.Struct)


def local(path: str) -> str:
    """Give an address of this page, whatever was said."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def said(given: FormData, kind: type[T], /, **known: Any) -> T:  # noqa: ANN401 - fields of the message
    """Read a message from a form; empty fields are not said. Raises `RefusedError` that names the field."""
    names = {each.name for each in msgspec.structs.fields(kind)}
    found = {name: value for name, value in given.items() if name in names and isinstance(value, str) and value}
    if "id" in names:
        known["id"] = 1
    try:
        return msgspec.convert({**found, **known}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(str(error)) from error


def _asked(kind: type[Asking], back: str) -> Deed:
    async def deed(asker: Asker, form: FormData) -> str:
        await asker.ask(said(form, kind))
        return back

    return deed


async def _apply(asker: Asker, form: FormData) -> str:
    within = {"confirm_within": None} if form.get("stays") else {}
    glass = bool(form.get("break_glass"))
    await asker.ask(said(form, versions.ApplyVersion, break_glass=glass, **within))
    return "/changes"


async def _rollback(asker: Asker, form: FormData) -> str:
    within = {"confirm_within": None} if form.get("stays") else {}
    glass = bool(form.get("break_glass"))
    await asker.ask(said(form, versions.Rollback, break_glass=glass, **within))
    return "/changes"


async def _push(asker: Asker, form: FormData) -> str:
    lists = {
        str(each.filename): await _text(each)
        for each in form.getlist("lists")
        if isinstance(each, UploadFile) and each.filename
    }
    fragment = str(form.get("fragment") or BASE)
    situation = await asker.get(versions.Situation(1), versions.SituationReport)
    expected = next((each.ref for each in situation.fragments if each.name == fragment), None)
    push = said(form, versions.Push, text=await _text(form.get("file")), lists=lists, expected=expected)
    found = await asker.get(push, Candidate)
    return _show(found)


async def _bring(asker: Asker, form: FormData) -> str:
    given = form.get("file")
    name = given.filename or "" if isinstance(given, UploadFile) else ""
    media = "application/json" if name.endswith(".json") else "text/csv"
    brought = said(form, Brought, table=await _text(given), form=media, replace=bool(form.get("replace")))
    return _show(await agreements.bring(asker, brought))


async def _demand(asker: Asker, form: FormData) -> str:
    return _show(await agreements.demand(asker, said(form, Demand)))


async def _reply(asker: Asker, form: FormData) -> str:
    return _show(await agreements.reply(asker, said(form, Reply)))


def _show(candidate: Candidate) -> str:
    return "/changes" if candidate.state == "running" else f"/changes/{candidate.ref}"


async def _text(given: object) -> str:
    if not isinstance(given, UploadFile) or not given.filename:
        raise RefusedError("no file was chosen")
    try:
        return (await given.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError(f"{given.filename} is no text in UTF-8") from error


DEEDS: Final[Mapping[str, Deed]] = {
    "apply": _apply,
    "approve": _asked(versions.Approve, "/changes"),
    "withdraw": _asked(versions.Withdraw, "/changes"),
    "confirm": _asked(versions.Confirm, "/changes"),
    "take-back": _asked(versions.TakeBack, "/changes"),
    "rollback": _rollback,
    "push": _push,
    "freeze": _asked(versions.Freeze, "/"),
    "unfreeze": _asked(versions.Unfreeze, "/"),
    "cut": _asked(versions.Cut, "/"),
    "uncut": _asked(versions.Uncut, "/"),
    "end-call": _asked(management.EndCall, "/live"),
    "agreements/ask": _demand,
    "agreements/reply": _reply,
    "agreements/import": _bring,
}
"""Each address that takes a form."""
