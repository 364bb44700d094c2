"""The whole life of an appliance, in machines: built, set up, called through, updated, broken, cut off.

`python -m tests.image [--work DIR]`, as root. Prints what took how long; ends with an AssertionError at the
first thing that is not as it should be. Takes some twenty-five minutes emulated, on two processors of its own.
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
    options = parser.parse_args()
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.work) as home, world.networks() as namespace:
        tell(Story(Path(home), namespace))


def tell(story: Story) -> None:
    """Tell it from its beginning."""
    story.build()
    image = world.ROOT / "build/image/test" / world.FIRST / f"vdx-{world.FIRST}-cloud.raw"
    story.without_uefi(image)
    story.on_a_small_disk(image)
    story.refuse_a_wrong_setup()
    story.set_up()
    story.update(world.SECOND, world.SECOND)
    story.count()
    story.update(world.BROKEN, world.SECOND)
    story.cut(world.BROKEN, world.SECOND)
    story.fill()
    story.spoil()
    story.install(image)


if __name__ == "__main__":
    main()
