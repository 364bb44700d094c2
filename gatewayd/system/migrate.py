"""What an appliance was told, in the form that this version reads: migrated forwards, with the old one kept.

The data partition holds one number, its *form*. A version that finds an older one keeps all of it as it is, migrates a
copy step by step, and takes that over as it does a restored backup: by renames that can be done again. A version that
finds a newer one than it knows, after a way back, takes over what was kept when its own form was left.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from gatewayd.system import machine, place
from gatewayd.system.errors import BackupError
from gatewayd.system.paths import DONE, FORM_FILE, TOLD

Step = Callable[[Path], None]
"""Changes a tree of `appliance` and `vdx`, as a backup has it, from one form to the next."""

STEPS: Mapping[int, Step] = {}
"""The step away from each form that was ever in use; the form of this version is the one after the last."""

OWN = len(STEPS) + 1


def form(home: Path) -> int:
    """Give the form of what is there; the first had no number."""
    path = home / FORM_FILE
    return int(path.read_text()) if path.exists() else 1


def prepare(home: Path, state: Path, restored: Path, steps: Mapping[int, Step] = STEPS) -> str:
    """Have what is to be taken over lie ready where a restored backup would; says what was done, "" for nothing.

    Raises `BackupError` where a newer form is there and none of this version's was kept.
    """
    now, own = form(home), len(steps) + 1
    if now == own or not (home / "site/site.yaml").exists():
        return ""
    if now < own:
        _copy(home, state, _kept(home, now))
        source = (home, state)
    elif _kept(home, own).is_dir():
        source = (_kept(home, own) / "appliance", _kept(home, own) / "vdx")
    else:
        text = f"the configuration has form {now}, and this version reads {own}: start the newer version again"
        raise BackupError(text)
    shutil.rmtree(restored, ignore_errors=True)
    _copy(*source, restored)
    for number in range(now, own):
        steps[number](restored)
    (restored / "appliance" / FORM_FILE).write_text(str(own))
    place.put(restored / "whole", b"")
    return f"the configuration was brought from form {now} to {own}"


def _kept(home: Path, number: int) -> Path:
    return home / "kept" / str(number)


def _copy(home: Path, state: Path, target: Path) -> None:
    """Copy what a backup would hold, owners included; `target` has its name only once it is whole."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for prefix, top, names in (("appliance", home, TOLD), ("vdx", state, DONE)):
        (part / prefix).mkdir(parents=True, mode=0o700)
        for name in names:
            if (top / name).exists():
                machine.run("cp", "--archive", str(top / name), str(part / prefix / name))
    machine.run("sync", "--file-system", str(part))
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    place.settle(target.parent)
