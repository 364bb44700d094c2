"""The server's configuration, written from what stands on the bus and who is there; pure.

JSON, which nats-server reads as it is: no text is put together here that could be read otherwise.
"""

from __future__ import annotations

import json
from typing import Annotated

from msgspec import Meta, Struct

from vdx.bus.errors import BusError
from vdx.bus.grants import GRANTS, Grants, Role, answered, asked, inbox, read, told, written
from vdx.bus.limits import MAX_RECORD

OWNER = "VDX"
"""The account that holds every bucket and stream."""

HEADROOM = 16 * 1024
"""Bytes beside a record in one message: header fields, and the answers of the server's own interface."""

CONNECTIONS = 1024
"""Programs at once: a country has fewer."""

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,63}$")]


class Program(Struct, frozen=True, forbid_unknown_fields=True):
    """One who may connect."""

    name: Name
    role: Role
    password: Annotated[str, Meta(min_length=16)]


class Certificates(Struct, frozen=True, forbid_unknown_fields=True):
    """PEM files of the server: its certificate and key, and the CA that vouches for the other servers."""

    certificate: str
    key: str
    trust: str


class Cluster(Struct, frozen=True, forbid_unknown_fields=True):
    """Several servers as one: where this one hears the others, and where they are (``tls://host:6222``)."""

    name: Name
    listen: str
    routes: tuple[str, ...]


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """One server: listens at host:port, keeps what it holds below `store`."""

    name: Name
    listen: str
    store: str
    programs: tuple[Program, ...]
    tls: Certificates | None = None
    cluster: Cluster | None = None
    pid_file: str = ""
    ports_folder: str = ""
    """Where the server writes which ports it got: for tests, that let it choose."""


def configuration(server: Server) -> str:
    """Write the configuration file; it holds passwords. Raises `BusError` for names that are there twice."""
    names = [program.name for program in server.programs]
    if doubled := sorted({name for name in names if names.count(name) > 1} | ({OWNER} & set(names))):
        raise BusError(f"programs of the bus need names of their own: {', '.join(doubled)} is taken")
    said: dict[str, object] = {
        "server_name": server.name,
        "listen": server.listen,
        "max_payload": MAX_RECORD + HEADROOM,
        "max_connections": CONNECTIONS,
        "jetstream": {"store_dir": server.store, "sync_interval": "always"},  # what is acknowledged survives power cuts
        "accounts": _accounts(server.programs),
    }
    if server.tls is not None:
        said["tls"] = _tls(server.tls)
    if server.cluster is not None:
        said["cluster"] = {
            "name": server.cluster.name,
            "listen": server.cluster.listen,
            "routes": list(server.cluster.routes),
        } | ({"tls": _tls(server.tls) | {"ca_file": server.tls.trust, "verify": True}} if server.tls else {})
    if server.pid_file:
        said["pid_file"] = server.pid_file
    if server.ports_folder:
        said["ports_file_dir"] = server.ports_folder
    return json.dumps(said, indent=1) + "\n"


def _tls(files: Certificates) -> dict[str, object]:
    return {"cert_file": files.certificate, "key_file": files.key, "min_version": "1.2"}


def _accounts(programs: tuple[Program, ...]) -> dict[str, object]:
    """One account for what there is and its owner, one for each other program."""
    owners = [program for program in programs if program.role == "hub"]
    others = [(program, GRANTS[program.role]) for program in programs if program.role != "hub"]
    takers: dict[tuple[str, str], list[str]] = {}  # [kind of export, subject]: accounts
    imports: list[object] = []
    for program, grants in others:
        for kind, subject in _reached(grants, program.name):
            takers.setdefault((kind, subject), []).append(program.name)
        subjects = answered(grants, program.name)
        imports += [{"service": {"account": program.name, "subject": subject}} for subject in subjects]
    accounts: dict[str, object] = {
        OWNER: {
            "jetstream": "enabled",
            "users": [{"user": each.name, "password": each.password} for each in owners],
            "exports": [_export(kind, subject, names) for (kind, subject), names in sorted(takers.items())],
            "imports": imports,
        }
    }
    for program, grants in others:
        accounts[program.name] = _account(program, grants)
    return accounts


def _reached(grants: Grants, name: str) -> list[tuple[str, str]]:
    """Give what of the owner's account a program reaches: subjects it sends to, and subjects it hears."""
    services = read(grants) + written(grants, name) + asked(grants)
    return [("service", subject) for subject in services] + [("stream", subject) for subject in told(grants)]


def _export(kind: str, subject: str, names: list[str]) -> dict[str, object]:
    export: dict[str, object] = {kind: subject, "accounts": sorted(names)}
    if subject.startswith("$JS.API.DIRECT.GET."):
        export["response_type"] = "stream"  # a walk has many answers
    return export


def _account(program: Program, grants: Grants) -> dict[str, object]:
    reached = _reached(grants, program.name)
    answers = answered(grants, program.name)
    sends = [subject for kind, subject in reached if kind == "service"]
    permissions: dict[str, object] = {
        "publish": {"allow": sends or [""]},
        "subscribe": {"allow": [f"{inbox(program.name)}.>", *told(grants), *answers]},
    }
    if answers:
        permissions["allow_responses"] = True
    return {
        "users": [{"user": program.name, "password": program.password, "permissions": permissions}],
        "imports": [{kind: {"account": OWNER, "subject": subject}} for kind, subject in reached],
        "exports": [{"service": subject, "accounts": [OWNER]} for subject in answers],
    }
