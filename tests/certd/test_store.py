"""Pairs on disk: when one is due, and that it is replaced as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certd.errors import StoreError
from certd.store import Store

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def pair(*names: str, begin: datetime = NOW, life: timedelta = 90 * DAY) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + life)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "certificates")


def test_what_is_not_there_is_due(store: Store) -> None:
    assert store.due("sip", ["a.example.org"], NOW) == "there is none"


@pytest.mark.parametrize(("after", "due"), [(0, ""), (59, ""), (61, "it ends on 2026-05-30 00:00 UTC")])
def test_a_third_of_its_life_before_the_end_it_is_due(store: Store, after: int, due: str) -> None:
    store.put("sip", *pair("a.example.org"), NOW)
    assert store.due("sip", ["a.example.org"], NOW + after * DAY) == due


def test_other_names_make_it_due(store: Store) -> None:
    store.put("sip", *pair("a.example.org", "b.example.org"), NOW)
    assert store.due("sip", ["b.example.org", "a.example.org"], NOW) == ""
    assert store.due("sip", ["a.example.org"], NOW) == "its names have changed"


def test_what_cannot_be_read_is_due(store: Store) -> None:
    store.put("sip", b"no certificate", b"no key", NOW)
    assert "cannot be read" in store.due("sip", ["a.example.org"], NOW)


def test_a_pair_is_replaced_as_one(store: Store) -> None:
    old, new = pair("a.example.org"), pair("a.example.org")
    store.put("sip", *old, NOW)
    before = (store.root / "sip").readlink()
    store.put("sip", *new, NOW + DAY)
    assert ((store.root / "sip/certificate.pem").read_bytes(), (store.root / "sip/key.pem").read_bytes()) == new
    assert (store.root / before / "key.pem").read_bytes() == old[1], "who reads meanwhile finishes with the old one"
    store.sweep()
    assert sorted(one.name for one in store.root.iterdir()) == sorted(["sip", (store.root / "sip").readlink().name])


def test_what_a_power_cut_left_is_swept(store: Store) -> None:
    store.put("sip", *pair("a.example.org"), NOW)
    half = store.root / ".sip.20260302T000000000000"
    half.mkdir()
    (half / "certificate.pem").write_bytes(b"half")
    half.with_name(f"{half.name}.link").symlink_to(half.name)
    store.sweep()
    assert not half.exists()
    assert len(list(store.root.iterdir())) == 2


def test_keys_are_closed_to_others(store: Store) -> None:
    store.put("sip", *pair("a.example.org"), NOW)
    store.keep_account(b"{}")
    assert (store.root / "sip/key.pem").stat().st_mode & 0o007 == 0
    assert (store.root / "account.json").stat().st_mode & 0o077 == 0
    store.keep_account(b"{1}")
    assert store.account() == b"{1}"


def test_a_store_that_others_can_open_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "open"
    root.mkdir()
    root.chmod(0o755)
    with pytest.raises(StoreError, match="chmod 0750"):
        Store(root)
