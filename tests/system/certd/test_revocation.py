"""A real responder (OpenSSL's) on the internet of a lab is asked through the firewall; TLS goes by what it says."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lab.authority import Pair
from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.site import ROOT_FILE
from lab.topology import TLS_PORT
from tests.system.calls.edge import Edge, wait_until_serving

pytestmark = pytest.mark.system

RESPONDER = "clinic"
SECONDS = 30.0
OPTIONS = (
    b"OPTIONS sip:edge SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:edge>\r\n"
    b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.temporary("ocsp") as up:
        site = yaml.safe_load(up.state.site.read_text())
        site["revocation"] = {"zone": "internet"}
        for listener in site["zones"]["internet"]["sip"]:
            if listener["transport"] == "tls":
                listener["ocsp"] = "required"
        up.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        up.start(*PROGRAMS)
        wait_until_serving(Edge(up, "tls"))
        yield up


def test_a_certificate_passes_once_its_authority_was_asked_and_until_it_is_revoked(lab: Lab, tmp_path: Path) -> None:
    assert lab.authority is not None
    pair = lab.authority.issue("asked", ["clinic.lab.example"], responder=f"http://{lab.host(RESPONDER).address()}/")
    assert not passes(lab, pair)
    with responder(lab, tmp_path, f"V\t400101000000Z\t\t{pair.serial:X}\tunknown\t/CN=asked\n"):
        certd(lab)
    assert passes(lab, pair)
    (answer,) = (lab.state.certificates / "answers").iterdir()
    answer.unlink()  # of today: certd would not ask again before half a day
    with responder(lab, tmp_path, f"R\t400101000000Z\t260101000000Z\t{pair.serial:X}\tunknown\t/CN=asked\n"):
        certd(lab)
    assert not passes(lab, pair)
    log = (lab.state.logs / "b2bua.log").read_text()
    assert "has not said lately" in log
    assert "has been revoked, says its authority" in log


def passes(lab: Lab, pair: Pair) -> bool:
    """Tell whether somebody who shows a certificate is answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(lab.state.keys / ROOT_FILE)
    context.load_cert_chain(*pair.texts)
    edge = next(str(one.ip) for one in lab.topology.zone("internet").addresses if one.version == 4)
    with lab.host(RESPONDER).socket(socket.AF_INET, socket.SOCK_STREAM) as raw:
        raw.settimeout(SECONDS)
        raw.connect((edge, TLS_PORT))
        try:
            with context.wrap_socket(raw) as secured:
                secured.sendall(OPTIONS)
                return secured.recv(4096).startswith(b"SIP/2.0 ")
        except (ssl.SSLError, ConnectionError):  # TLS 1.3: the client hears of it after its own handshake
            return False


def certd(lab: Lab) -> None:
    """Run the program on the edge."""
    command = [str(Path(sys.executable).with_name("certd")), "--site", str(lab.state.site)]
    command += ["--store", str(lab.state.certificates), "--met", str(lab.state.run / "met")]
    done = lab.host("edge").run(command, timeout=2 * SECONDS, check=False)
    assert (done.returncode, "answer.fetched" in done.stderr) == (0, True), done.stderr


@contextmanager
def responder(lab: Lab, folder: Path, index: str) -> Iterator[None]:
    """Let the root of the lab be asked about what stands in an index of OpenSSL's."""
    root = lab.authority
    assert root is not None
    (folder / "index.txt").write_text(index)
    (folder / "root.key").write_bytes(root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = ["openssl", "ocsp", "-port", "80", "-index", "index.txt", "-CA", str(root.path), "-ndays", "1"]
    command += ["-rsigner", str(root.path), "-rkey", "root.key"]
    process = lab.host(RESPONDER).popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        try:
            assert any(line.startswith("ACCEPT") for line in process.stdout or ()), "the responder did not start"
            yield
        finally:
            process.terminate()
