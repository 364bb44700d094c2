from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gatewayd.errors import VersionError
from gatewayd.signalling import AwayError, B2buaLink, signalling
from gatewayd.trust import Trust
from tests.gatewayd.site import load
from vdx import control, wire
from vdx.control import B2buaServerCodec, SipListener, SipPeer, ToB2bua
from vdx.dialplan import DialRule

PART = signalling(load())
OURS = Trust("b2bua", {os.getuid()})
Answer = Callable[[ToB2bua], control.FromB2bua]


def test_listeners_show_what_peers_see() -> None:
    assert PART.listeners == (
        SipListener("sdn", "udp", "10.0.0.1", 5060, "10.0.0.1", 5060),
        SipListener("internet", "tcp", "198.51.100.1", 5080, "203.0.113.1", 5060),
    )


def test_peers_and_dial_plan() -> None:
    hospital = SipPeer("hospital", "sdn", ("10.0.0.0/8", "2001:db8:a::/48"), 4, ("10.0.0.7", 5060, "udp"), refer=True)
    assert PART.peers[0] == hospital
    assert PART.peers[1].target is None
    assert [rule.alias for rule in PART.dialplan] == ["hospital*", "*"]
    assert PART.dialplan[1] == DialRule(PART.dialplan[1].origin, "*", refuse=404)
    assert PART.dialplan[0].origin.startswith("site.yaml:")
    assert PART.max_calls == 3


async def with_b2bua(path: Path, answer: Answer, job: Callable[[B2buaLink], Awaitable[None]]) -> list[ToB2bua]:
    """Run a job against a b2bua that gives these answers; gives what it was asked."""
    asked: list[ToB2bua] = []
    there = asyncio.Event()

    async def serve(connection: wire.Connection[ToB2bua]) -> None:
        async for request in connection:
            asked.append(request)
            connection.send(answer(request))

    async def connected() -> None:
        there.set()

    server = await wire.serve(path, B2buaServerCodec, serve, mode=0o600)
    link = B2buaLink(path, OURS, connected)
    running = asyncio.ensure_future(link.run())
    try:
        await asyncio.wait_for(there.wait(), 10)
        await job(link)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        await asyncio.sleep(0)
    return asked


def well(request: ToB2bua) -> control.FromB2bua:
    if isinstance(request, control.Prepare):
        return control.Prepared(request.id)
    return control.Ok(request.id)


def test_a_version_is_prepared_and_activated(tmp_path: Path) -> None:
    async def job(link: B2buaLink) -> None:
        await link.prepare("v1", PART)
        await link.activate("v1")

    asked = asyncio.run(with_b2bua(tmp_path / "control.sock", well, job))
    assert asked == [control.Prepare(1, "v1", PART), control.Activate(2, "v1")]


def test_what_stands_against_a_version_is_told(tmp_path: Path) -> None:
    def refuse(request: ToB2bua) -> control.FromB2bua:
        return control.Prepared(request.id, ("udp 10.0.0.1:5060 is taken by another program",))

    async def job(link: B2buaLink) -> None:
        with pytest.raises(VersionError, match=r"^b2bua: udp 10\.0\.0\.1:5060 is taken by another program$"):
            await link.prepare("v1", PART)

    asyncio.run(with_b2bua(tmp_path / "control.sock", refuse, job))


def test_an_odd_answer_is_a_refusal(tmp_path: Path) -> None:
    def odd(request: ToB2bua) -> control.FromB2bua:
        return control.CallList(request.id, ())

    async def job(link: B2buaLink) -> None:
        with pytest.raises(VersionError, match="odd answer"):
            await link.prepare("v1", PART)
        with pytest.raises(VersionError, match="did not activate version v1"):
            await link.activate("v1")

    asyncio.run(with_b2bua(tmp_path / "control.sock", odd, job))


def test_a_b2bua_that_is_away(tmp_path: Path) -> None:
    async def nothing() -> None:
        return

    async def job() -> None:
        link = B2buaLink(tmp_path / "control.sock", OURS, nothing)
        with pytest.raises(AwayError, match="b2bua is not running"):
            await link.prepare("v1", PART)
        await link.revert("v1")

    asyncio.run(job())


def test_a_stranger_at_the_socket_is_told_nothing(tmp_path: Path) -> None:
    told: list[ToB2bua | None] = []

    async def job() -> None:
        knocked = asyncio.Event()

        async def serve(connection: wire.Connection[ToB2bua]) -> None:
            told.append(await connection.receive())
            knocked.set()

        async def connected() -> None:
            pytest.fail("it is no b2bua")

        server = await wire.serve(tmp_path / "control.sock", B2buaServerCodec, serve, mode=0o600)
        link = B2buaLink(tmp_path / "control.sock", Trust("b2bua", {os.getuid() + 1}), connected)
        running = asyncio.ensure_future(link.run())
        await asyncio.wait_for(knocked.wait(), 10)
        assert not link.connected
        with pytest.raises(AwayError):
            await link.prepare("v1", PART)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.close()
        await asyncio.sleep(0)

    asyncio.run(job())
    assert told == [None]
