"""A machine in QEMU with the appliance's disk, and its serial console; emulated, as that works everywhere.

Nothing here depends on how busy the host is: time in which it ran others counts for no patience and no figure, and the
machine's own clock goes by the instructions that it carried out, so that its watchdogs bear it too.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

FIRMWARE = Path("/usr/share/OVMF")
MEMORY_MIB = 1536
CLOCK = ("-accel", "tcg", "-smp", "1", "-icount", "shift=3,align=off,sleep=on", "-rtc", "clock=vm")
"""One processor, eight nanoseconds for an instruction, as emulation needs; while it idles, time passes as here."""

TWO = ("-accel", "tcg,thread=multi", "-smp", "2")
"""Where speed is measured: two processors, as an appliance should have, each a thread of the host's."""

PROCESSOR = "qemu64"
"""The least that Debian runs on: the image needs no more, and what a newer one has takes an emulator longer."""

LOOK_SECONDS = 1.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()].|\x1bc|\r")


class Machine:
    """A started machine. `disk`, the `second` one and `variables` change; what else is attached does not.

    `network` is a namespace, and in it a tap and an address of hardware for each card. With `own_clock` its time goes
    by its instructions, or else by the host's clock, which is quicker and what its speed is measured by, with two
    processors.
    """

    def __init__(  # noqa: PLR0913 - what a machine is made of
        self,
        disk: Path,
        variables: Path,
        log: Path,
        *,
        attached: Sequence[Path] = (),
        network: tuple[str, Sequence[tuple[str, str]]] = ("", ()),
        second: Path | None = None,
        uefi: bool = True,
        own_clock: bool = True,
    ) -> None:
        if uefi and not variables.exists():
            shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", variables)
        namespace, cards = network
        command = ["ip", "netns", "exec", namespace] if namespace else []
        command += ["qemu-system-x86_64", "-machine", "q35", "-cpu", PROCESSOR]
        command += CLOCK if own_clock else TWO
        command += ["-m", str(MEMORY_MIB), "-display", "none", "-serial", "stdio", "-monitor", "none", "-nodefaults"]
        if uefi:
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.fd'}"]
            command += ["-drive", f"if=pflash,format=raw,file={variables}"]
        command += ["-device", "virtio-rng-pci"]
        command += ["-drive", f"file={disk},format=raw,if=none,id=d,cache=unsafe"]
        command += ["-device", "virtio-blk-pci,drive=d,bootindex=1"]
        if second is not None:
            command += ["-drive", f"file={second},format=raw,if=none,id=s,cache=unsafe"]
            command += ["-device", "virtio-blk-pci,drive=s,bootindex=2"]
        for number, path in enumerate(attached):
            command += ["-drive", f"file={path},format=raw,if=none,id=a{number},readonly=on"]
            command += ["-device", f"virtio-blk-pci,drive=a{number}"]
        for number, (tap, mac) in enumerate(cards):
            command += ["-netdev", f"tap,id=n{number},ifname={tap},script=no,downscript=no"]
            command += ["-device", f"virtio-net-pci,netdev=n{number},mac={mac},romfile="]
        self._log = log.open("ab")
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.seen = ""
        """What the console showed and `expect` has not passed yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cut()

    @property
    def seconds(self) -> float:
        """Since power was switched on, but for those in which the host ran others in its place."""
        waits = [0.0]
        for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # a thread that has just ended
                waits.append(int(path.read_text().split()[1]) / 1e9)
        return time.monotonic() - self._started - max(waits)

    def expect(self, pattern: str, seconds: float = 240) -> re.Match[str]:
        """Wait until the console shows it."""
        end = self.seconds + seconds
        assert self._process.stdout is not None
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end() :]
                return found
            ready, _, _ = select.select([self._process.stdout], [], [], LOOK_SECONDS)
            read = os.read(self._process.stdout.fileno(), 65536) if ready else b""
            goes_on = self.seconds < end and (read or not ready)
            assert goes_on, f"the console does not show {pattern!r}, but at last:\n{self.seen[-3000:]}"
            self._log.write(read)
            self._log.flush()
            self.seen += ESCAPES.sub("", read.decode(errors="replace"))

    def type(self, line: str) -> None:
        """Type a line on the console."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def choose(self, number: int, *answers: str) -> None:
        """Choose from the menu, and answer what it asks."""
        self.expect("Choose a number, then Enter: ", 60)
        self.type(str(number))
        for answer in answers:
            self.expect(": ", 60)
            self.type(answer)

    def cut(self) -> None:
        """Cut the power."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None and not stream.closed:
                stream.close()


def disk_of(path: Path, label: str, files: dict[str, bytes | Path], mib: int = 8) -> Path:
    """Make a FAT disk with files on it."""
    with path.open("wb") as file:
        file.truncate(mib << 20)
    subprocess.run(["mkfs.vfat", "-n", label, path], check=True, capture_output=True)
    for name, content in files.items():
        source = content if isinstance(content, Path) else path.with_suffix(".part")
        if isinstance(content, bytes):
            source.write_bytes(content)
        subprocess.run(["mcopy", "-i", path, source, f"::{name}"], check=True, capture_output=True)
    return path
