"""Certificates from a real authority on the internet of a lab, through the edge's firewall, and TLS with them."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.lab import Lab
from lab.programs import PROGRAMS

pytestmark = pytest.mark.system

AUTHORITY = "clinic"
DIRECTORY_PORT, MANAGEMENT_PORT, NAMES_PORT = 14000, 15000, 8053
READY_SECONDS = 20.0
ORDER_SECONDS = 120.0
NAMES = ("sip.example.org", "video.example.org")


@dataclass(frozen=True, slots=True)
class World:
    """A lab whose edge runs, and where its certificates are kept."""

    lab: Lab
    store: Path

    def certd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program on the edge."""
        command = [
            str(Path(sys.executable).with_name("certd")),
            "--site",
            str(self.lab.state.site),
            "--store",
            str(self.store),
        ]
        return self.lab.host("edge").run([*command, *arguments], timeout=ORDER_SECONDS, check=False)

    def certificate(self) -> x509.Certificate:
        """Return the certificate that is kept."""
        return x509.load_pem_x509_certificate((self.store / "sip/certificate.pem").read_bytes())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("authority")
    with Lab.temporary("certd") as lab:
        _write_server_pair(folder, lab.host(AUTHORITY).address())
        site = yaml.safe_load(lab.state.site.read_text())
        site["acme"] = {
            "directory": f"https://{lab.host(AUTHORITY).address()}:{DIRECTORY_PORT}/dir",
            "terms_agreed": True,
            "contact": "operator@example.org",
            "trust": str(folder / "server.pem"),
            "certificates": {"sip": list(NAMES)},
        }
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        with _authority(lab, folder):
            yield World(lab, folder / "store")


def test_a_certificate_is_obtained_and_renewed_only_when_asked(world: World) -> None:
    first = world.certd()
    assert first.returncode == 0, first.stderr
    assert "certificate.obtained label=sip" in first.stderr
    names = world.certificate().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(NAMES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.store / "sip/certificate.pem", world.store / "sip/key.pem")

    serial, account = world.certificate().serial_number, (world.store / "account.json").read_bytes()
    again = world.certd()
    assert (again.returncode, world.certificate().serial_number) == (0, serial)
    assert "certificate.serves label=sip" in again.stderr

    forced = world.certd("--force", "sip")
    assert forced.returncode == 0, forced.stderr
    assert world.certificate().serial_number != serial
    assert (world.store / "account.json").read_bytes() == account


def test_a_refusal_is_one_sentence_and_keeps_what_is_there(world: World) -> None:
    site = world.lab.state.site
    text = site.read_text()
    assert world.certd().returncode == 0
    serial = world.certificate().serial_number
    site.write_text(text.replace("- video.example.org", "- elsewhere.example.org"))
    try:
        refused = world.certd()
    finally:
        site.write_text(text)
    assert refused.returncode == 1
    assert "certificate.refused label=sip: no certificate for sip.example.org, elsewhere.example.org" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert world.certificate().serial_number == serial


def test_nothing_else_is_opened(world: World) -> None:
    """The port of challenges is open, and refuses while nothing is asked; its neighbour is not."""
    edge = next(str(one.ip) for one in world.lab.topology.zone("internet").addresses if one.version == 4)
    with world.lab.host(AUTHORITY).socket(socket.AF_INET, socket.SOCK_STREAM) as outside:
        outside.settimeout(READY_SECONDS)
        with pytest.raises(ConnectionRefusedError):
            outside.connect((edge, 80))
    with world.lab.host(AUTHORITY).socket(socket.AF_INET, socket.SOCK_STREAM) as outside:
        outside.settimeout(1.0)
        with pytest.raises(TimeoutError):
            outside.connect((edge, 81))


@contextmanager
def _authority(lab: Lab, folder: Path) -> Iterator[None]:
    """Run an authority that asks back at once, and the names it looks up: all of ours lead to the edge."""
    host = lab.host(AUTHORITY)
    edge = {one.version: str(one.ip) for one in lab.topology.zone("internet").addresses}
    config = {
        "listenAddress": f"{host.address()}:{DIRECTORY_PORT}",
        "managementListenAddress": f"127.0.0.1:{MANAGEMENT_PORT}",
        "certificate": str(folder / "server.pem"),
        "privateKey": str(folder / "server.key"),
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "domainBlocklist": ["elsewhere.example.org"],
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = ["pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", ""]
    names += ["-dns01", f"127.0.0.1:{NAMES_PORT}", "-defaultIPv4", edge[4], "-defaultIPv6", ""]
    authority = ["env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=30"]  # per cent
    authority += ["pebble", "-config", str(folder / "pebble.json")]
    authority += ["-dnsserver", f"127.0.0.1:{NAMES_PORT}"]
    with (folder / "authority.log").open("wb") as log:
        children = [host.popen(command, stdout=log, stderr=log) for command in (names, authority)]
        try:
            _wait_for(lab, folder / "authority.log")
            yield
        finally:
            for child in children:
                child.kill()
                child.wait()


def _wait_for(lab: Lab, log: Path) -> None:
    host = lab.host(AUTHORITY)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with host.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
            if one.connect_ex((host.address(), DIRECTORY_PORT)) == 0:
                return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _write_server_pair(folder: Path, address: str) -> None:
    """Make the authority's own TLS certificate, which is what `trust` names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "server.key").write_bytes(private)
