"""The whole life of an appliance, in machines: built, set up, called through, updated, broken, cut off.

`python -m tests.image [--flavour F] [--release R] [--start] [--work DIR]`, as root. Prints what took how long; ends
with an AssertionError at the first thing that is not as it should be. Takes some twenty-five minutes emulated, on two
processors of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.image import world
from tests.image.story import Story


def main() -> None:
    """Tell it."""
    parser = argparse.ArgumentParser(prog="tests.image")
    parser.add_argument("--work", type=Path, help="where disks are made (some 10 GB)")
    parser.add_argument("--flavour", choices=("cloud", "metal"), default="cloud")
    parser.add_argument("--release", choices=("bookworm", "trixie"), default="bookworm")
    parser.add_argument("--start", action="store_true", help="no more than its first start and a call through it")
    options = parser.parse_args()
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.work) as home, world.networks() as namespace:
        story = Story(Path(home), namespace, flavour=options.flavour, release=options.release)
        if options.start:
            story.build_first()
            story.set_up()
        else:
            tell(story)


def tell(story: Story) -> None:
    """Tell it from its beginning."""
    story.build()
    story.without_uefi(story.image)
    story.on_a_small_disk(story.image)
    story.refuse_a_wrong_setup()
    story.set_up()
    story.update(world.SECOND, world.SECOND)
    story.count()
    story.update(world.BROKEN, world.SECOND)
    story.cut(world.BROKEN, world.SECOND)
    story.fill()
    story.spoil()
    story.install(story.image)


if __name__ == "__main__":
    main()
