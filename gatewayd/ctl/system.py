"""`gatewayctl system`: the machine itself. These verbs act here, as root, and ask `gatewayd` only to drain.

With `--host` they are asked of an appliance elsewhere (`far`).
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatewayd.ctl import far, tending
from gatewayd.ctl.ask import ask_once
from gatewayd.system import backup, doctor, installer, machine, paths, place, support, update
from gatewayd.system.errors import ApplianceError, BackupError, DiskError
from gatewayd.system.release import Release, keys

DRAIN_SECONDS = 1800.0
"""That calls get to end before an update's restart ends them."""


def add(verbs: Any) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb and its own verbs."""
    system = verbs.add_parser("system", help="this machine: update, rollback, backup, restore, support-bundle, doctor")
    own = system.add_subparsers(dest="system", required=True, metavar="VERB")
    new = own.add_parser("update", help="put a new version into the free slot")
    new.add_argument("source", metavar="FILE|URL")
    new.add_argument("--reboot", action="store_true", help="drain, then start it at once")
    new.add_argument("--drain", type=float, default=DRAIN_SECONDS, metavar="SECONDS", help="that calls get to end")
    back = own.add_parser("rollback", help="start the version before this one from now on")
    back.add_argument("--reboot", action="store_true", help="drain, then start it at once")
    back.add_argument("--drain", type=float, default=DRAIN_SECONDS, metavar="SECONDS", help="that calls get to end")
    own.add_parser("versions", help="what is in the slots, and which version runs")
    kept = own.add_parser("backup", help="write everything this appliance was told, encrypted, to a file")
    kept.add_argument("file", type=Path)
    brought = own.add_parser("restore", help="take a backup over with the next start")
    brought.add_argument("file", type=Path)
    for verb in (kept, brought):
        verb.add_argument("--passphrase-file", type=Path, metavar="FILE", help="its first line (default: asked for)")
    bundle = own.add_parser("support-bundle", help="what helps others to see what is wrong, without secrets")
    bundle.add_argument("file", type=Path)
    other = own.add_parser("install", help="put this version on another disk of this machine; without DISK: list them")
    other.add_argument("disk", nargs="?", metavar="DISK")
    other.add_argument("--yes", action="store_true", help="everything on that disk is lost")
    anew = own.add_parser("restart", help="drain, then start this machine anew")
    anew.add_argument("--drain", type=float, default=DRAIN_SECONDS, metavar="SECONDS", help="that calls get to end")
    own.add_parser("doctor", help="look at the whole machine, with advice")
    own.add_parser("factory-reset", help="forget everything with the next start").add_argument(
        "--yes",
        action="store_true",
        required=True,
        help="everything this appliance was told, and its records, are lost",
    )


def run(options: argparse.Namespace) -> int:
    """Carry out one of them; raises `VdxError`."""
    if options.host:
        return far.run(options)
    if os.geteuid() != 0:
        raise ApplianceError("only root may change the machine: use sudo, `--host`, or the console's menu")
    return _VERBS[options.system](options)


def _update(options: argparse.Namespace) -> int:
    running = machine.running()
    disk = machine.Disk.found(running)
    with tending.opened(options.source) as stream:
        release = Release(stream, keys(paths.KEYS.read_bytes()))
        update.check(release, running, machine.release().get("VARIANT_ID", ""))
        for line in update.install(release, disk, running):
            print(line, flush=True)
    if options.reboot:
        _restart(options)
    return 0


def _rollback(options: argparse.Namespace) -> int:
    running = machine.running()
    disk = machine.Disk.found(running)
    with disk.boot() as boot:
        back = update.rollback(disk, boot, running)
    print(f"version {back} starts with the next boot")
    if options.reboot:
        _restart(options)
    return 0


def _versions(options: argparse.Namespace) -> int:
    running = machine.running()
    tending.show_versions(options, update.versions(machine.Disk.found(running), running))
    return 0


def _backup(options: argparse.Namespace) -> int:
    place.put(options.file.absolute(), backup.make(_passphrase(options)), 0o600)
    print(f"{options.file}: keep it and its passphrase in different places")
    return 0


def _restore(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as file:
            content = file.read(backup.MAX_BACKUP + 2048)
    except OSError as error:
        raise BackupError(f"{options.file} cannot be read: {error.strerror}") from error
    backup.restore(content, _passphrase(options))
    print("the next start takes it over: `systemctl reboot`, or the console's menu")
    return 0


def _support(options: argparse.Namespace) -> int:
    place.put(options.file.absolute(), support.bundle(), 0o600)
    print(f"{options.file}: secrets were removed; read it before you send it")
    return 0


def _install(options: argparse.Namespace) -> int:
    version = machine.running()
    running = machine.Disk.found(version)
    found = {each.name: each for each in installer.targets(running)}
    if options.disk is None:
        print("\n".join(str(each) for each in found.values()))
        return 0
    if options.disk not in found:
        raise DiskError(
            f"there is no disk {options.disk} beside the one that runs: this machine has {', '.join(found) or 'none'}"
        )
    if not options.yes:
        raise DiskError(f"everything on {found[options.disk]} would be lost: say --yes if that is meant")
    for line in installer.install(running, version, found[options.disk]):
        print(line, flush=True)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    return tending.show_findings(options, doctor.examine(run_dir=options.run_dir))


def _reset(_: argparse.Namespace) -> int:
    place.put(paths.RESET, b"")
    print("the next start forgets everything")
    return 0


def _passphrase(options: argparse.Namespace) -> str:
    if options.passphrase_file is not None:
        try:
            lines: list[str] = options.passphrase_file.read_text().splitlines()
        except OSError as error:
            raise BackupError(f"{options.passphrase_file} cannot be read: {error.strerror}") from error
        return lines[0] if lines else ""
    return getpass.getpass("passphrase: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _restart(options: argparse.Namespace) -> int:
    asyncio.run(tending.drained(lambda request: ask_once(options.run_dir, request), options.drain))
    machine.run("systemctl", "reboot")
    return 0


_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "update": _update,
    "rollback": _rollback,
    "versions": _versions,
    "backup": _backup,
    "restore": _restore,
    "support-bundle": _support,
    "install": _install,
    "restart": _restart,
    "doctor": _doctor,
    "factory-reset": _reset,
}
