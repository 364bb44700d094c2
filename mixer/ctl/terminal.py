"""What people see of `mixerctl`."""

import sys


def say(text: object) -> None:
    """Print a line."""
    print(text)  # noqa: T201 - a command line tool prints


def complain(text: object) -> None:
    """Print what is wrong."""
    print(f"mixerctl: {text}", file=sys.stderr)  # noqa: T201 - likewise
