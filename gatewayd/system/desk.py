"""Where the entries of the console's menu are carried out, as root: `look`, `tell` and `disk`.

Each desk is a unit of its own (`vdx-desk-NAME@.service`), started by a connection of the menu to its socket, and has
the rights that its own entries need. The connection is the terminal: the first line names entry and language, then it
carries what is shown and typed until the entry is done. `gatewayd-web` may connect too; for it there are the entries
of `far` and no others.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gatewayd.system import cards, far, machine, paths, place
from gatewayd.system.console import HIDDEN, MAX_LINE
from gatewayd.system.errors import ApplianceError, BackupError, DiskError, SetupError
from gatewayd.system.words import Language, say
from vdx import desks
from vdx.errors import VdxError

MENU = "vdx-console"
"""The user of the console's menu."""

BACKUPS = "VDX-BACKUP"
GZIP = b"\x1f\x8b"
"""How a support bundle begins (RFC 1952, 2.3.1)."""

BACKUP = b"vdx backup 1\n"
"""The first line of a backup (`backup.MAGIC`, which a desk without it need not load)."""

MAX_SAID = 4096
"""Octets of another desk's answer."""

COMMAND = "/usr/lib/vdx/bin/gatewayctl"
WEB = "/usr/lib/vdx/bin/gatewayd-web"


@dataclass(frozen=True, slots=True)
class Terminal:
    """Who sits at the console: what is typed, what is shown, and programs that show something themselves."""

    read: Callable[[], str]
    show: Callable[[str], None]
    run: Callable[..., int]
    lang: Language = "en"

    def say(self, word: str) -> str:
        """Give a word in the language of whoever sits there."""
        return say(self.lang, word)

    def ask(self, sentence: str) -> str:
        """Ask for a line."""
        self.show(f"{sentence}: ")
        return self.read()

    def secret(self, sentence: str) -> str:
        """Ask for a line that nobody sees."""
        return self.ask(f"{HIDDEN}{sentence}")

    def sure(self, warning: str) -> bool:
        """Ask twice."""
        self.show(f"{self.say(warning)}\n")
        if self.ask(self.say("sure")) == self.say("yes"):
            return True
        self.show(f"{self.say('stopped')}\n")
        return False


Entry = Callable[[Terminal], None]


def carry_out(entry: Entry, terminal: Terminal) -> None:
    """Carry out an entry; what is wrong is shown."""
    try:
        entry(terminal)
    except (VdxError, OSError) as error:
        terminal.show(f"{error}\n{terminal.say('stopped')}\n")


def _state(terminal: Terminal) -> None:
    """Say how this machine is."""
    from gatewayd.system import health  # noqa: PLC0415 - other desks need nothing of it

    told, known = machine.release(), {}
    lines = [f"{terminal.say('title')}, {terminal.say('version')} {told.get('IMAGE_VERSION', '?')}"]
    if (paths.SITE / "site.yaml").exists():
        faults = health.faults()
        lines.append(f"  {terminal.say('state')}: {'; '.join(faults) if faults else terminal.say('serving')}")
    else:
        lines.append(f"  {terminal.say('state')}: {terminal.say('new')}")
        known = {name: mac for mac, name in cards.cards().items()}  # what `cards` of a setup calls them by
        with suppress(OSError):
            lines.append("  " + (paths.START / "setup").read_text().replace("\n", "\n  "))
    with suppress(OSError):
        lines.append("  " + (paths.START / "data-broken").read_text().strip())
    for name, addresses in _addresses().items():
        lines.append(f"  {name:10} {', '.join([*filter(None, [known.get(name)]), *addresses]) or terminal.say('none')}")
    terminal.show("\n".join([*lines, ""]))


def _doctor(terminal: Terminal) -> None:
    terminal.run(COMMAND, "system", "doctor")


def _bundle(_: Terminal) -> None:
    from gatewayd.system import support  # noqa: PLC0415 - as above

    sys.stdout.buffer.write(support.bundle())


def _address(terminal: Terminal) -> None:
    from gatewayd.system import byhand, selfsigned  # noqa: PLC0415 - models of a site take seconds on a slow machine

    names = sorted(cards.cards().values())
    interface = terminal.ask(f"{terminal.say('interface')} ({', '.join(names)})")
    if interface not in names:
        raise SetupError(f"{interface!r}: {terminal.say('odd')}")
    address, router = terminal.ask(terminal.say("own")), terminal.ask(terminal.say("router"))
    path = paths.SITE / "site.yaml"
    text = byhand.changed(path.read_bytes() if path.exists() else None, interface, address, router)
    if path.exists():
        place.put(path.with_name("site.yaml.before"), path.read_bytes())
    certificate = paths.CREDENTIALS / "mgmt" / "certificate.pem"
    if not certificate.exists():
        made = selfsigned.make(byhand.NAME, address.partition("/")[0])
        place.put(certificate.with_name("key.pem"), made.key, 0o600)
        place.put(certificate, made.certificate, 0o600)
        terminal.show(f"{terminal.say('fingerprint')}:\n  {made.fingerprint}\n")
    place.put(path, text)
    machine.run("systemctl", "restart", "vdx-settle.service")
    machine.run("systemctl", "start", "--no-block", "vdx.target")
    machine.run("systemctl", "reload-or-restart", "--no-block", "gatewayd.service")
    terminal.show(f"{terminal.say('done')}\n")


def _token(terminal: Terminal) -> None:
    from gatewayd.system import byhand  # noqa: PLC0415 - as above
    from vdx import site  # noqa: PLC0415 - as above

    active = paths.STATE / "active.yaml"
    names = byhand.admins(site.load(active if active.exists() else paths.SITE / "site.yaml").site)
    if not names:
        raise SetupError(terminal.say("no admin"))
    name = names[0] if len(names) == 1 else terminal.ask(f"{terminal.say('person')} ({', '.join(names)})")
    if name not in names:
        raise SetupError(f"{name!r}: {terminal.say('odd')}")
    terminal.show(f"{name}: {terminal.say('once')}\n")
    terminal.run(WEB, "token", name)


def _sealed(terminal: Terminal) -> None:
    """Make a backup for the desk that has the disk, which sends the passphrase."""
    from gatewayd.system import backup  # noqa: PLC0415 - as above

    sys.stdout.buffer.write(backup.make(terminal.read()))


def _unsealed(terminal: Terminal) -> None:
    """Take a backup from the desk that has the disk, which sends the passphrase before it."""
    from gatewayd.system import backup  # noqa: PLC0415 - as above

    passphrase = terminal.read()
    backup.restore(sys.stdin.buffer.read(backup.MAX_BACKUP + 2048), passphrase)
    terminal.show(f"{terminal.say('taken over')}\n")


def _update(terminal: Terminal) -> None:
    with _disk("VDX-UPDATE", terminal, "ro") as where:
        found = sorted(where.glob("*.update"))
        if not found:
            raise ApplianceError(f"VDX-UPDATE: {terminal.say('no update')}")
        done = terminal.run(COMMAND, "system", "update", str(found[-1])) == 0
    if done:
        _restart(terminal)


def _rollback(terminal: Terminal) -> None:
    if terminal.sure("calls") and terminal.run(COMMAND, "system", "rollback") == 0:
        machine.run("systemctl", "reboot")


def _support(terminal: Terminal) -> None:
    with (
        _disk("VDX-SUPPORT", terminal, "rw") as where,
        _desk("look", f"{desks.BUNDLE} {terminal.lang}\n") as made,
    ):
        path = _kept(made, GZIP, where / f"support-{_now()}.tar.gz")
        terminal.show(f"{path.name}: {terminal.say('cleaned')}\n")


def _backup(terminal: Terminal) -> None:
    with _disk(BACKUPS, terminal, "rw") as where:
        passphrase = terminal.secret(terminal.say("passphrase"))
        if terminal.secret(terminal.say("again")) != passphrase:
            raise BackupError(terminal.say("unlike"))
        with _desk("tell", f"sealed {terminal.lang}\n{passphrase}\n") as made:
            path = _kept(made, BACKUP, where / f"vdx-{_now()}.backup")
        terminal.show(f"{path.name}: {terminal.say('apart')}\n")


def _restore(terminal: Terminal) -> None:
    with _disk(BACKUPS, terminal, "ro") as where:
        found = sorted(where.glob("*.backup"))
        if not found:
            raise BackupError(f"{BACKUPS}: {terminal.say('no backup')}")
        passphrase = terminal.secret(f"{found[-1].name}: {terminal.say('passphrase')}")
        if not terminal.sure("replaced"):
            return
        with found[-1].open("rb") as file, _desk("tell", f"unsealed {terminal.lang}\n{passphrase}\n", file) as answer:
            said = answer.read(MAX_SAID).decode(errors="replace")
    terminal.show(said)
    if said.startswith(terminal.say("taken over")):
        _restart(terminal)


def _restart(terminal: Terminal) -> None:
    if terminal.sure("calls"):
        machine.run("systemctl", "reboot")


def _off(terminal: Terminal) -> None:
    if terminal.sure("calls"):
        machine.run("systemctl", "poweroff")


def _reset(terminal: Terminal) -> None:
    if terminal.sure("lost") and terminal.run(COMMAND, "system", "factory-reset", "--yes") == 0:
        machine.run("systemctl", "reboot")


def _install(terminal: Terminal) -> None:
    from gatewayd.system import installer  # noqa: PLC0415 - as above

    version = machine.running()
    running = machine.Disk.found(version)
    found = {each.name: each for each in installer.targets(running)}
    if not found:
        raise ApplianceError(terminal.say("no target"))
    terminal.show("".join(f"  {each}\n" for each in found.values()))
    name = terminal.ask(terminal.say("target"))
    if name not in found:
        raise ApplianceError(f"{name!r}: {terminal.say('odd')}")
    if terminal.sure("wiped"):
        try:
            for line in installer.install(running, version, found[name]):
                terminal.show(f"{line}\n")
        except DiskError as error:  # that disk is not as it was, so nothing is said about changes
            terminal.show(f"{error}\n")


def _language(terminal: Terminal) -> None:
    place.put(paths.LANGUAGE, b"en" if terminal.lang == "da" else b"da")


DESKS: dict[str, dict[str, Entry]] = {
    "look": {"state": _state, "doctor": _doctor, desks.BUNDLE: _bundle},
    "tell": {
        "address": _address,
        "token": _token,
        "language": _language,
        "sealed": _sealed,
        "unsealed": _unsealed,
        "restart": _restart,
        "off": _off,
        "reset": _reset,
    },
    "disk": {
        "update": _update,
        "rollback": _rollback,
        "support": _support,
        "backup": _backup,
        "restore": _restore,
        "install": _install,
    },
}
"""The entries of each desk. `look` changes nothing, `tell` writes what the appliance is told, `disk` mounts disks."""


def _kept(made: IO[bytes], mark: bytes, path: Path) -> Path:
    """Write what another desk gives, which begins with `mark`, whole or not at all.

    Raises ApplianceError with its words where it says something else.
    """
    first = made.read(len(mark))
    if first != mark:
        raise ApplianceError((first + made.read(MAX_SAID)).decode(errors="replace").strip())
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(first)
        shutil.copyfileobj(made, file)
        file.flush()
        os.fsync(file.fileno())
    return part.rename(path)


@contextmanager
def _disk(label: str, terminal: Terminal, mode: str) -> Iterator[Path]:
    device = Path("/dev/disk/by-label") / label
    if not device.exists():
        raise ApplianceError(f"{terminal.say('no disk')} {label}")
    where = Path("/run/vdx-disk")
    where.mkdir(exist_ok=True)
    machine.run("mount", "-o", f"{mode},nosuid,nodev,noexec", str(device), str(where))
    try:
        yield where
    finally:
        machine.run("umount", str(where))


@contextmanager
def _desk(name: str, asking: str, sent: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """Ask another desk for what is not for this one to read or write; gives what it says."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(paths.DESKS / f"{name}.sock"))
        with suppress(BrokenPipeError, ConnectionResetError):  # it has said why
            asked.sendall(asking.encode())
            if sent is not None:
                asked.sendfile(sent)
            asked.shutdown(socket.SHUT_WR)
        with asked.makefile("rb") as made:
            yield made


def _now() -> str:
    return time.strftime("%Y%m%d-%H%M%S")


def _addresses() -> dict[str, list[str]]:
    """Give the addresses of each card."""
    found: dict[str, list[str]] = {}
    for line in machine.run("ip", "-brief", "address").splitlines():
        name, state, *addresses = line.split()
        if name != "lo":
            found[name.split("@")[0]] = [*addresses, *(["(no link)"] if state == "DOWN" else [])]
    return found


def _read() -> str:
    line = sys.stdin.buffer.readline(MAX_LINE)  # no further: what follows may be octets
    if not line:
        raise EOFError
    return line.decode(errors="replace").strip()


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _run(*command: str) -> int:
    return subprocess.run(command, check=False, stderr=subprocess.STDOUT).returncode  # noqa: S603 - our own, no shell


def _of_the_house() -> bool:
    """Tell whether another desk, as root, or the menu is at the other end of the connection."""
    with socket.socket(fileno=os.dup(0)) as connection:
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", told)
    with suppress(KeyError):
        return user in {0, pwd.getpwnam(MENU).pw_uid}
    return bool(user == 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one connection, which is standard input and output, at the desk that is named."""
    named = (sys.argv[1:] if arguments is None else arguments)[0]
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        name, _, lang = _read().partition(" ")
        if name in far.DESKS[named]:
            far.carry_out(far.DESKS[named][name], sys.stdin.buffer, sys.stdout.buffer)
        elif name in DESKS[named] and (name == desks.BUNDLE or _of_the_house()):
            carry_out(DESKS[named][name], Terminal(_read, _show, _run, "da" if lang == "da" else "en"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
