"""What is read from certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from b2bua.sip import Wanted
from b2bua.transport import certificate, revocation
from b2bua.transport.context import build
from b2bua.transport.errors import CertificateError, TlsError
from lab.authority import Authority
from vdx.control import ListenerTls


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("root"))


def read(path: Path) -> x509.Certificate:
    (one,) = certificate.read_pem(path.read_bytes(), str(path))
    return one


@pytest.mark.parametrize(
    ("carried", "counted"),
    [
        (["SIP.Example.org"], {"sip.example.org"}),
        (["sip:example.org", "sips:example.com"], {"example.org", "example.com"}),
        (["sip:ann@example.org", "https://example.org", "a.example"], {"a.example"}),
        (["sip:example.org:5061;transport=tls"], {"example.org"}),
        (["192.0.2.1", "2001:db8::1"], {"192.0.2.1", "2001:db8::1"}),
        ([], {"only.example"}),  # the common name, where there is no subjectAltName
    ],
)
def test_names(root: Authority, carried: list[str], counted: set[str]) -> None:
    pair = root.issue("names", carried, subject=[("CN", "only.example")])
    assert certificate.names(read(pair.certificate)) == counted


def test_the_subject(root: Authority) -> None:
    told = [("organizationIdentifier", "NTRSE-2021005489"), ("O", "Region"), ("serialNumber", "202100-5489")]
    assert certificate.subject(read(root.issue("subject", ["x"], subject=told).certificate)) == tuple(told)


@pytest.mark.parametrize(
    ("asked", "known", "same"),
    [
        ("A.example", {"a.example"}, True),
        ("a.example", {"*.example"}, True),
        ("b.a.example", {"*.example"}, False),
        ("example", {"*.example"}, False),
        ("a.example", {"b.example"}, False),
    ],
)
def test_which_certificate_is_for_a_name(asked: str, known: set[str], same: bool) -> None:
    assert certificate.matches(asked, frozenset(known)) is same


@given(st.binary(max_size=400))
def test_rubbish_is_an_error_and_nothing_else(data: bytes) -> None:
    for reader in (certificate.read_der, lambda each: revocation.read(each, "/x")):
        with pytest.raises(CertificateError):
            reader(data)


def test_a_list_counts_for_its_issuer_alone(root: Authority, tmp_path: Path) -> None:
    pair = root.issue("a", ["a.example"])
    chain = [read(pair.certificate), root.certificate]
    ours = revocation.read(root.revoke(pair.serial).read_bytes(), "/ours")
    other = Authority(tmp_path / "other", root.name)  # the same name, another key
    theirs = revocation.read(other.revoke(pair.serial).read_bytes(), "/theirs")
    now = ours.until - 1
    revocation.check(chain, [theirs], now)
    with pytest.raises(TlsError, match="has been revoked, says /ours"):
        revocation.check(chain, [theirs, ours], now)


def test_a_chain_goes_on_to_whoever_is_known(root: Authority, tmp_path: Path) -> None:
    middle = Authority(tmp_path / "middle", "Middle", above=root)
    leaf = read(middle.issue("m", ["m.example"]).certificate)
    namesake = Authority(tmp_path / "namesake", root.name)
    strangers = [namesake.certificate, leaf, Authority(tmp_path / "x", "X").certificate]
    assert revocation.whole([leaf], strangers) == [leaf]
    above = [*strangers, root.certificate, middle.certificate]
    assert revocation.whole([leaf], above) == [leaf, middle.certificate, root.certificate]
    assert revocation.whole([leaf, middle.certificate], above)[2:] == [root.certificate]
    assert revocation.whole([root.certificate], above) == [root.certificate]
    assert revocation.whole([], above) == []


@pytest.mark.parametrize("bundle", ["root middle", "middle root"])
def test_a_revoked_intermediate_beside_its_root_does_not_pass(root: Authority, tmp_path: Path, bundle: str) -> None:
    """OpenSSL's chain ends at the first certificate of the trust file: lists of whoever stands above count as well."""
    middle = Authority(tmp_path / "middle", "Middle", above=root)
    files = {"root": root.path, "middle": middle.path}
    trust = tmp_path / "trust.pem"
    trust.write_text("".join(files[name].read_text() for name in bundle.split()))
    ours, theirs = root.issue("ours", ["ours.example"]), middle.issue("theirs", ["theirs.example"])

    def shake(*lists: str) -> bool:
        server = build(ListenerTls((ours.texts,), str(trust), lists, "required"), ()).accept()
        client = build(ListenerTls((theirs.texts,), str(root.path)), ()).connect(Wanted(frozenset({"ours.example"})))
        while not server.ready:
            server.receive(client.to_send())
            client.receive(server.to_send())
        return server.identity is not None

    assert shake()
    assert shake(str(root.revoke(theirs.serial)))  # a number of another authority
    with pytest.raises(TlsError, match="CN=Middle has been revoked"):
        shake(str(root.revoke(middle.certificate.serial_number)))


def test_a_list_that_is_over_lets_nobody_of_its_issuer_pass(root: Authority) -> None:
    chain = [read(root.issue("b", ["b.example"]).certificate), root.certificate]
    one = revocation.read(root.revoke().read_bytes(), "/list")
    revocation.check(chain, [one], one.until)
    with pytest.raises(TlsError, match="/list is out of date"):
        revocation.check(chain, [one], one.until + 1)
