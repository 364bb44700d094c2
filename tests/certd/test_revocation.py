"""Lists and answers fetched: from a real responder (OpenSSL's), and from servers that say what they should not."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from b2bua.transport import Book, certificate
from certd import revocation
from certd.errors import AuthorityError
from certd.revocation import Authorities
from gatewayd import firewall
from lab.authority import Authority, Pair
from nft.model import Upstream
from vdx import site
from vdx.site import SiteError

LOOPBACK = "127.0.0.1"
NOW = datetime.now(UTC)


@contextmanager
def serving(status: int, body: bytes) -> Iterator[str]:
    """Answer everybody alike; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/list.crl"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def responder(root: Authority, folder: Path, entries: dict[Pair, bool]) -> Iterator[str]:
    """Run OpenSSL's responder for certificates, of which some are revoked; gives the URL."""
    lines = [
        f"{'R' if gone else 'V'}\t400101000000Z\t{'260101000000Z' if gone else ''}\t{pair.serial:X}\tunknown\t/CN=x\n"
        for pair, gone in entries.items()
    ]
    (folder / "index.txt").write_text("".join(lines))
    (folder / "root.key").write_bytes(root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = ["openssl", "ocsp", "-port", "0", "-index", "index.txt", "-CA", str(root.path), "-ndays", "1"]
    command += ["-rsigner", str(root.path), "-rkey", "root.key"]
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = next((line for line in process.stdout if line.startswith("ACCEPT")), "")
            assert said, "the responder did not start"
            yield f"http://{LOOPBACK}:{said.split()[1].rpartition(':')[2]}/"
        finally:
            process.terminate()


@pytest.fixture
def root(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "root")


@pytest.mark.parametrize("gone", [False, True])
def test_a_real_responder_is_asked_and_b2bua_believes_it(root: Authority, tmp_path: Path, gone: bool) -> None:
    pair = root.issue("ann", ["ann.example"], responder="http://ocsp.example/")
    leaf = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    met, store = tmp_path / "met", tmp_path / "store"
    store.mkdir()
    book = Book(store / "answers", met)
    book.meet(leaf, root.certificate, NOW.timestamp())
    (noted,) = met.iterdir()
    with responder(root, tmp_path, {pair: gone}) as place:
        real = Authorities(LOOPBACK)
        asked: list[str] = []

        def fetch(url: str, question: bytes | None, most: int) -> bytes:
            asked.append(url)
            return real.fetch(place, question, most)

        assert revocation.ask_about(fetch, store, noted, NOW)
        assert not revocation.ask_about(fetch, store, noted, NOW)  # what is known still holds
        assert revocation.ask_about(fetch, store, noted, NOW + timedelta(hours=13))  # half of its day is over
    assert asked == ["http://ocsp.example/"] * 2
    said = book.said(leaf, root.certificate)
    assert said is not None
    assert said.status is (ocsp.OCSPCertStatus.REVOKED if gone else ocsp.OCSPCertStatus.GOOD)
    assert (store / "answers" / f"{certificate.digest(leaf).hex()}.der").stat().st_mode & 0o777 == 0o640
    noted.unlink()
    revocation.sweep(store, met)
    assert list((store / "answers").iterdir()) == []


def test_a_list_is_laid_down(root: Authority, tmp_path: Path) -> None:
    listed = root.revoke(4711).read_bytes()
    with serving(200, listed) as place:
        revocation.fetch_list(Authorities(LOOPBACK).fetch, tmp_path, "partners", place, [root.certificate])
    found = x509.load_der_x509_crl((tmp_path / "lists/partners.crl").read_bytes())
    assert [entry.serial_number for entry in found] == [4711]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "gives no list"),
        (404, b"", "answers 404"),
        (302, b"", "answers 302"),
        (200, bytes(revocation.MAX_LIST + 1), "says more than"),
    ],
)
def test_what_is_no_list_leaves_the_one_before(tmp_path: Path, status: int, body: bytes, said: str) -> None:
    (tmp_path / "lists").mkdir()
    kept = tmp_path / "lists/partners.crl"
    kept.write_text("the one before")
    with serving(status, body) as place, pytest.raises(AuthorityError, match=said):
        revocation.fetch_list(Authorities(LOOPBACK).fetch, tmp_path, "partners", place, [])
    assert kept.read_text() == "the one before"
    assert [one.name for one in (tmp_path / "lists").iterdir()] == ["partners.crl"]


def test_a_list_that_is_over_is_not_taken(root: Authority, tmp_path: Path) -> None:
    with serving(200, root.revoke(days=-1).read_bytes()) as place, pytest.raises(AuthorityError, match="out of date"):
        revocation.fetch_list(Authorities(LOOPBACK).fetch, tmp_path, "partners", place, [])
    assert not (tmp_path / "lists").exists()


def lay(folder: Path, listed: bytes, *known: Authority) -> list[int]:
    """Fetch a list, and give what counts as revoked afterwards."""
    known_to_us = [one.certificate for one in known]
    revocation.fetch_list(lambda _url, _question, _most: listed, folder, "partners", "http://x/", known_to_us)
    return [entry.serial_number for entry in x509.load_der_x509_crl((folder / "lists/partners.crl").read_bytes())]


def test_a_list_that_somebody_between_made_up_is_not_taken(root: Authority, tmp_path: Path) -> None:
    """It would open the door to whom the one before keeps out: plain HTTP can be changed on its way."""
    assert lay(tmp_path, root.revoke(4711).read_bytes(), root) == [4711]
    namesake = Authority(tmp_path / "namesake", root.name)
    with pytest.raises(AuthorityError, match=r"gives a list that CN=Lab Root has not signed"):
        lay(tmp_path, namesake.revoke().read_bytes(), root)
    other = Authority(tmp_path / "other", "Somebody Else")
    for known in ([root], [root, other]):
        with pytest.raises(AuthorityError, match="gives a list of another issuer, CN=Somebody Else"):
            lay(tmp_path, other.revoke().read_bytes(), *known)
    assert lay(tmp_path, root.revoke(4712).read_bytes(), namesake, root) == [4712]  # a new key of the same name


def test_a_list_that_was_true_once_is_not_taken_again(root: Authority, tmp_path: Path) -> None:
    def issued(days: float, *serials: int) -> bytes:
        made = x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject)
        made = made.last_update(NOW - timedelta(days)).next_update(NOW + timedelta(7))
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW)
            made = made.add_revoked_certificate(one.build())
        return made.sign(root.key, SHA256()).public_bytes(Encoding.DER)

    assert lay(tmp_path, issued(2, 1), root) == [1]
    assert lay(tmp_path, issued(1, 1, 2), root) == [1, 2]
    with pytest.raises(AuthorityError, match="gives an older list than the one before"):
        lay(tmp_path, issued(2, 1), root)
    assert lay(tmp_path, issued(1, 1, 2, 3), root) == [1, 2, 3]


def test_a_list_of_whom_we_cannot_know_is_taken_and_told(
    root: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert lay(tmp_path, root.revoke(4711).read_bytes()) == [4711]
    assert "put the certificate of CN=Lab Root into a trust file that certd may read" in caplog.text
    known = Authority(tmp_path / "known", "Known")
    assert lay(tmp_path, known.revoke(4712).read_bytes(), known) == [4712]  # nothing proved stands in its way
    with pytest.raises(AuthorityError, match="gives a list of another issuer, CN=Lab Root"):
        lay(tmp_path, root.revoke().read_bytes(), known)


def test_authorities_are_known_from_trust_files_and_from_whom_was_met(
    root: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    middle = Authority(tmp_path / "middle", "Middle", above=root)
    leaf = x509.load_pem_x509_certificate(
        middle.issue("a", ["a.example"], responder="http://x/").certificate.read_bytes()
    )
    met = tmp_path / "met"
    Book(tmp_path / "answers", met).meet(leaf, middle.certificate, NOW.timestamp())
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    known = revocation.known_authorities([str(root.path), str(broken), "/not/there.pem"], met)
    assert known == [root.certificate, middle.certificate]
    assert caplog.text.count("trust.unreadable") == 2


def test_an_answer_that_is_not_its_authoritys_leaves_the_one_before(root: Authority, tmp_path: Path) -> None:
    pair = root.issue("ann", ["ann.example"], responder="http://ocsp.example/")
    leaf = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    book = Book(tmp_path / "answers", tmp_path / "met")
    book.meet(leaf, root.certificate, NOW.timestamp())
    (noted,) = (tmp_path / "met").iterdir()
    liar = Authority(tmp_path / "liar", root.name)

    def ask(signer: Authority, status: ocsp.OCSPCertStatus, begins: datetime) -> bool:
        gone = NOW if status is ocsp.OCSPCertStatus.REVOKED else None
        answer = ocsp.OCSPResponseBuilder().add_response(
            leaf, root.certificate, SHA256(), status, begins, begins + timedelta(1), gone, None
        )
        data = answer.responder_id(ocsp.OCSPResponderEncoding.NAME, signer.certificate).sign(signer.key, SHA256())
        return revocation.ask_about(lambda *_: data.public_bytes(Encoding.DER), tmp_path, noted, NOW)

    began = NOW.replace(microsecond=0) - timedelta(hours=20)  # more than half of its day is over
    assert ask(root, ocsp.OCSPCertStatus.REVOKED, began)
    with pytest.raises(AuthorityError, match="about another certificate, or not its authority's"):
        ask(liar, ocsp.OCSPCertStatus.GOOD, began + timedelta(hours=1))
    with pytest.raises(AuthorityError, match="gives an older answer than the one before"):
        ask(root, ocsp.OCSPCertStatus.GOOD, began - timedelta(hours=1))
    said = book.said(leaf, root.certificate)
    assert said is not None
    assert said.status is ocsp.OCSPCertStatus.REVOKED


SITE = """\
name: edge
zones:
  internet: {interface: eth0, addresses: [192.0.2.10/24]}
revocation:
  lists: {partners: 'http://crl.example.org/partners.crl'}
"""


def test_the_firewall_lets_us_go_there() -> None:
    assert firewall.edge(site.parse(SITE.encode()), {}).upstreams == (
        Upstream("internet", "tcp", None, 80, "site.yaml:4"),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("http:", "https:", "write an http URL"),
        ("crl.example.org", "crl.example.org:81", "write an http URL"),
        ("crl.example.org", "me@crl.example.org", "write an http URL"),
        ("revocation:\n", "revocation:\n  zone: sdn\n", "zone 'sdn' has no address to ask from"),
    ],
)
def test_what_cannot_be_meant_is_said(old: str, new: str, said: str) -> None:
    with pytest.raises(SiteError, match=said):
        site.parse(SITE.replace(old, new).encode())


def test_a_rule_needs_somebody_who_asks() -> None:
    listener = "{transport: tls, address: 192.0.2.10, certificate: /a.pem, key: /a.key, trust: /t.pem, ocsp: required}"
    text = SITE.replace("/24]}", f"/24], sip: [{listener}]}}")
    assert site.parse(text.encode()).site.zones["internet"].sip[0].ocsp == "required"
    with pytest.raises(SiteError, match="nobody asks authorities"):
        site.parse(text.partition("revocation:")[0].encode())
