"""Calls over real TLS on the loopback: who is let in, whose name counts, what is refused and why."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import (
    Answered,
    ByeReceived,
    Confirmed,
    Failed,
    Identity,
    IncomingInvite,
    RequestAnswered,
    RequestReceived,
    Wanted,
)
from b2bua.transport.context import ListenerContext, build
from b2bua.transport.errors import TlsError
from b2bua.transport.limits import MAX_WRITE_QUEUE
from lab.authority import Authority, Pair
from tests.b2bua.transport.station import LOOPBACK, PATIENCE, Station, mutual, until
from vdx.control import ListenerTls, PeerTls

Scene = Callable[[Station, Station], Awaitable[None]]
BOB = Wanted(frozenset({"bob.example"}))


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "root")


def play(
    ann: ListenerTls, bob: ListenerTls, scene: Scene, *, transport: str = "tls", peers: tuple[PeerTls, ...] = ()
) -> None:
    """Run a scene between two stations that listen over TLS; `peers` are those bob knows."""

    async def stage() -> None:
        left, right = Station(), Station()
        try:
            await left.listen(transport, ann)
            await right.listen(transport, bob, *peers)
            await asyncio.wait_for(scene(left, right), 3 * PATIENCE)
        finally:
            await left.shell.close()
            await right.shell.close()
        assert left.shell.connections == right.shell.connections == 0
        assert not right.shell._places
        assert not right.shell._pool._named

    asyncio.run(stage())


def ask(ann: Station, bob: Station, wanted: Wanted | None = BOB) -> None:
    ann.endpoint.request("OPTIONS", ann.invitation(bob.listener("tls"), wanted), ann.shell.now)
    ann.shell.flush()


def both(root: Authority) -> tuple[ListenerTls, ListenerTls]:
    trust = str(root.path)
    ann = root.issue(
        "ann", ["ann.example", "sip:region.example", "sip:x@user.example"], subject=[("serialNumber", "1")]
    )
    return mutual(ann, trust), mutual(root.issue("bob", ["bob.example"]), trust)


def test_a_call_between_two_who_know_each_other(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        caller = ann.endpoint.invite(ann.invitation(bob.listener("tls"), BOB), ann.shell.now)
        ann.shell.flush()
        incoming = await bob.take(IncomingInvite)
        # RFC 5922 7.1: DNS names and SIP domains, no URI with a user part
        names = frozenset({"ann.example", "region.example"})
        assert incoming.flow.identity == Identity(names, (("serialNumber", "1"),), frozenset({""}))
        assert incoming.request.get("via").startswith("SIP/2.0/TLS ")
        assert incoming.request.get("contact").endswith(";transport=tls>")
        bob.do(lambda now: incoming.leg.answer(now, body=b"v=0\r\n"))
        answered = await ann.take(Answered)
        assert answered.response.flow.identity == Identity(
            frozenset({"bob.example"}), (("CN", "bob"),), frozenset({""})
        )
        await bob.take(Confirmed)
        ann.do(caller.bye)
        await bob.take(ByeReceived)
        assert len(bob.shell._pool) == 1  # the whole call went over one connection

    play(*both(root), scene)


def test_a_long_message_over_tls(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ask(ann, bob)
        event = await bob.take(RequestReceived)
        bob.do(lambda now: event.handle.respond(now, body=b"x" * 200_000))
        answered = await ann.take(RequestAnswered)
        assert answered.response is not None
        assert len(answered.response.body) == 200_000

    play(*both(root), scene)


def refused(ann: ListenerTls, bob: ListenerTls, wanted: Wanted | None = BOB, peers: tuple[PeerTls, ...] = ()) -> None:
    """Check that bob never hears of ann's request."""

    async def scene(left: Station, right: Station) -> None:
        ask(left, right, wanted)
        assert (await left.take(RequestAnswered)).status == 503
        assert not right.events.qsize()

    play(ann, bob, scene, peers=peers)


def test_another_name_than_the_one_we_called(root: Authority, caplog: pytest.LogCaptureFixture) -> None:
    ann, bob = both(root)
    with caplog.at_level(logging.WARNING):
        refused(ann, bob, Wanted(frozenset({"carol.example"})))
    assert "its certificate is for bob.example, not for carol.example" in caplog.text


def test_a_wildcard_covers_no_name(root: Authority) -> None:
    ann, bob = both(root)
    wild = mutual(root.issue("wild", ["*.example"]), bob.trust)
    refused(ann, wild)


def test_an_address_has_to_stand_in_the_certificate(root: Authority) -> None:
    ann, bob = both(root)
    refused(ann, bob, None)

    async def scene(left: Station, right: Station) -> None:
        ask(left, right, None)
        await right.take(RequestReceived)

    play(ann, mutual(root.issue("here", [LOOPBACK]), bob.trust), scene)


@pytest.mark.parametrize("days", [(-10, -1), (1, 10)], ids=["expired", "not yet"])
def test_a_certificate_outside_its_time(root: Authority, days: tuple[float, float]) -> None:
    ann, bob = both(root)
    old = mutual(root.issue("old", ["bob.example"], days=days), bob.trust)
    refused(ann, old)
    refused(mutual(root.issue("late", ["ann.example"], days=days), ann.trust), bob)


def test_a_certificate_of_another_root(root: Authority, tmp_path: Path) -> None:
    ann, bob = both(root)
    other = Authority(tmp_path / "other", "Other Root").issue("bob", ["bob.example"])
    refused(ann, mutual(other, bob.trust))
    refused(mutual(other, ann.trust), bob)


def test_no_certificate(root: Authority) -> None:
    _, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        context = ssl.create_default_context(cafile=bob.trust)
        context.check_hostname = False
        listener = right.listener("tls")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            reader, writer = await asyncio.open_connection(listener.address, listener.port, ssl=context)
            writer.write(b"\r\n\r\n")
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            writer.close()
        assert not right.events.qsize()

    play(bob, bob, scene)


def test_who_may_come_without_a_certificate(root: Authority) -> None:
    _, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        context = ssl.create_default_context(cafile=bob.trust)
        listener = right.listener("tls")
        opened = await asyncio.open_connection(
            listener.address, listener.port, ssl=context, server_hostname="bob.example"
        )
        reader, writer = opened
        writer.write(
            b"OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
            b"To: <sip:x@y>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        event = await right.take(RequestReceived)
        assert event.flow.identity is None
        right.do(event.handle.respond)
        assert (await asyncio.wait_for(reader.readline(), PATIENCE)).startswith(b"SIP/2.0 200")
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    play(
        bob,
        mutual(Pair(Path(bob.certificates[0][0]), Path(bob.certificates[0][1]), 0), bob.trust, clients="optional"),
        scene,
    )


def test_a_revoked_certificate(root: Authority) -> None:
    ann, bob = both(root)
    pair = root.issue("gone", ["ann.example"])
    crl = str(root.revoke(pair.serial))
    refused(mutual(pair, ann.trust), mutual(root.issue("bob", ["bob.example"]), bob.trust, crl=(crl,)))


def test_we_do_not_call_a_revoked_certificate(root: Authority) -> None:
    ann, bob = both(root)
    pair = root.issue("gone", ["bob.example"])
    crl = str(root.revoke(pair.serial))
    refused(mutual(root.issue("ann", ["ann.example"]), ann.trust, crl=(crl,)), mutual(pair, bob.trust))


def test_a_list_of_revoked_certificates_that_is_out_of_date_closes_the_door(root: Authority) -> None:
    ann, bob = both(root)
    crl = str(root.revoke(days=-1))
    refused(ann, mutual(root.issue("bob", ["bob.example"]), bob.trust, crl=(crl,)))


def test_a_list_that_revokes_others_lets_pass(root: Authority) -> None:
    ann, bob = both(root)
    crl = str(root.revoke(12345))

    async def scene(left: Station, right: Station) -> None:
        ask(left, right)
        await right.take(RequestReceived)

    play(ann, mutual(root.issue("bob", ["bob.example"]), bob.trust, crl=(crl,)), scene)


def test_the_trust_of_a_peer_vouches_for_that_peer_alone(root: Authority, tmp_path: Path) -> None:
    ann, bob = both(root)
    own = Authority(tmp_path / "own", "Own Root")
    partner = mutual(own.issue("partner", ["partner.example"]), ann.trust)

    async def scene(left: Station, right: Station) -> None:
        ask(left, right)
        flow = (await right.take(RequestReceived)).flow
        assert flow.identity is not None
        assert flow.identity.vouchers == {str(own.path)}  # not "": the listener's own trust knows nothing of it

    play(partner, bob, scene, peers=(PeerTls(("partner.example",), trust=str(own.path)),))


def test_the_certificate_of_the_name_that_is_asked_for(root: Authority) -> None:
    ann, bob = both(root)
    second = root.issue("second", ["second.example"])
    wild = root.issue("wild", ["*.video.example"])
    several = mutual(second, bob.trust)
    several = ListenerTls((*bob.certificates, second.texts, wild.texts), bob.trust, clients="required")

    async def scene(left: Station, right: Station) -> None:
        for asked, shown in (
            ("second.example", "second.example"),
            ("a.video.example", "*.video.example"),
            ("nobody.example", "bob.example"),
            ("", "bob.example"),
        ):
            ask(left, right, Wanted(frozenset({shown}), server_name=asked))
            flow = (await right.take(RequestReceived)).flow
            assert flow.identity is not None  # asked for by the first context, whichever certificate was shown
        assert len(right.shell._pool) == 4 - 1  # the last one goes over the connection of the same name and address

    play(ann, several, scene)


def test_tls_1_1_is_not_spoken(root: Authority) -> None:
    _, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(bob.trust)
        context.load_cert_chain(*bob.certificates[0])
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        listener = right.listener("tls")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(listener.address, listener.port, ssl=context)

    play(bob, bob, scene)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_with_the_identity_it_began_with(root: Authority, version: ssl.TLSVersion) -> None:
    ann, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(bob.trust)
        context.load_cert_chain(*ann.certificates[0])
        context.minimum_version = context.maximum_version = version
        listener = right.listener("tls")
        session: ssl.SSLSession | None = None
        seen = set()
        for number in range(2):
            plain = await asyncio.to_thread(_handshake, context, (listener.address, listener.port), session, number)
            session, flow = plain.session, (await right.take(RequestReceived)).flow
            seen.add(flow.identity)
            plain.close()
        assert len(seen) == 1
        assert next(iter(seen)) is not None

    play(ann, bob, scene)


def _handshake(
    context: ssl.SSLContext, place: tuple[str, int], session: ssl.SSLSession | None, number: int
) -> ssl.SSLSocket:
    import socket  # noqa: PLC0415 - of this blocking peer alone

    raw = socket.create_connection(place, timeout=PATIENCE)
    made = context.wrap_socket(raw, server_hostname="bob.example", session=session)
    made.sendall(
        f"OPTIONS sip:x@y SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK{number}\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:x@y>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n".encode()
    )
    return made


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x40\x00" + b"\0" * 40_000, b"OPTIONS x SIP/2.0\r\n"]
)
def test_what_is_no_tls_is_closed(root: Authority, rubbish: bytes) -> None:
    _, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        listener = right.listener("tls")
        reader, writer = await asyncio.open_connection(listener.address, listener.port)
        writer.write(rubbish)
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        assert not right.events.qsize()

    play(bob, bob, scene)


def test_a_handshake_that_never_ends_is_closed(root: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("b2bua.transport.pulse.HANDSHAKE_SECONDS", 0.05)
    _, bob = both(root)

    async def scene(_ann: Station, right: Station) -> None:
        listener = right.listener("tls")
        reader, writer = await asyncio.open_connection(listener.address, listener.port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        assert right.shell.connections == 0

    play(bob, bob, scene)


def test_a_stuck_reader_loses_its_connection_only(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ask(ann, bob)
        event = await bob.take(RequestReceived)
        (stuck,) = ann.shell._pool
        assert stuck._transport is not None
        stuck._transport.pause_reading()
        body = b"x" * (MAX_WRITE_QUEUE // 8)
        for _ in range(100):  # what the kernel takes comes on top of our own queue
            if not bob.shell.connections:
                break
            bob.do(lambda now, event=event: event.handle.respond(now, 183, body=body))  # type: ignore[misc]
            await asyncio.sleep(0)
        assert bob.endpoint.dropped["undelivered"]

    play(*both(root), scene)


def test_an_accepted_connection_is_used_for_the_one_whose_certificate_it_showed(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ask(ann, bob)
        await bob.take(RequestReceived)
        ann_there = Wanted(frozenset({"ann.example"}))
        bob.endpoint.request("OPTIONS", bob.invitation(ann.listener("tls"), ann_there), bob.shell.now)
        bob.shell.flush()
        await ann.take(RequestReceived)
        assert len(ann.shell._pool) == len(bob.shell._pool) == 1
        # somebody else at the same address and port is not ann
        other = Wanted(frozenset({"carol.example"}))
        bob.endpoint.request("OPTIONS", bob.invitation(ann.listener("tls"), other), bob.shell.now)
        bob.shell.flush()
        assert (await bob.take(RequestAnswered)).status == 503

    play(*both(root), scene)


def test_what_waits_on_a_connection_of_theirs_fails_with_it(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ask(ann, bob)
        await bob.take(RequestReceived)
        bob.endpoint.request(
            "OPTIONS", bob.invitation(ann.listener("tls"), Wanted(frozenset({"ann.example"}))), bob.shell.now
        )
        bob.shell.flush()
        await ann.take(RequestReceived)
        for connection in ann.shell._pool:
            connection.close()
        assert (await bob.take(RequestAnswered)).status == 503

    play(*both(root), scene)


def test_a_dialog_goes_on_over_a_new_connection(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        ann.endpoint.invite(ann.invitation(bob.listener("tls"), BOB), ann.shell.now)
        ann.shell.flush()
        incoming = await bob.take(IncomingInvite)
        bob.do(lambda now: incoming.leg.answer(now, body=b"v=0\r\n"))
        await ann.take(Answered)
        await bob.take(Confirmed)
        for connection in bob.shell._pool:
            connection.close()
        await until(lambda: not ann.shell.connections and not bob.shell.connections)
        bob.do(incoming.leg.bye)  # to the Contact that ann gave, where she has to show the certificate she had
        await ann.take(ByeReceived)

    play(*both(root), scene)


def test_a_call_that_fails_says_503(root: Authority) -> None:
    async def scene(ann: Station, bob: Station) -> None:
        invitation = ann.invitation(bob.listener("tls"), Wanted(frozenset({"carol.example"})))
        ann.endpoint.invite(invitation, ann.shell.now)
        ann.shell.flush()
        assert (await ann.take(Failed)).status == 503

    play(*both(root), scene)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ListenerContext:
    root = Authority(tmp_path_factory.mktemp("served"))
    return build(mutual(root.issue("bob", ["bob.example"]), str(root.path)), [])


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_octets_are_an_error_of_tls_or_nothing(served: ListenerContext, pieces: list[bytes]) -> None:
    stream = served.accept()
    with contextlib.suppress(TlsError):
        for piece in pieces:
            assert stream.receive(piece) == b""
    assert not stream.ready
    assert len(stream.to_send()) < 1000
