"""Answers about single certificates: what counts as one, and what becomes of whom it is about."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import Identity, Wanted
from b2bua.transport import Book, certificate
from b2bua.transport.context import build
from b2bua.transport.errors import TlsError
from b2bua.transport.ocsp import MAX_MET, Asked, Rule
from lab.authority import Authority, Pair
from vdx.authorities import responders
from vdx.control import ListenerTls

PLACE = "http://ocsp.example.org/"
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
SILENT, DEAD = "has not said lately", "has been revoked, says its authority"


class World:
    """A root, one whom it has certified, and the two folders."""

    def __init__(self, folder: Path) -> None:
        self.root = Authority(folder / "root")
        self.leaf = one(self.root.issue("ann", ["ann.example"], responder=PLACE))
        self.chain = [self.leaf, self.root.certificate]
        self.answers, self.met = folder / "answers", folder / "met"
        self.answers.mkdir()
        self.book = Book(self.answers, self.met)

    @property
    def name(self) -> str:
        return certificate.digest(self.leaf).hex()

    def says(
        self,
        status: ocsp.OCSPCertStatus = GOOD,
        *,
        about: x509.Certificate | None = None,
        begins: datetime = NOW - HOUR,
        ends: datetime | None = NOW + HOUR,
        signer: Pair | None = None,
    ) -> None:
        """Lay an answer down."""
        who, key = self.root.certificate, self.root.key
        builder = ocsp.OCSPResponseBuilder()
        if signer is not None:
            who = one(signer)
            key = load_pem_private_key(signer.key.read_bytes(), None)  # type: ignore[assignment]
            builder = builder.certificates([who])
        answer = builder.add_response(
            cert=about or self.leaf,
            issuer=self.root.certificate,
            algorithm=SHA1(),  # noqa: S303 - what responders answer with
            cert_status=status,
            this_update=begins,
            next_update=ends,
            revocation_time=NOW - HOUR if status is REVOKED else None,
            revocation_reason=None,
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, who)
        data = answer.sign(key, SHA256()).public_bytes(Encoding.DER)
        fresh = self.answers / "fresh"
        fresh.write_bytes(data)
        fresh.replace(self.answers / f"{self.name}.der")

    def verdict(self, rule: Rule = "required", at: datetime = NOW) -> str:
        """Give why somebody is refused, "" where he passes."""
        try:
            Asked(rule, self.book).check(self.chain, at.timestamp())
        except TlsError as error:
            return str(error)
        return ""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def one(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def test_whoever_is_shown_is_noted_once_with_its_issuer(world: World) -> None:
    assert SILENT in world.verdict()
    assert world.verdict("optional") == ""
    (noted,) = world.met.iterdir()
    assert noted.name == f"{world.name}.pem"
    assert x509.load_pem_x509_certificates(noted.read_bytes()) == world.chain
    assert noted.stat().st_mode & 0o777 == 0o644


def test_what_is_said_counts_for_both_rules(world: World) -> None:
    world.says()
    assert [world.verdict("required"), world.verdict("optional")] == ["", ""]
    world.says(REVOKED)
    assert all(DEAD in world.verdict(rule) for rule in ("required", "optional"))
    assert world.verdict("off") == ""


@pytest.mark.parametrize(
    ("lay", "at"),
    [
        (lambda world: world.says(), NOW + 2 * HOUR),
        (lambda world: world.says(), NOW - 2 * HOUR),
        (lambda world: world.says(ends=None), NOW + 24 * HOUR),
        (lambda world: world.says(UNKNOWN), NOW),
        (lambda world: world.says(about=one(world.root.issue("bob", ["bob.example"]))), NOW),
        (lambda world: world.says(signer=world.root.issue("ann2", ["ann.example"])), NOW),
        (lambda world: world.says(signer=Authority(world.met.parent / "x").issue("o", [], signs_answers=True)), NOW),
        (lambda world: (world.answers / f"{world.name}.der").write_bytes(b"<html>"), NOW),
    ],
    ids=["over", "not yet", "undated and old", "unknown", "of another", "no signer", "another's signer", "rubbish"],
)
def test_what_is_no_answer_of_today_passes_where_it_is_optional_alone(
    world: World, lay: Callable[[World], object], at: datetime
) -> None:
    lay(world)
    assert SILENT in world.verdict("required", at)
    assert world.verdict("optional", at) == ""


def test_an_answer_may_be_signed_by_whom_the_issuer_has_certified_for_it(world: World) -> None:
    world.says(signer=world.root.issue("answers", [], signs_answers=True))
    assert world.verdict() == ""


def test_revoked_stays_revoked_when_the_answer_is_old(world: World) -> None:
    world.says(REVOKED, begins=NOW - 3 * HOUR, ends=NOW - 2 * HOUR)
    assert DEAD in world.verdict("optional")


def test_who_names_no_responder_passes_and_is_not_noted(world: World) -> None:
    world.chain[0] = one(world.root.issue("quiet", ["quiet.example"]))
    assert world.verdict() == ""
    assert responders(world.chain[0]) == []
    assert not world.met.exists()


def test_who_is_trusted_alone_cannot_be_asked_about(world: World) -> None:
    del world.chain[1]
    assert "its issuer is neither shown nor in the trust file" in world.verdict()
    assert world.verdict("optional") == ""
    assert not world.met.exists()


def test_what_is_noted_is_bounded_and_the_oldest_goes(world: World) -> None:
    world.met.mkdir()
    for number in range(MAX_MET):
        (world.met / f"{number}.pem").touch()
    os.utime(world.met / "7.pem", (1, 1))
    world.verdict()
    assert not (world.met / "7.pem").exists()
    assert (world.met / f"{world.name}.pem").exists()
    assert len(list(world.met.iterdir())) == MAX_MET


def test_a_folder_that_cannot_be_written_changes_no_verdict(world: World) -> None:
    world.met.write_text("a file")
    world.says()
    assert world.verdict() == ""


def test_rubbish_is_no_answer_and_nothing_else(world: World) -> None:
    @given(st.binary(max_size=300))
    def play(data: bytes) -> None:
        fresh = world.answers / "fresh"
        fresh.write_bytes(data)
        fresh.replace(world.answers / f"{world.name}.der")
        assert world.book.said(world.leaf, world.root.certificate) is None

    play()


def test_a_handshake_goes_by_the_rule(world: World) -> None:
    theirs = world.root.issue("bob", ["bob.example"], responder=PLACE)
    ours = world.root.issue("edge", ["edge.example"])
    trust = str(world.root.path)
    server = build(ListenerTls((ours.texts,), trust, clients="required", ocsp="required"), (), world.book)
    client = build(ListenerTls((theirs.texts,), trust, clients="required"), ())
    world.leaf = world.chain[0] = one(theirs)

    def shake() -> Identity | None:
        left, right = client.connect(Wanted(frozenset({"edge.example"}))), server.accept()
        while not right.ready:
            right.receive(left.to_send())
            left.receive(right.to_send())
        return right.identity

    with pytest.raises(TlsError, match=SILENT):
        shake()
    world.says()
    identity = shake()
    assert identity is not None
    assert identity.names == {"bob.example"}
    world.says(REVOKED)
    with pytest.raises(TlsError, match=DEAD):
        shake()
