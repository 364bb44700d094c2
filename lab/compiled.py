"""Which form of our packages programs are started from: compiled by `tools/compile`, or the sources.

`build/compiled` holds a copy of every source with the extension modules beside it. It counts only while that copy
equals the sources: what was compiled of yesterday's is never run in place of what stands there today.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGES = ("vdx", "nft", "b2bua", "mediad", "gatewayd")
RECIPE = ("setup.py", "requirements/dev.txt")
"""What decides how is compiled, and with which compiler."""

CHECKOUT = Path(__file__).resolve().parent.parent


def place(environment: Mapping[str, str], checkout: Path = CHECKOUT) -> tuple[str, str]:
    """Return the folder, relative to the checkout, that programs start in, and why it is not the compiled one ("").

    VDX_PURE=1 in the environment chooses the sources.
    """
    if environment.get("VDX_PURE") == "1":
        return "", "VDX_PURE=1"
    why = stale(checkout)
    return ("", why) if why else ("build/compiled", "")


def stale(checkout: Path = CHECKOUT) -> str:
    """Say in words why the compiled packages cannot be used, "" where they can."""
    compiled = checkout / "build" / "compiled"
    if not compiled.is_dir():
        return "nothing is compiled: tools/compile"
    names = sources(checkout)
    if gone := sources(compiled) - names:
        return f"{min(gone)} was compiled and is no more: tools/compile"
    for name in sorted(names):
        copy = compiled / name
        if not copy.is_file() or copy.read_bytes() != (checkout / name).read_bytes():
            return f"{name} has changed since it was compiled: tools/compile"
    return ""


def sources(tree: Path) -> set[str]:
    """Return the names of all files that what is compiled depends on."""
    found = {str(path.relative_to(tree)) for package in PACKAGES for path in (tree / package).rglob("*.py")}
    return found | set(RECIPE)


def main() -> int:
    """Tell why the compiled packages cannot be used, with exit status 1; say nothing where they can."""
    if why := stale():
        print(why)
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
