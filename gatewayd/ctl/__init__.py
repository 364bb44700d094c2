"""`gatewayctl`: how people ask and steer the appliance."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line."""
    # the console and the health check ask (`ctl.ask`) at each start, and need none of the verbs for that
    from gatewayd.ctl.command import main as carry_out  # noqa: PLC0415 - see above

    return carry_out(arguments)
