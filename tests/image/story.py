"""The life of an appliance, in machines: what is done to it, what its console has to say, and how long it took."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

from tests.image import world
from tests.image.virtual import Machine, disk_of
from vdx.record import CallRecord

WELL = r"vdx: version {} is well: {} \(([\d.]+) s"
NEW, SERVING = "not set up yet", "serving"
SECONDS = 600
"""For a start in emulation on a machine that does other things as well."""

TARGET_MIB = 4096
"""A disk to install on: what an appliance needs at least."""


class Story:
    """One appliance, told from its disk to its third version; `figures` are seconds and MiB by name.

    Seconds are those in which the host ran the machine. Its clock is its own, or with `measured` that of the host.
    `flavour` and `release` are those of `images/build`.
    """

    def __init__(
        self,
        home: Path,
        namespace: str,
        *,
        measured: bool = False,
        flavour: str = "cloud",
        release: str = "bookworm",
    ) -> None:
        self._flavour, self._release = flavour, release
        self._home, self._namespace, self._measured = home, namespace, measured
        self._disk, self._begun = home / "disk", time.monotonic()
        self._updates: dict[str, Path] = {}
        self._calls: list[dict[str, Any]] = []
        self.figures: dict[str, float] = {}
        self.image = Path()
        """The first version's, as it was built."""

    def say(self, text: str) -> None:
        """Tell how it goes."""
        print(f"{time.monotonic() - self._begun:7.1f} s  {text}", flush=True)  # noqa: T201 - its output

    def start(self, *attached: Path) -> Machine:
        """Switch the appliance on."""
        cards = [(f"t-{card}", mac) for card, mac in world.CARDS.items()]
        return self._machine(self._disk, attached=attached, network=(self._namespace, cards))

    def build(self) -> None:
        """Build three versions, the third of them broken."""
        broken = self._home / "overlay/etc/systemd/system/b2bua.service.d/broken.conf"
        broken.parent.mkdir(parents=True)
        broken.write_text("[Service]\nExecStart=\nExecStart=/bin/false\n")
        for version, more in (
            (world.FIRST, ()),
            (world.SECOND, ("--update-only",)),
            (world.BROKEN, ("--update-only", "--overlay", str(self._home / "overlay"))),
        ):
            self._build(version, *more)

    def build_first(self) -> None:
        """Build the first version, and no more."""
        self._build(world.FIRST)

    def _build(self, version: str, *more: str) -> None:
        begun = time.monotonic()
        name = f"{self._flavour}-{self._release}-{version}"
        made = world.build(version, "--release", self._release, *more, name=name, flavour=self._flavour)
        made /= f"vdx-{version}-{self._flavour}"
        self.figures.setdefault("build", time.monotonic() - begun)
        self.use(version, made.with_name(f"{made.name}.update"))
        if version == world.FIRST:
            self.image = made.with_name(f"{made.name}.raw")
            self.unpack(self.image)
            self.figures["compressed"] = made.with_name(f"{made.name}.raw.zst").stat().st_size / (1 << 20)
        self.say(f"built {version}, {self._flavour} of {self._release}")

    def use(self, version: str, update: Path) -> None:
        """Put an update on a disk for the console."""
        self._updates[version] = disk_of(self._home / version, "VDX-UPDATE", {f"vdx-{version}.update": update}, 300)

    def unpack(self, image: Path) -> None:
        """Have the appliance start from this image."""
        subprocess.run(["cp", "--sparse=always", image, self._disk], check=True)

    def refuse_a_wrong_setup(self) -> None:
        """Start with a setup that has a fault; the power goes while it waits for another."""
        site = world.SITE.replace("zone: sdn, to", "zone: sun, to").encode()
        files: dict[str, bytes | Path] = {"setup.yaml": world.SETUP.encode(), "site.yaml": site}
        with self.start(disk_of(self._home / "wrong", "VDX-SETUP", files)) as machine:
            machine.expect(r"setup: site.yaml:\d+: dialplan", SECONDS)
            self.figures["power to the first word on the console"] = machine.seconds
        self.say("a wrong setup was told with its line")

    def set_up(self) -> None:
        """Set it up from a disk, and call through it."""
        files: dict[str, bytes | Path] = {"setup.yaml": world.SETUP.encode(), "site.yaml": world.SITE.encode()}
        with self.start(disk_of(self._home / "setup", "VDX-SETUP", files)) as machine:
            machine.expect("setup: done", SECONDS)
            machine.expect(WELL.format(world.FIRST, SERVING), SECONDS)
            self.figures["power to set up and serving"] = machine.seconds
            self.say(f"set up and serving, {machine.seconds:.0f} s after power")
            self.call()

    def call(self) -> None:
        """Call from one zone to the other, and count what arrives."""
        found = world.call(self._namespace)
        self._calls.append(found)
        assert min(found["caller"], found["callee"]) >= 0.99 * found["sent"], found
        self.say(f"call: {found}")

    def update(self, version: str, comes: str) -> None:
        """Update from a disk, at the console; the version that `comes` serves afterwards."""
        with self.start(self._updates[version]) as machine:
            machine.expect(WELL.format(r"\S+", SERVING), SECONDS)
            self.figures["power to serving"] = machine.seconds
            self.call()
            machine.type("")
            machine.choose(3)
            machine.expect(rf"version {version} starts with the next boot", SECONDS)
            machine.expect("Type yes to go on: ")
            begun = machine.seconds
            machine.type("yes")
            machine.expect(WELL.format(comes, SERVING), 3 * SECONDS)
            name = "update" if comes == version else "fall-back of a broken update"
            self.figures[name] = machine.seconds - begun
            self.say(f"update to {version}: {comes} serves {self.figures[name]:.0f} s after the restart was asked for")
            self.call()

    def count(self) -> None:
        """Read what the appliance has written of its calls: they count packets to their ends, as its kernel told them.

        The call before the last restart that was asked for is among them; later ones may have been lost with the power.
        """
        home = self._home / "records"
        home.mkdir()
        with self._data() as part:
            subprocess.run(["debugfs", "-R", f"rdump /lib/b2bua {home}", part], check=True, capture_output=True)
        lines = b"".join(file.read_bytes() for file in sorted(home.rglob("*.jsonl"))).splitlines()
        records = [msgspec.json.decode(line, type=CallRecord) for line in lines]
        carried = [
            (each.caller_packets or 0, each.callee_packets or 0) for record in records for each in record.streams
        ]
        sent = self._calls[-2]["sent"]
        assert any(0.99 * sent <= min(pair) <= max(pair) <= sent for pair in carried), f"{carried} of {self._calls}"
        self.say(f"records of calls count {carried}")

    def cut(self, version: str, stays: str) -> None:
        """Cut the power while an update is written."""
        with self.start(self._updates[version]) as machine:
            machine.expect(WELL.format(r"\S+", SERVING), SECONDS)
            machine.type("")
            machine.choose(3)
            machine.expect(r"MiB to /dev/", SECONDS)
        with self.start() as machine:
            machine.expect(WELL.format(stays, SERVING), SECONDS)
        self.say("power cut while an update was written: the version before serves")

    def fill(self) -> None:
        """Start with a data partition that has no room left."""
        with self._data() as part:
            big = self._home / "big"
            with big.open("wb") as file:
                file.truncate(part.stat().st_size)
            big.write_bytes(b"full" * (part.stat().st_size // 4))  # more than there is room for
            subprocess.run(["debugfs", "-w", "-R", f"write {big} /full", part], check=True, capture_output=True)
            big.unlink()
        with self.start() as machine:
            machine.expect(WELL.format(r"\S+", SERVING), SECONDS)
            self.call()
        self.say("data partition full: it serves")

    def spoil(self) -> None:
        """Start with a data partition that is no file system any more."""
        with self._data() as part:
            size = part.stat().st_size
            part.write_bytes(bytes(size))
        with self.start() as machine:
            machine.expect("the data partition cannot be used", SECONDS)
            machine.expect(WELL.format(r"\S+", NEW), SECONDS)
        self.say("data partition broken: it says so and starts")

    def install(self, image: Path) -> None:
        """Install from a stick on a disk of the machine, and start from that."""
        stick, target = self._home / "stick", self._home / "target"
        subprocess.run(["cp", "--sparse=always", image, stick], check=True)
        with target.open("wb") as file:
            file.truncate(TARGET_MIB << 20)
        with self._machine(stick, second=target) as machine:
            machine.expect(WELL.format(r"\S+", NEW), SECONDS)
            machine.type("")
            machine.choose(9, "vdb", "yes")
            machine.expect("is on vdb: take out", SECONDS)
        # with the stick left in: what the firmware starts is what is used
        with self._machine(target, second=stick) as machine:
            machine.expect(WELL.format(r"\S+", NEW), SECONDS)
        self.say("installed on another disk, which starts by itself")

    def without_uefi(self, image: Path) -> None:
        """Start the image on a machine with a BIOS."""
        with self._machine(image, uefi=False) as machine:
            machine.expect("This appliance starts by UEFI", SECONDS)
        self.say("without UEFI: says so")

    def on_a_small_disk(self, image: Path) -> None:
        """Start from a disk that ends before the image does."""
        small = self._home / "small"
        subprocess.run(["cp", "--sparse=always", image, small], check=True)
        with small.open("r+b") as file:
            file.truncate(2000 << 20)
        with self._machine(small) as machine:
            machine.expect("An appliance needs a disk of 4 GB|the data partition cannot be used", SECONDS)
        self.say("disk too small: says so")

    def _machine(self, disk: Path, **more: object) -> Machine:
        variables = self._home / f"variables-{disk.name}"
        return Machine(disk, variables, self._home / "console", own_clock=not self._measured, **more)  # type: ignore[arg-type]

    def _data(self) -> Part:
        return Part(self._disk, self._home / "part", 4)


class Part:
    """A partition of a disk of ours as a file, put back at the end."""

    def __init__(self, disk: Path, part: Path, number: int) -> None:
        told = subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True, text=True)
        row = json.loads(told.stdout)["partitiontable"]["partitions"][number - 1]
        self._disk, self._part, self._at, self._size = disk, part, row["start"] * 512, row["size"] * 512

    def __enter__(self) -> Path:
        with self._disk.open("rb") as file:
            file.seek(self._at)
            self._part.write_bytes(file.read(self._size))
        return self._part

    def __exit__(self, *_: object) -> None:
        with self._disk.open("r+b") as file:
            file.seek(self._at)
            file.write(self._part.read_bytes())
        self._part.unlink()
