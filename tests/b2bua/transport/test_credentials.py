"""Certificates from files: what cannot be used is one sentence, what changes is read again while calls go on."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from b2bua.sip import Answered, ByeReceived, Confirmed, IncomingInvite, Invitation, Target, Wanted
from b2bua.transport import Credentials, Listener
from b2bua.transport.errors import TlsError
from certd.store import CERTIFICATE, KEY, Store
from lab.authority import Authority, Pair
from tests.b2bua.transport.station import PATIENCE, Station, mutual, until
from vdx.control import ListenerTls, PeerTls, SipListener, SipPeer

HERE = Listener("lan", "tls", "127.0.0.1", 5061)
CALLS = 50


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "root")


def prepare(credentials: Credentials, tls: ListenerTls, *peers: PeerTls) -> tuple[str, ...]:
    known = [SipPeer(f"peer{number}", "lan", (), 4, tls=one) for number, one in enumerate(peers)]
    return credentials.prepare([SipListener("lan", "tls", HERE.address, HERE.port, "h", 1, tls)], known)


def serving(tls: ListenerTls, now: float = 0.0) -> Credentials:
    credentials = Credentials(lambda: now) if now else Credentials()
    assert prepare(credentials, tls) == ()
    credentials.activate()
    return credentials


def test_every_file_that_cannot_be_used_is_named(root: Authority, tmp_path: Path) -> None:
    good, other = root.issue("a", ["a.example"]), root.issue("b", ["b.example"])
    trust = str(root.path)
    empty, rubbish, missing = tmp_path / "empty.pem", tmp_path / "rubbish.pem", tmp_path / "missing.pem"
    empty.write_text("")
    rubbish.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n")
    mine = mutual(good, trust)
    crossed = replace_pair(mine, (str(good.certificate), str(other.key)))
    for tls, said in (
        (replace_pair(mine, (str(missing), str(good.key))), f"{missing} cannot be read: No such file or directory"),
        (replace_pair(mine, (str(good.certificate), str(missing))), f"{missing} cannot be read"),
        (replace_pair(mine, (str(rubbish), str(good.key))), f"{rubbish} is no PEM file of certificates"),
        (crossed, f"the key {other.key} does not belong to the certificate {good.certificate}"),
        (mutual(good, str(empty)), f"{empty} is no PEM file of certificates"),
        (mutual(good, trust, crl=(str(rubbish),)), f"{rubbish} is no list of revoked certificates"),
    ):
        (sentence,) = prepare(Credentials(), tls)
        assert sentence.startswith(said), sentence


def replace_pair(tls: ListenerTls, pair: tuple[str, str]) -> ListenerTls:
    return ListenerTls((pair,), tls.trust, tls.crl, tls.clients)


def test_a_key_that_everybody_may_read_is_refused(root: Authority) -> None:
    pair = root.issue("a", ["a.example"])
    pair.key.chmod(0o644)
    (sentence,) = prepare(Credentials(), mutual(pair, str(root.path)))
    assert sentence == f"{pair.key} holds a key and is open to every user of this machine: `chmod o= {pair.key}`"


def test_a_peers_trust_file_is_read_with_the_listener(root: Authority, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    pair = root.issue("a", ["a.example"])
    (sentence,) = prepare(Credentials(), mutual(pair, str(root.path)), PeerTls(("x",), trust=missing))
    assert missing in sentence


def test_nothing_is_served_before_a_version_is_active(root: Authority) -> None:
    credentials = Credentials()
    assert prepare(credentials, mutual(root.issue("a", ["a.example"]), str(root.path))) == ()
    with pytest.raises(TlsError, match="has no certificates yet"):
        credentials.accept(HERE)
    credentials.activate()
    assert not credentials.accept(HERE).ready
    with pytest.raises(TlsError, match="nothing vouches for x"):
        credentials.connect(HERE, Wanted(frozenset({"x"}), trust="/nowhere.pem"))


def test_a_broken_pair_is_refused_once_and_the_old_one_serves(
    root: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    pair = root.issue("a", ["a.example"])
    credentials = serving(mutual(pair, str(root.path)))
    before = credentials._context(HERE)
    pair.certificate.write_text("half a fi")
    with caplog.at_level(logging.INFO):
        credentials.refresh()
        credentials.refresh()
    assert credentials._context(HERE) is before
    assert caplog.text.count("what was read before goes on to serve") == 1
    assert [f"{pair.certificate}" in sentence for sentence in credentials.facts().values()] == [True]
    root.issue("a", ["a.example"])
    credentials.refresh()
    assert credentials._context(HERE) is not before
    assert credentials.facts() == {}


def test_files_that_stay_are_not_read_again(root: Authority) -> None:
    credentials = serving(mutual(root.issue("a", ["a.example"]), str(root.path)))
    before = credentials._context(HERE)
    credentials.refresh()
    assert credentials._context(HERE) is before


def test_an_end_that_is_near_is_told_once_for_each_step(root: Authority, caplog: pytest.LogCaptureFixture) -> None:
    pair = root.issue("a", ["a.example"], days=(-1, 20))
    credentials = serving(mutual(pair, str(root.path)))
    with caplog.at_level(logging.WARNING):
        credentials.refresh()
        credentials.refresh()
    assert caplog.text.count(f"certificate {pair.certificate} ends in 19 days") == 1
    assert list(credentials.facts()) == [f"alarm: {pair.certificate}"]


def test_what_certd_renews_is_told_when_it_does_not(root: Authority, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    pair = root.issue("a", ["a.example"], days=(-40, 50))
    store.put("sip", pair.certificate.read_bytes(), pair.key.read_bytes(), datetime.now(UTC))
    texts = (str(store.root / "sip" / CERTIFICATE), str(store.root / "sip" / KEY))
    tls = ListenerTls((texts,), str(root.path))
    assert serving(tls).facts() == {}
    assert list(serving(mutual(pair, str(root.path))).facts()) == [f"alarm: {pair.certificate}"]
    (said,) = serving(tls, time.time() + 30 * 86_400).facts().values()
    assert said.endswith("ends in 19 days: certd has not renewed it, its log says why")


def test_certificates_are_renewed_while_calls_go_on(root: Authority) -> None:
    """Fifty calls, a new certificate in their middle: none is lost, and who comes after sees the new one."""
    trust = str(root.path)

    async def scene(ann: Station, bob: Station) -> None:
        legs = []
        for number in range(CALLS):
            if number == CALLS // 2:
                root.issue("bob", ["bob.example"], subject=[("O", "renewed")])
                root.issue("ann", ["ann.example"], subject=[("O", "renewed")])
                ann.credentials.refresh()
                bob.credentials.refresh()
            caller = ann.endpoint.invite(invitation(ann, bob, number), ann.shell.now)
            ann.shell.flush()
            incoming = await bob.take(IncomingInvite)
            bob.do(lambda now, leg=incoming.leg: leg.answer(now, body=b"v=0\r\n"))  # type: ignore[misc]
            answered = await ann.take(Answered)
            await bob.take(Confirmed)
            legs.append((caller, answered.response.flow.identity, incoming.flow.identity))
        renewed = ("O", "renewed")
        for _, theirs, ours in legs[: CALLS // 2]:
            assert theirs is not None
            assert ours is not None
            assert renewed not in theirs.subject + ours.subject
        for _, theirs, ours in legs[CALLS // 2 :]:
            assert theirs is not None
            assert ours is not None
            assert renewed in theirs.subject
            assert renewed in ours.subject
        for caller, _, _ in legs:
            ann.do(caller.bye)
            await bob.take(ByeReceived)

    def invitation(ann: Station, bob: Station, number: int) -> Invitation:
        # a connection of its own for each call: another target, because the name asked for is another one
        made = ann.invitation(bob.listener("tls"), Wanted(frozenset({"bob.example"}), server_name=f"n{number}.example"))
        assert isinstance(made.destination, Target)
        ann.shell._pool._named.clear()
        return made._replace(max_forwards=70)

    async def stage() -> None:
        left, right = Station(), Station()
        try:
            await left.listen("tls", mutual(root.issue("ann", ["ann.example"]), trust))
            await right.listen("tls", mutual(root.issue("bob", ["bob.example"]), trust))
            await asyncio.wait_for(scene(left, right), 6 * PATIENCE)
            assert left.shell.connections == right.shell.connections == CALLS
        finally:
            await left.shell.close()
            await right.shell.close()
        await until(lambda: not left.shell.connections)

    asyncio.run(stage())


def test_pairs_know_their_paths(root: Authority) -> None:
    pair = root.issue("a", ["a.example"])
    assert isinstance(pair, Pair)
    assert pair.texts == (str(pair.certificate), str(pair.key))
