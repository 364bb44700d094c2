"""What a program owes systemd while it runs."""

import os


def watchdog_seconds(default: float = 0.0) -> float:
    """Give how often to send WATCHDOG=1: half the time systemd waits for it; `default` where it does not wait."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2e6 if microseconds.isdecimal() else default
