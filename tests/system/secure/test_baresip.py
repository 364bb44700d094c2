"""Two real user agents over TLS, with encrypted sound and picture, across the edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest

from lab.agent import Agent
from lab.baresip import Secure
from lab.site import ROOT_FILE
from lab.topology import TLS_PORT
from tests.system.calls.edge import Edge, running

pytestmark = pytest.mark.system

ANSWER_S = 60.0
TALK_S = 2.0


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Give an edge that reaches peers where a real agent listens for TLS, and requires encryption on the internet."""

    def change(site: dict[str, Any]) -> None:
        for peer in site["peers"].values():
            peer["target"]["port"] = TLS_PORT
        site["zones"]["internet"]["encryption"] = "required"

    with running("bartls", "tls", change) as up:
        yield up


def secured(edge: Edge, name: str, media: Literal["srtp-mand", "dtls_srtp"]) -> Secure:
    keys = edge.lab.state.keys
    return Secure(keys / f"{name}.pem", keys / f"{name}.key", keys / ROOT_FILE, media)


@pytest.mark.parametrize("media", ["srtp-mand", "dtls_srtp"])
@pytest.mark.parametrize(
    ("calls", "zone", "called"), [("hospital", "sdn", "clinic"), ("clinic", "internet", "hospital")]
)
def test_real_agents_call_each_other_over_tls(
    edge: Edge, calls: str, zone: str, called: str, media: Literal["srtp-mand", "dtls_srtp"]
) -> None:
    with (
        Agent(edge.lab, edge.host(called), called, secure=secured(edge, called, media)) as callee,
        Agent(edge.lab, edge.host(calls), calls, calls=True, secure=secured(edge, calls, media)) as caller,
    ):
        caller.dial(f"sip:{called}@{edge.address(zone)}:{TLS_PORT}")  # baresip adds the transport of its account
        assert caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S).type == "CALL_ESTABLISHED"
        callee.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        assert caller.talk(TALK_S)
        (lease, *_) = edge.leases()
        assert lease.usage.a.packets > 0
        assert lease.usage.b.packets > 0
        assert "decode: H264" in callee.command("video_debug")
        caller.hangup()
        callee.wait("CALL_CLOSED", seconds=ANSWER_S)
    edge.wait_idle()
