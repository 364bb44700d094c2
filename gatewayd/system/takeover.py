"""Before the gateway at each start: a backup that waits is taken over, and what has an older form is migrated.

The gateway waits for this, so nothing is imported that it does not need.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from gatewayd.system import migrate, paths
from gatewayd.system.errors import ApplianceError


def take_over(restored: Path = paths.RESTORED, home: Path = paths.HOME, state: Path = paths.STATE) -> bool:
    """Put a restored backup in the place of what is there; each step is a rename, and can be done again."""
    if not (restored / "whole").exists():
        shutil.rmtree(restored, ignore_errors=True)  # cut off while it was unpacked
        return False
    for name, target in (("appliance", home), ("vdx", state)):
        for each in sorted((restored / name).iterdir()) if (restored / name).is_dir() else ():
            old = target / each.name
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            target.mkdir(parents=True, exist_ok=True)
            each.rename(old)
    (restored / "whole").unlink()
    shutil.rmtree(restored)
    return True


def main() -> int:
    """Do it; what cannot be migrated stays as it is, and the journal says why."""
    take_over()
    try:
        said = migrate.prepare(paths.HOME, paths.STATE, paths.RESTORED)
    except (ApplianceError, OSError) as error:
        said = str(error)
    if said:
        take_over()
        print(said, file=sys.stderr)  # noqa: T201 - to the journal
    return 0


if __name__ == "__main__":
    sys.exit(main())
