"""The whole life of an appliance, in machines: built, set up, called through, updated, broken, cut off.

`python -m tests.image [--work DIR]`, as root. Prints what took how long, which is the benchmark `image`; ends with an
AssertionError at the first thing that is not as it should be. Takes some twenty minutes emulated.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from tests.image import world
from tests.image.virtual import Machine, disk_of

WELL = r"vdx: version {} is well: {} \(([\d.]+) s"
SECONDS = 420
"""For a start in emulation on a machine that does other things as well."""


class Story:
    """One appliance, told from its disk to its third version."""

    def __init__(self, home: Path, namespace: str) -> None:
        self._home, self._namespace = home, namespace
        self._disk, self._begun = home / "disk", time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self._begun:7.1f} s  {text}", flush=True)  # noqa: T201 - its output

    def start(self, *attached: Path) -> Machine:
        cards = [(f"t-{card}", mac) for card, mac in world.CARDS.items()]
        return Machine(
            self._disk,
            self._home / "variables",
            self._home / "console",
            attached=attached,
            cards=cards,
            namespace=self._namespace,
        )

    def built(self) -> dict[str, Path]:
        broken = self._home / "overlay/etc/systemd/system/b2bua.service.d/broken.conf"
        broken.parent.mkdir(parents=True)
        broken.write_text("[Service]\nExecStart=\nExecStart=/bin/false\n")
        updates = {}
        for version, more in (
            (world.FIRST, ("--keep-tree",)),
            (world.SECOND, ("--update-only",)),
            (world.BROKEN, ("--update-only", "--overlay", str(self._home / "overlay"))),
        ):
            home = world.build(version, *more)
            update = home / f"vdx-{version}-cloud.update"
            self.say(f"built {version}: update of {update.stat().st_size >> 20} MiB")
            name = f"vdx-{version}.update"
            updates[version] = disk_of(self._home / version, "VDX-UPDATE", {name: update}, 300)
            if version == world.FIRST:
                subprocess.run(["cp", "--sparse=always", home / f"vdx-{version}-cloud.raw", self._disk], check=True)
        return updates

    def set_up(self) -> None:
        self._set_up_wrongly()
        files: dict[str, bytes | Path] = {"setup.yaml": world.SETUP.encode(), "site.yaml": world.SITE.encode()}
        with self.start(disk_of(self._home / "setup", "VDX-SETUP", files)) as machine:
            machine.expect("setup: done", SECONDS)
            machine.expect(WELL.format(world.FIRST, "serving"), SECONDS)
            self.say(f"set up and serving, {machine.seconds:.0f} s after power")
            self.call()

    def _set_up_wrongly(self) -> None:
        """Start with a setup that has a fault; the power goes while it waits for another."""
        site = world.SITE.replace("zone: sdn, to", "zone: sun, to").encode()
        files: dict[str, bytes | Path] = {"setup.yaml": world.SETUP.encode(), "site.yaml": site}
        with self.start(disk_of(self._home / "wrong", "VDX-SETUP", files)) as machine:
            machine.expect(r"setup: site.yaml:\d+: dialplan", SECONDS)
        self.say("a wrong setup was told with its line")

    def call(self) -> None:
        found = world.call(self._namespace)
        assert min(found["caller"], found["callee"]) >= 0.99 * found["sent"], found
        self.say(f"call: {found}")

    def update(self, disk: Path, version: str, comes: str) -> None:
        with self.start(disk) as machine:
            machine.expect(r"vdx: version \S+ is well", SECONDS)
            machine.type("")
            machine.choose(3)
            machine.expect(rf"version {version} starts with the next boot", SECONDS)
            machine.expect("Type yes to go on: ")
            begun = time.monotonic()
            machine.type("yes")
            machine.expect(WELL.format(comes, "serving"), 3 * SECONDS)
            self.say(
                f"update to {version}: {comes} serves {time.monotonic() - begun:.0f} s after the restart was asked for"
            )
            self.call()

    def cut(self, disk: Path) -> None:
        with self.start(disk) as machine:
            machine.expect(r"vdx: version \S+ is well", SECONDS)
            machine.type("")
            machine.choose(3)
            machine.expect(r"MiB to /dev/", SECONDS)
        with self.start() as machine:
            machine.expect(WELL.format(world.SECOND, "serving"), SECONDS)
        self.say("power cut while an update was written: the version before serves")


def main() -> None:
    """Tell it."""
    parser = argparse.ArgumentParser(prog="tests.image")
    parser.add_argument("--work", type=Path, help="where disks are made (some 8 GB)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.work) as home, world.networks() as namespace:
        story = Story(Path(home), namespace)
        updates = story.built()
        story.set_up()
        story.update(updates[world.SECOND], world.SECOND, world.SECOND)
        story.cut(updates[world.BROKEN])
        story.update(updates[world.BROKEN], world.BROKEN, world.SECOND)


if __name__ == "__main__":
    main()
