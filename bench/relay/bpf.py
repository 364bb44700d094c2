"""The generator and the sink in the kernel: compiled, loaded, run and read through the bpf system call."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCE = Path(__file__).with_name("generator.bpf.c")
SYSCALL = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
LOOKUP, UPDATE, GET, RUN = 1, 2, 7, 10  # BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_OBJ_GET, BPF_PROG_TEST_RUN
LIVE_FRAMES = 2  # BPF_F_TEST_XDP_LIVE_FRAMES
BATCH = 64  # frames handed over at once, as a driver polls
SENT, ARRIVED = 0, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _call(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = int(_libc.syscall(SYSCALL, command, buffer, len(attributes)))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}: {os.strerror(ctypes.get_errno())}")
    return result


def _address(data: ctypes.Array[ctypes.c_char]) -> int:
    return ctypes.addressof(data)


@dataclass(frozen=True, slots=True)
class Programs:
    """The loaded programs and their maps; ``sink`` is the pinned path that tc attaches."""

    sink: Path
    generate: int
    plan: int
    flows: int
    counts: int

    def aim(self, header: bytes, checksum: int, interface: int, ports: list[tuple[int, int]]) -> None:
        """Set what is sent: 42 bytes of headers, the checksum's constant part, the way out, the ports of each flow."""
        _update(self.plan, 0, header + struct.pack("=xxIII", len(ports), interface, checksum))
        for index, pair in enumerate(ports):
            _update(self.flows, index, struct.pack("!HH", *pair))

    def send(self, frame: bytes, interface: int, count: int) -> None:
        """Send ``count`` frames; their processing, up to a socket or the sink, is time of this thread."""
        data = ctypes.create_string_buffer(frame, len(frame))
        context = ctypes.create_string_buffer(struct.pack("=IIIIII", 0, len(frame), 0, interface, 0, 0), 24)
        _call(
            RUN,
            struct.pack(
                "=IIIIQQIIIIQQIIII", self.generate, 0, len(frame), 0, _address(data), 0, count, 0, 24, 0,
                _address(context), 0, LIVE_FRAMES, 0, BATCH, 0,
            ),
        )  # fmt: skip

    def count(self, which: int) -> int:
        """Return how many were sent or have arrived."""
        key = ctypes.create_string_buffer(struct.pack("=I", which), 4)
        value = ctypes.create_string_buffer(8)
        _call(LOOKUP, struct.pack("=IxxxxQQQ", self.counts, _address(key), _address(value), 0))
        return int.from_bytes(value.raw, "little")


def _update(descriptor: int, index: int, data: bytes) -> None:
    key = ctypes.create_string_buffer(struct.pack("=I", index), 4)
    value = ctypes.create_string_buffer(data, len(data))
    _call(UPDATE, struct.pack("=IxxxxQQQ", descriptor, _address(key), _address(value), 0))


def _open(path: Path) -> int:
    name = ctypes.create_string_buffer(str(path).encode())
    return _call(GET, struct.pack("=QII", _address(name), 0, 0))


@contextmanager
def programs() -> Iterator[Programs]:
    """Compile and load; everything is gone afterwards."""
    with TemporaryDirectory(prefix="vdx-bench-") as made:
        built, pinned = Path(made) / "generator.o", Path(made) / "bpf"
        pinned.mkdir()
        include = f"-I/usr/include/{os.uname().machine}-linux-gnu"
        _run("clang", "-O2", "-g", "-target", "bpf", include, "-c", str(SOURCE), "-o", str(built))
        _run("mount", "-t", "bpf", "bpf", str(pinned))
        descriptors: list[int] = []
        try:
            _run("bpftool", "prog", "loadall", str(built), str(pinned / "p"), "pinmaps", str(pinned / "m"))
            names = ("p/generate", "m/plan", "m/flows", "m/counts")
            descriptors += [_open(pinned / name) for name in names]
            yield Programs(pinned / "p" / "sink", *descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            _run("umount", str(pinned))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
