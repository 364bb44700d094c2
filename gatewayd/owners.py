"""The users of our other programs: those that may own pinholes, as told on the command line, and `mediad`'s."""

from __future__ import annotations

import argparse
import pwd
import re
from collections.abc import Iterable

from gatewayd.errors import StartError
from gatewayd.pinholes.label import MAX_OWNER

KNOWN = ("b2bua", "mixer")
"""Owners that are looked for among the system's users where none is named."""


def owner(text: str) -> tuple[str, int | None]:
    """Read ``NAME=UID``, or ``NAME`` of a system user; raises ArgumentTypeError."""
    name, _, uid = text.partition("=")
    if not re.fullmatch(rf"[a-z][a-z0-9-]{{0,{MAX_OWNER - 1}}}", name) or (uid and not uid.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no owner: write it as in b2bua=991")
    return name, int(uid) if uid else None


def users(named: Iterable[tuple[str, int | None]]) -> dict[int, str]:
    """Give the owners by their user id; raises `StartError` for a name without one."""
    found: dict[int, str] = {}
    for name, uid in named:
        user = number(name) if uid is None else uid
        if user is None:
            text = f"owner {name!r} is no user of this machine: add the user, or give its number as in {name}=991"
            raise StartError(text)
        if found.setdefault(user, name) != name:
            raise StartError(f"owners {found[user]!r} and {name!r} are the same user {user}: give each its own")
    return found


def number(name: str) -> int | None:
    """Give the number of a system user, None where there is none."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def present() -> dict[int, str]:
    """Give those of the known owners that are users of this machine."""
    entries = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return {entries[name]: name for name in KNOWN if name in entries}
