"""A call through an appliance from both its sides at once: prints, as JSON, the packets that each end got.

Run inside the namespace that holds both addresses: `caller.py CALLER CALLEE GATEWAY`.
"""

from __future__ import annotations

import json
import sys

from gatewayd.system.looped.telephone import Call, Telephone

PACKETS, PACE = 200, 0.02
SECONDS = 60.0
"""For the signalling; an emulated machine answers within two."""


def main(caller: str, callee: str, gateway: str) -> None:
    """Set the call up, send media both ways, end it."""
    ends = Telephone(caller), Telephone(callee)
    placed = Call(*ends, gateway, "clinic", SECONDS)
    placed.begin()
    sent = placed.talk(PACKETS, PACE, PACKETS)
    placed.finish()
    print(json.dumps({"sent": sent, "caller": ends[0].got, "callee": ends[1].got}))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(*sys.argv[1:])
