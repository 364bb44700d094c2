"""The menu on the serial and VGA console: what somebody in front of the machine needs, and no shell.

Whoever sits here can pull the plug as well, so nothing asks for a password; what loses calls or data asks twice.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gatewayd.system import cards, health, installer, machine, paths, place
from gatewayd.system.errors import ApplianceError, DiskError, SetupError
from gatewayd.system.words import Language, say
from vdx.errors import VdxError

LANGUAGE = paths.HOME / "language"
MAX_LINE = 200
"""Characters somebody types at once."""

COMMAND = "/usr/lib/vdx/bin/gatewayctl"
WEB = "/usr/lib/vdx/bin/gatewayd-web"


@dataclass(frozen=True, slots=True)
class Menu:
    """The menu over two streams: what is typed, and what is shown."""

    read: Callable[[], str]
    show: Callable[[str], None]
    run: Callable[..., int]

    @property
    def language(self) -> Language:
        """The language that was chosen last."""
        with suppress(OSError):
            if LANGUAGE.read_text() == "da":
                return "da"
        return "en"

    def turn(self) -> None:
        """Show the menu, carry out one choice; raises EOFError where the terminal hung up."""
        lang = self.language
        self.show("\n" + "\n".join(self.state(lang)) + "\n\n")
        for number, (word, _) in enumerate(CHOICES, 1):
            self.show(f"  {number}  {say(lang, word)}\n")
        self.show(f"\n{say(lang, 'choose')}: ")
        typed = self.read()
        if not typed:
            return
        if not typed.isdecimal() or not 1 <= int(typed) <= len(CHOICES):
            self.show(f"{say(lang, 'odd')}\n")
            return
        try:
            CHOICES[int(typed) - 1][1](self, lang)
        except (VdxError, OSError) as error:
            self.show(f"{error}\n{say(lang, 'stopped')}\n")

    def state(self, lang: Language) -> list[str]:
        """Say how this machine is."""
        told = machine.release()
        lines = [f"{say(lang, 'title')}, {say(lang, 'version')} {told.get('IMAGE_VERSION', '?')}"]
        if (paths.SITE / "site.yaml").exists():
            faults = health.faults()
            lines.append(f"  {say(lang, 'state')}: {'; '.join(faults) if faults else say(lang, 'serving')}")
        else:
            lines.append(f"  {say(lang, 'state')}: {say(lang, 'new')}")
            with suppress(OSError):
                lines.append("  " + (paths.START / "setup").read_text().replace("\n", "\n  "))
        with suppress(OSError):
            lines.append("  " + (paths.START / "data-broken").read_text().strip())
        for name, addresses in _addresses().items():
            lines.append(f"  {name:10} {', '.join(addresses) or say(lang, 'none')}")
        return lines

    def ask(self, sentence: str) -> str:
        """Ask for a line."""
        self.show(f"{sentence}: ")
        return self.read()

    def sure(self, lang: Language, warning: str) -> bool:
        """Ask twice."""
        self.show(f"{say(lang, warning)}\n")
        if self.ask(say(lang, "sure")) == say(lang, "yes"):
            return True
        self.show(f"{say(lang, 'stopped')}\n")
        return False


def _doctor(menu: Menu, _: Language) -> None:
    menu.run(COMMAND, "system", "doctor")


def _address(menu: Menu, lang: Language) -> None:
    from gatewayd.system import byhand, selfsigned  # noqa: PLC0415 - models of a site take seconds; the menu comes first

    names = sorted(cards.cards().values())
    interface = menu.ask(f"{say(lang, 'interface')} ({', '.join(names)})")
    if interface not in names:
        raise SetupError(f"{interface!r}: {say(lang, 'odd')}")
    address, router = menu.ask(say(lang, "own")), menu.ask(say(lang, "router"))
    path = paths.SITE / "site.yaml"
    text = byhand.changed(path.read_bytes() if path.exists() else None, interface, address, router)
    if path.exists():
        place.put(path.with_name("site.yaml.before"), path.read_bytes())
    certificate = paths.CREDENTIALS / "mgmt" / "certificate.pem"
    if not certificate.exists():
        made = selfsigned.make(byhand.NAME, address.partition("/")[0])
        place.put(certificate.with_name("key.pem"), made.key, 0o600)
        place.put(certificate, made.certificate, 0o600)
        menu.show(f"{say(lang, 'fingerprint')}:\n  {made.fingerprint}\n")
    place.put(path, text)
    machine.run("systemctl", "restart", "vdx-settle.service")
    machine.run("systemctl", "start", "--no-block", "vdx.target")
    machine.run("systemctl", "reload-or-restart", "--no-block", "gatewayd.service")
    menu.show(f"{say(lang, 'done')}\n")


def _token(menu: Menu, lang: Language) -> None:
    from gatewayd.system import byhand  # noqa: PLC0415 - as above
    from vdx import site  # noqa: PLC0415 - as above

    active = paths.STATE / "active.yaml"
    names = byhand.admins(site.load(active if active.exists() else paths.SITE / "site.yaml").site)
    if not names:
        raise SetupError(say(lang, "no admin"))
    name = names[0] if len(names) == 1 else menu.ask(f"{say(lang, 'person')} ({', '.join(names)})")
    if name not in names:
        raise SetupError(f"{name!r}: {say(lang, 'odd')}")
    menu.show(f"{name}: {say(lang, 'once')}\n")
    menu.run(WEB, "token", name)


def _update(menu: Menu, lang: Language) -> None:
    with _disk("VDX-UPDATE", lang, "ro") as where:
        found = sorted(where.glob("*.update"))
        if not found:
            raise ApplianceError(f"VDX-UPDATE: {say(lang, 'no update')}")
        done = menu.run(COMMAND, "system", "update", str(found[-1])) == 0
    if done and menu.sure(lang, "calls"):
        machine.run("systemctl", "reboot")


def _rollback(menu: Menu, lang: Language) -> None:
    if menu.sure(lang, "calls") and menu.run(COMMAND, "system", "rollback") == 0:
        machine.run("systemctl", "reboot")


def _support(menu: Menu, lang: Language) -> None:
    with _disk("VDX-SUPPORT", lang, "rw") as where:
        menu.run(COMMAND, "system", "support-bundle", str(where / f"support-{time.strftime('%Y%m%d-%H%M%S')}.tar.gz"))


def _restart(menu: Menu, lang: Language) -> None:
    if menu.sure(lang, "calls"):
        machine.run("systemctl", "reboot")


def _off(menu: Menu, lang: Language) -> None:
    if menu.sure(lang, "calls"):
        machine.run("systemctl", "poweroff")


def _reset(menu: Menu, lang: Language) -> None:
    if menu.sure(lang, "lost") and menu.run(COMMAND, "system", "factory-reset", "--yes") == 0:
        machine.run("systemctl", "reboot")


def _install(menu: Menu, lang: Language) -> None:
    version = machine.running()
    running = machine.Disk.found(version)
    found = {each.name: each for each in installer.targets(running)}
    if not found:
        raise ApplianceError(say(lang, "no target"))
    menu.show("".join(f"  {each}\n" for each in found.values()))
    name = menu.ask(say(lang, "target"))
    if name not in found:
        raise ApplianceError(f"{name!r}: {say(lang, 'odd')}")
    if menu.sure(lang, "wiped"):
        try:
            for line in installer.install(running, version, found[name]):
                menu.show(f"{line}\n")
        except DiskError as error:  # that disk is not as it was, so nothing is said about changes
            menu.show(f"{error}\n")


def _language(_: Menu, lang: Language) -> None:
    place.put(LANGUAGE, b"en" if lang == "da" else b"da")


CHOICES: tuple[tuple[str, Callable[[Menu, Language], None]], ...] = (
    ("doctor", _doctor),
    ("address", _address),
    ("update", _update),
    ("rollback", _rollback),
    ("support", _support),
    ("restart", _restart),
    ("off", _off),
    ("reset", _reset),
    ("install", _install),
    ("token", _token),
    ("language", _language),
)


@contextmanager
def _disk(label: str, lang: Language, mode: str) -> Iterator[Path]:
    device = Path("/dev/disk/by-label") / label
    if not device.exists():
        raise ApplianceError(f"{say(lang, 'no disk')} {label}")
    where = Path("/run/vdx-disk")
    where.mkdir(exist_ok=True)
    machine.run("mount", "-o", f"{mode},nosuid,nodev,noexec", str(device), str(where))
    try:
        yield where
    finally:
        machine.run("umount", str(where))


def _addresses() -> dict[str, list[str]]:
    """Give the addresses of each card."""
    found: dict[str, list[str]] = {}
    for line in machine.run("ip", "-brief", "address").splitlines():
        name, state, *addresses = line.split()
        if name != "lo":
            found[name.split("@")[0]] = [*addresses, *(["(no link)"] if state == "DOWN" else [])]
    return found


def _read() -> str:
    line = sys.stdin.readline(MAX_LINE)
    if not line:
        raise EOFError
    return line.strip()


def _show(text: str) -> None:
    sys.stdout.write("".join(char if char.isprintable() or char == "\n" else "?" for char in text))
    sys.stdout.flush()


def _run(*command: str) -> int:
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own program, no shell


def main() -> int:
    """Serve the terminal until it hangs up; systemd starts it anew."""
    menu = Menu(_read, _show, _run)
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            menu.turn()
    return 0


if __name__ == "__main__":
    sys.exit(main())
