"""`gatewayctl --host EDGE system`: the machine of an appliance elsewhere, tended over its management API.

An appliance has no login. What its console does for who stands in front of it, this does for an admin: a look at all
of it, its versions, an update, the way back, a support bundle. Backups, which hold every secret, are the console's.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable
from typing import IO, Any

import msgspec

from gatewayd.ctl import remote, tending
from gatewayd.errors import VersionError
from gatewayd.system import place
from gatewayd.system.finding import Finding
from vdx.desks import MAX_UPDATE

MACHINE = "/machine"


class _Findings(msgspec.Struct):
    findings: tuple[Finding, ...]


class _Said(msgspec.Struct):
    said: tuple[str, ...]


def run(options: argparse.Namespace) -> int:
    """Carry out a verb elsewhere; raises `VdxError`."""
    verb = _VERBS.get(options.system)
    if verb is None:
        raise VersionError(f"`system {options.system}` is for the appliance itself: its console does it")
    return verb(options, remote.connection(options))


def _doctor(options: argparse.Namespace, edge: remote.Remote) -> int:
    return tending.show_findings(options, _read(edge.exchange("GET", f"{MACHINE}/doctor"), _Findings).findings)


def _versions(options: argparse.Namespace, edge: remote.Remote) -> int:
    tending.show_versions(options, _read(edge.exchange("GET", MACHINE), dict[str, Any]))
    return 0


def _update(options: argparse.Namespace, edge: remote.Remote) -> int:
    with tending.opened(options.source) as stream:
        _say(edge.exchange("PUT", f"{MACHINE}/update", stream, _size(stream)))
    return _restart(options, edge) if options.reboot else 0


def _rollback(options: argparse.Namespace, edge: remote.Remote) -> int:
    _say(edge.exchange("POST", f"{MACHINE}/rollback"))
    return _restart(options, edge) if options.reboot else 0


def _restart(options: argparse.Namespace, edge: remote.Remote) -> int:
    asyncio.run(tending.drained(edge.ask, options.drain))
    _say(edge.exchange("POST", f"{MACHINE}/restart"))
    return 0


def _support(options: argparse.Namespace, edge: remote.Remote) -> int:
    place.put(options.file.absolute(), edge.exchange("GET", f"{MACHINE}/support-bundle"), 0o600)
    print(f"{options.file}: secrets were removed; read it before you send it")
    return 0


def _size(stream: IO[bytes]) -> int:
    """Give the octets of an update before the first is sent: the appliance judges that first."""
    told = getattr(stream, "length", None)  # of an answer over https
    size = told if isinstance(told, int) else os.fstat(stream.fileno()).st_size
    if not 0 < size <= MAX_UPDATE:
        raise VersionError(f"the update has {size} octets, or its server does not say: fetch it to a file first")
    return size


def _say(answer: bytes) -> None:
    for line in _read(answer, _Said).said:
        print(line)


def _read(answer: bytes, kind: Any) -> Any:  # noqa: ANN401 - of the kind
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise VersionError(f"the answer is none of a management API: {error}") from error


_VERBS: dict[str, Callable[[argparse.Namespace, remote.Remote], int]] = {
    "doctor": _doctor,
    "versions": _versions,
    "update": _update,
    "rollback": _rollback,
    "restart": _restart,
    "support-bundle": _support,
}
