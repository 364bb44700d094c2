"""The appliance image: how long it takes to build, how large it is, to start, to update, and to fall back.

Needs root, what `tools/setup-image` installs, and some twenty-five minutes; emulated, as that works everywhere. `short`
builds and starts it, and no more.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.report import Aim, Report
from tests.image import __main__ as life
from tests.image import world
from tests.image.story import Story

FIGURES = (
    ("build", "s", Aim("at most", 600)),
    ("compressed", "MiB", Aim("at most", 200)),
    ("power to the first word on the console", "s", None),
    ("power to set up and serving", "s", None),
    ("power to serving", "s", Aim("at most", 35)),
    ("update", "s", None),
    ("fall-back of a broken update", "s", Aim("at most", 180)),
)
"""What a life measures. Sizes are of the cloud flavour; times are from power or from the word to restart."""


def run(*, short: bool) -> Report:
    """Live one life of an appliance."""
    report = Report("image")
    with tempfile.TemporaryDirectory() as home, world.networks() as namespace:
        story = Story(Path(home), namespace, measured=True)
        if short:
            story.build()
            story.refuse_a_wrong_setup()
        else:
            life.tell(story)
    for name, unit, aim in FIGURES:
        if name in story.figures:
            report.add(name, [story.figures[name]], unit, aim)
    report.notes.append(
        "hot modules interpreted; QEMU emulates two processors (TCG); time given to other programs is left out"
    )
    return report
