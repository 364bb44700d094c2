"""Who may do what on the bus, by the job of a program: what it is not granted here, the server refuses.

Theory of operation. Buckets and streams belong to the account ``VDX``, in which only the hub is. Every other program
has an account of its own, and reaches over the border of it exactly what its job needs. Permissions on subjects alone
would not do: a program that may ask the server for anything names the subject that the answer goes to, and so could
have the server write where it may not itself. Between accounts the answer finds its way by itself.

    reads      watches a bucket, and gets records from it
    writes     keys of buckets; ``{name}`` is the program's own
    posts      streams, each under its own name
    asks       questions, and `answers` those that are about it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["edge", "mixer", "operator", "hub"]

BUCKETS = ("rooms", "nodes", "calls")
"""Every bucket there is."""

STREAMS = ("records", "admissions", "quality", "audit", "meetings")
"""Every stream there is."""


@dataclass(frozen=True, slots=True)
class Grants:
    """What one job needs."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()


GRANTS: dict[Role, Grants] = {
    "edge": Grants(
        reads=("rooms", "nodes"),
        writes=("calls.{name}.>",),
        posts=("records", "admissions"),
        asks=("port",),
    ),
    "mixer": Grants(
        reads=("rooms", "nodes"),
        writes=("rooms.*", "nodes.{name}"),
        posts=("records", "quality"),
        answers=("steer.{name}", "probe.{name}"),
    ),
    "operator": Grants(
        reads=BUCKETS,
        writes=("rooms.*",),
        posts=("audit",),
        asks=("steer.*",),
    ),
}
"""The hub is not in the table: it owns the bus."""


def inbox(name: str) -> str:
    """Give the prefix under which a program gets its answers: nobody else may listen there."""
    return f"_INBOX_{name}"


def written(grants: Grants, name: str) -> list[str]:
    """Give the subjects that are sent to without an answer being owed by another program: writes and events."""
    keys = [f"$KV.{each.format(name=name)}" for each in grants.writes]
    return keys + [f"vdx.{stream}.{name}" for stream in grants.posts]


def read(grants: Grants) -> list[str]:
    """Give the subjects on which buckets are asked for."""
    return [f"$JS.API.DIRECT.GET.KV_{bucket}" for bucket in grants.reads]


def told(grants: Grants) -> list[str]:
    """Give the subjects on which changes of buckets are told."""
    return [f"vdx.kv.{bucket}.>" for bucket in grants.reads]


def asked(grants: Grants) -> list[str]:
    """Give the subjects of questions to others."""
    return [f"vdx.ask.{each}" for each in grants.asks]


def answered(grants: Grants, name: str) -> list[str]:
    """Give the subjects of questions that the program answers."""
    return [f"vdx.ask.{each.format(name=name)}" for each in grants.answers]
