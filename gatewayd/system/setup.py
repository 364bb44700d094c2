"""First boot: the setup of this appliance, from a disk, a credential or the console.

A disk whose file system is labelled ``VDX-SETUP`` (or ``cidata``, as cloud-init's NoCloud has it) holds `setup.yaml`
(there `user-data`) and the files it names. The credential ``vdx.setup`` of a virtual machine holds `setup.yaml` alone.
What is wrong is told on the console with file, line and reason, and the setup is looked for again until it is right.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from gatewayd import owners
from gatewayd.system import cards, machine, paths, place
from gatewayd.system.errors import DiskError, SetupError
from gatewayd.web import credentials
from vdx import service, site
from vdx.errors import VdxError
from vdx.site.block import Model
from vdx.site.model import Site
from vdx.site.source import Fault, SiteError, read, validated
from vdx.site.values import InterfaceName, Word

LABELS = {"VDX-SETUP": "setup.yaml", "vdx-setup": "setup.yaml", "cidata": "user-data", "CIDATA": "user-data"}
"""File systems that are looked at, and the file on each."""

CREDENTIAL = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials/@system")) / "vdx.setup"
MAX_SETUP = 1 << 20
"""Octets of setup.yaml: a site file of the usual size inside it takes some 20 kB."""

TOKEN_DAYS = 825.0
"""How long the first tokens last: as long as the certificate beside it (ansible/playbooks/secrets.yml)."""

MAX_FILE = 16 << 20
MAX_FILES = 64
STACK = 2
"""Interfaces above a card: a VLAN on a bond. More, or a circle, leads to no card."""

LOOK_SECONDS = 3.0
"""Between two looks for a disk that somebody plugs in."""


def _sixty(value: object) -> object:
    """Give back an address of decimal digits alone, which YAML 1.1 takes for a number to the base of sixty."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 60**6:
        return value
    return ":".join(f"{value // 60**power % 60:02d}" for power in range(5, -1, -1))


Mac = Annotated[
    str,
    BeforeValidator(_sixty),
    StringConstraints(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$", to_lower=True),
]
TokenText = Annotated[str, StringConstraints(pattern=f"^{credentials.TOKEN.pattern}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]

log = logging.getLogger("vdx-setup")


class MachineName(Model):
    """Which machine a setup is for: what its firmware says (`serial`), or a card that it has."""

    serial: str | None = None
    card: Mac | None = None


class Setup(Model):
    """What a new appliance is told."""

    machine: MachineName = MachineName()
    cards: Annotated[dict[InterfaceName, Mac], Field(max_length=32)] = Field(default_factory=dict)
    site: str = Field(min_length=1)
    certificate: str | None = None
    key: str | None = None
    tokens: Annotated[dict[Word, TokenText], Field(max_length=MAX_FILES)] = Field(default_factory=dict)
    credentials: Annotated[dict[FileName, str], Field(max_length=MAX_FILES)] = Field(default_factory=dict)
    files: Annotated[tuple[FileName, ...], Field(max_length=MAX_FILES)] = ()


def parse(text: bytes, name: str) -> Setup:
    """Read a setup; raises `SiteError` with file, line and reason of every fault."""
    if len(text) > MAX_SETUP:
        raise SiteError(name, [Fault(1, "", f"longer than {MAX_SETUP >> 20} MiB: is this a setup?")])
    return validated(Setup, read(text, name), name)


def check_machine(wanted: MachineName, serial: str, here: Mapping[str, str]) -> None:
    """Refuse the setup of another machine; `here` are its cards by hardware address. Raises `SetupError`."""
    if wanted.serial is not None and wanted.serial != serial:
        raise SetupError(f"this setup is for the machine {wanted.serial!r}, and this one is {serial!r}")
    if wanted.card is not None and wanted.card not in here:
        raise SetupError(f"this setup is for the machine with the card {wanted.card}, and this one has none such")


def check_cards(wanted: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse names for cards that are not there; raises `SetupError`."""
    for name, mac in wanted.items():
        if mac not in here:
            listed = ", ".join(sorted(here)) or "none"
            raise SetupError(f"cards: {name}: no card has the address {mac}; this machine has {listed}")
        if name in set(here.values()) - {here[mac]}:
            raise SetupError(f"cards: {name} is another card's name now: choose names that no card has, such as sdn0")
    if len(set(wanted.values())) != len(wanted):
        raise SetupError("cards: two names for the same card: each name needs a card of its own")


def check_zones(told: Site, wanted: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse a site that needs more cards than there are; raises `SetupError`."""
    given = {mac: name for name, mac in wanted.items()}
    names = {given.get(mac, name) for mac, name in here.items()}
    for zone, settings in told.zones.items():
        for card in _cards_below(told, settings.interface):
            if card not in names:
                listed = ", ".join(sorted(names)) or "none"
                raise SetupError(
                    f"site file: zones.{zone}.interface: no network card is called {card}; this machine has"
                    f" {len(names)}: {listed}. Name its cards under `cards`, or have zones share one by VLANs"
                )


def check_people(told: Site, wanted: Mapping[str, str]) -> None:
    """Refuse tokens of people whom the site does not know; raises `SetupError`."""
    for name in wanted:
        if name not in told.management.people:
            listed = ", ".join(told.management.people) or "none"
            raise SetupError(
                f"tokens: {name!r} is nobody of `management.people` of the site file; it has {listed}: write him there"
            )


def _cards_below(told: Site, interface: str, stack: int = STACK) -> Iterator[str]:
    """Give the cards that an interface of a site stands on."""
    settings = told.interfaces.get(interface) if stack else None
    below = () if settings is None else (settings.parent,) if settings.parent else settings.members
    if not below:
        yield interface
    for each in below:
        yield from _cards_below(told, each, stack - 1)


def carry_out(setup: Setup, source: Path | None, name: str, here: Mapping[str, str]) -> None:
    """Check everything, then put it in place; the site file comes last, and with it the appliance is set up.

    `source` is the directory that the setup was read from, `here` as of `check_machine`. Raises `VdxError`; then
    nothing has changed.
    """
    with tempfile.TemporaryDirectory(dir="/run") as made:
        ready = Path(made)
        for each in setup.files:
            (ready / each).write_bytes(_file(source, each, name))
        text = setup.site.encode() if "\n" in setup.site else _file(source, setup.site, name)
        (ready / "site.yaml").write_bytes(text)
        loaded = site.load(ready / "site.yaml")
        check_zones(loaded.site, setup.cards, here)
        check_people(loaded.site, setup.tokens)
        pair = _pair(setup, source, name)
        for interface, mac in setup.cards.items():
            place.put(paths.NETWORK / f"10-{interface}.link", cards.link(interface, mac))
        for label, value in setup.credentials.items():
            place.put(paths.CREDENTIALS / "b2bua" / label, value.encode(), 0o600)
        for label, content in pair.items():
            place.put(paths.CREDENTIALS / "mgmt" / label, content, 0o600)
        if setup.tokens:
            known = credentials.fresh()
            for who, token in setup.tokens.items():
                known = credentials.admitted(known, token, who, "admin", TOKEN_DAYS)  # worth what its owner is
            readers = owners.number(credentials.GROUP) or 0
            place.put(paths.SITE / "web" / "credentials.json", credentials.text_of(known), 0o640, readers)
        group = owners.number("b2bua") or 0
        for each in setup.files:
            listed = each in loaded.lists
            place.put(
                paths.SITE / each, (ready / each).read_bytes(), 0o644 if listed else 0o640, 0 if listed else group
            )
        place.put(paths.SITE / "site.yaml", text)


def _file(source: Path | None, named: str, name: str) -> bytes:
    if source is None or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", named):
        raise SetupError(
            f"{name}: {named[:64]!r} is no file beside it: put it on the same disk, or write it into the setup"
        )
    try:
        with (source / named).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise SetupError(f"{name}: {named} cannot be read from the disk: {error.strerror}") from error
    if len(content) > MAX_FILE:
        raise SetupError(f"{name}: {named} is larger than {MAX_FILE >> 20} MiB")
    return content


def _pair(setup: Setup, source: Path | None, name: str) -> dict[str, bytes]:
    if (setup.certificate is None) != (setup.key is None):
        raise SetupError(f"{name}: `certificate` and `key` of the management page belong together: give both or none")
    if setup.certificate is None or setup.key is None:
        return {}
    given = {"certificate.pem": setup.certificate, "key.pem": setup.key}
    return {
        label: text.encode() if "-----BEGIN" in text else _file(source, text, name) for label, text in given.items()
    }


@contextmanager
def disks() -> Iterator[list[tuple[Path, str]]]:
    """Mount file systems that may hold a setup, read-only; gives directory and file of each."""
    place_ = Path("/run/vdx-setup")
    mounted: list[tuple[Path, str]] = []
    try:
        for label, file in LABELS.items():
            device = Path("/dev/disk/by-label") / label
            if not device.exists():
                continue
            where = place_ / label
            where.mkdir(parents=True, exist_ok=True)
            try:
                machine.run("mount", "-o", "ro,nosuid,nodev,noexec", str(device), str(where))
            except DiskError as error:
                say(f"the disk labelled {label} cannot be read: {error}")
                continue
            mounted.append((where, file))
        yield mounted
    finally:
        for where, _ in mounted:
            machine.run("umount", str(where))


def say(sentence: str) -> None:
    """Tell whoever sits at a console, once; the menu shows it as well."""
    paths.START.mkdir(exist_ok=True)
    path = paths.START / "setup"
    if path.exists() and path.read_text() == sentence:
        return
    place.put(path, sentence.encode())
    log.warning("setup.waits: %s", sentence)
    with Path("/dev/console").open("w") as console:
        console.write(f"\r\nsetup: {sentence}\r\n".replace("\n", "\r\n"))


def attempt() -> bool:
    """Look for a setup once and carry it out; tells whether there was one. Raises `VdxError` where it is at fault."""
    if (paths.SITE / "site.yaml").exists():  # by hand, at the console
        return True
    if CREDENTIAL.exists():
        return _take(CREDENTIAL.read_bytes(), None, "credential vdx.setup")
    with disks() as found:
        for where, name in found:
            if (where / name).is_file():
                return _take(_file(where, name, where.name), where, name)
    say("this appliance is new: plug in a disk labelled VDX-SETUP with setup.yaml, or choose an entry of the menu")
    return False


def _take(text: bytes, source: Path | None, name: str) -> bool:
    setup = parse(text, name)
    here = cards.cards()
    serial = Path("/sys/class/dmi/id/product_serial")
    check_machine(setup.machine, serial.read_text().strip() if serial.exists() else "", here)
    check_cards(setup.cards, here)
    carry_out(setup, source, name, here)
    if setup.cards:
        machine.run("systemctl", "start", "vdx-cards.service")
    return True


def main() -> int:
    """Wait until this appliance is set up, then start the gateway."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    service.tell("READY=1")
    while True:
        service.tell("WATCHDOG=1")
        try:
            if attempt():
                break
        except VdxError as error:
            say(f"{error}\nnothing has changed; mend it and plug the disk in again")
        time.sleep(LOOK_SECONDS)
    say("done: the gateway starts")
    machine.run("systemctl", "start", "--no-block", "vdx.target")
    return 0


if __name__ == "__main__":
    sys.exit(main())
