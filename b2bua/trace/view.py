"""A trace put into words for people and into the messages of `vdx.trace`. Pure; only what is asked for is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from b2bua import sdp, sip
from b2bua.sip import Flow, Request, Target
from b2bua.trace.entry import Entry, Event, Message
from vdx.pinhole import Change, Learned, Lease, Leased, Local, Release, Revoked, SetRemote
from vdx.trace import Place, TraceEntry

OurPlace = Callable[[Target], Place]
"""Gives the address and port that messages to a target leave from."""

MAX_TITLE = 120
"""Characters of a start line that are shown: a line of a terminal."""

_SHOWN = ("Reason", "Warning", "Retry-After", "Session-Expires", "RSeq", "RAck", "Require", "Refer-To", "Expires")
"""Header fields that explain what a message did; others are in the message itself."""


class Lens(NamedTuple):
    """How a trace is read: `epoch` is added to its times, in seconds, to give those since 1970."""

    epoch: float
    ours: OurPlace


def entries(call: str, found: Iterable[Entry], lens: Lens) -> Iterator[TraceEntry]:
    """Put entries into words."""
    seen: set[tuple[bool, bytes]] = set()
    for entry in found:
        if not isinstance(entry, Message):
            yield TraceEntry(entry.number, entry.at + lens.epoch, call, event(entry.event))
            continue
        title, marks = message(entry.data)
        if (entry.inward, entry.data) in seen:
            marks = ("again",)
        seen.add((entry.inward, entry.data))
        path = entry.path
        ours = path.local if isinstance(path, Flow) else lens.ours(path)
        theirs = path.remote if isinstance(path, Flow) else (path.host, path.port)
        yield TraceEntry(
            entry.number,
            entry.at + lens.epoch,
            call,
            title,
            marks,
            entry.leg,
            entry.inward,
            path.transport,
            path.zone,
            ours,
            theirs,
            entry.data,
        )


def message(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Say what a message is, and what is worth seeing in it."""
    try:
        found = sip.parse(data)
    except sip.SipError as error:
        return _printable(data.partition(b"\r\n")[0].decode("utf-8", "replace")), (f"unusable: {error}",)
    if isinstance(found, Request):
        title = f"{found.method} {found.uri}"
    else:
        title = f"{found.status} {found.reason} ({found.get('cseq').rpartition(' ')[2]})"
    marks = [f"{name}: {value}" for name in _SHOWN for value in found.all(name)]
    return _printable(title), tuple(_printable(mark) for mark in (*marks, *_media(found.session)))


def _media(body: bytes) -> Iterator[str]:
    if not body:
        return
    try:
        description = sdp.parse(body)
    except sdp.SdpError as error:
        yield f"SDP unusable: {error}"
        return
    for media in description.media:
        codec = sdp.codec(media) if media.port else "refused"
        lines = sdp.attribute_values(media.lines)
        direction = next((name for name in ("sendonly", "recvonly", "inactive") if name in lines), "")
        yield " ".join(word for word in (media.kind, str(media.port), media.proto, codec, direction) if word)


def event(what: Event) -> str:
    """Say what happened beside the messages."""
    match what:
        case Lease(streams=streams):
            return f"pinholes asked for: {', '.join(f'{one.lease} {one.kind}' for one in streams)}"
        case Leased(streams=streams):
            ends = (f"{one.lease} a={_local(one.a)} b={_local(one.b)}" for one in streams)
            return f"pinholes open: {', '.join(ends)}"
        case SetRemote(changes=changes):
            return f"SDP says: {', '.join(map(_change, changes))}"
        case Learned(lease, side, remote):
            return f"learned: {lease} {side} is at {_at(remote.address, remote.port)}"
        case Release(leases=leases):
            return f"pinholes closed: {', '.join(leases)}"
        case Revoked(leases, reason):
            return f"pinholes revoked ({reason}): {', '.join(leases)}"
        case str(sentence):
            return sentence


def _local(local: Local) -> str:
    return _at(local.address, local.port)


def _change(change: Change) -> str:
    where = _at(change.remote.address, change.remote.port) if change.remote else "nowhere yet"
    return f"{change.lease} {change.side} is at {where}"


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _printable(text: str) -> str:
    """Cut foreign text short and leave out what would steer a terminal."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:MAX_TITLE])
    return shown if len(text) <= MAX_TITLE else shown + "..."
