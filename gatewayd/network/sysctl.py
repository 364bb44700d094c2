"""Kernel settings that the rulesets need, written below /proc/sys; what was there before can be put back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gatewayd.errors import NetworkError
from nft.sysctls import INTERFACE_SYSCTLS, REQUIRED_SYSCTLS

Setting = tuple[Path, str]

PROC = Path("/proc/sys")


def settings(interfaces: Iterable[str], *, proc: Path = PROC) -> list[Setting]:
    """Give every file to write and its value; an interface's name may hold a dot."""
    wanted = [(_path(proc, each.name), each.value) for each in REQUIRED_SYSCTLS]
    for interface in interfaces:
        wanted += [(_path(proc, each.name, interface), each.value) for each in INTERFACE_SYSCTLS]
    return wanted


def write(wanted: Iterable[Setting]) -> list[Setting]:
    """Write the settings that differ; returns their old values. A refusal puts them back and raises `NetworkError`."""
    before: list[Setting] = []
    for path, value in wanted:
        try:
            held = " ".join(path.read_text().split())
            if held == value:
                continue
            path.write_text(value)
        except OSError as error:
            restore(before)
            raise NetworkError(f"kernel setting {path} cannot be set to {value!r}: {error.strerror}") from error
        before.append((path, held))
    return before


def restore(before: list[Setting]) -> None:
    """Put old values back, the last first."""
    for path, value in reversed(before):
        with suppress(OSError):
            path.write_text(value)


def _path(proc: Path, name: str, interface: str = "") -> Path:
    return proc.joinpath(*(part.format(interface=interface) for part in name.split(".")))
