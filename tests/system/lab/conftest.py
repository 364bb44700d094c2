"""What the system tests of the lab share: a probe that tells whether and as whom a host reaches another."""

import socket
from collections.abc import Callable

import pytest

from lab.lab import Lab

ARRIVES_S = 5.0  # on a machine that is busy
LOST_S = 0.3
PROBE_PORT = 7007

Probe = Callable[..., str | None]


def _probe(lab: Lab, sender: str, address: str, receiver: str, *, lost: bool = False) -> str | None:
    """Send a datagram from a host to `address`; return the source that `receiver` saw, None if it saw nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with lab.host(receiver).socket(family) as inbox, lab.host(sender).socket(family) as outbox:
        inbox.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", PROBE_PORT))
        inbox.settimeout(LOST_S if lost else ARRIVES_S)
        try:
            outbox.sendto(b"probe", (address, PROBE_PORT))
            return str(inbox.recvfrom(100)[1][0])
        except OSError:
            return None


@pytest.fixture
def probe() -> Probe:
    return _probe
