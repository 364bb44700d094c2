"""Leases whose RTCP comes with RTP: the pinholes of RTCP close, those of RTP stay as they were."""

from __future__ import annotations

import pytest

from gatewayd.pinholes.allocate import QUARANTINE_SECONDS
from tests.gatewayd.pinholes.test_desk import CALL, LEASE, Bench, stream
from tests.gatewayd.site import load
from vdx.pinhole import Change, End, Remote, SetRemote


@pytest.fixture
def bench() -> Bench:
    return Bench()


def ports_known(bench: Bench) -> set[int]:
    return {key[2] for name, key in bench.kernel.elements if name in {"self4", "self6"}}  # type: ignore[misc]


def test_the_pinholes_of_rtcp_close_and_rest(bench: Bench) -> None:
    a, b = bench.open()
    assert ports_known(bench) == {a.port, a.rtcp_port, b.port, b.rtcp_port}
    bench.desk.narrow("b2bua", (LEASE,), 1.0)
    assert ports_known(bench) == {a.port, b.port}
    again, _ = bench.open(stream(f"{CALL}.1", "bfcp"), now=2.0)
    assert again.port != a.rtcp_port
    ports = [bench.open(stream(f"{CALL}.{n}", "bfcp"), now=QUARANTINE_SECONDS + 2)[0].port for n in (2, 3)]
    assert a.rtcp_port in ports  # a half of a pair is given out first


def test_everything_else_goes_on(bench: Bench) -> None:
    bench.open()
    bench.desk.narrow("b2bua", (LEASE,), 1.0)
    change = Change(LEASE, "a", Remote("10.1.2.3", 30000), Remote("10.1.2.3", 30000))
    bench.desk.change("b2bua", SetRemote(2, (change,)), 2.0)
    assert bench.remotes()[0][0] == "10.1.2.3:30000"
    (usage,), gone, _ = bench.desk.renew("b2bua", (LEASE,), 3.0)
    assert (usage.lease, usage.a.rtcp_packets, gone) == (LEASE, 0, [])
    held = bench.desk.leases.get(LEASE)
    ((adopted, _),) = bench.make(load()).adopt(bench.kernel.adopt(), 4.0)
    assert adopted == held
    bench.desk.release("b2bua", (LEASE,), 5.0)
    assert bench.kernel.elements == {}


def test_what_has_no_rtcp_and_what_is_not_ours_stays(bench: Bench) -> None:
    bench.open(stream(kind="bfcp"))
    bench.open(stream("bbbbbbbbbbbbb.0"), call="bbbbbbbbbbbbb")
    before = dict(bench.kernel.elements)
    bench.desk.narrow("b2bua", (LEASE, "ccccccccccccc.0"), 1.0)
    bench.desk.narrow("somebody", ("bbbbbbbbbbbbb.0",), 1.0)
    assert bench.kernel.elements == before
    bench.desk.narrow("b2bua", ("bbbbbbbbbbbbb.0",), 1.0)
    bench.desk.narrow("b2bua", ("bbbbbbbbbbbbb.0",), 1.0)  # twice is once


def test_mediad_closes_them_too(bench: Bench) -> None:
    bench.open(stream(a=End("sdn", "hospital", 6)))
    bench.desk.narrow("b2bua", (LEASE,), 1.0)
    assert bench.relays.stopped == [(LEASE, "rtcp")]
    assert LEASE in bench.relays.serving
