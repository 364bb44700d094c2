"""The certificates of a lab."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from lab.keys import issue, issue_edge
from lab.site import EDGE_FILES, ROOT_FILE, callable_hosts
from lab.topology import STANDARD


def test_every_host_and_the_edge_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.keys.os.chown", lambda *_: None)  # a unit test may not be root
    authority = issue(STANDARD, tmp_path)
    assert authority.path == tmp_path / ROOT_FILE
    for name in [EDGE_FILES, *(host.name for host in callable_hosts(STANDARD))]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_verify_locations(authority.path)
        context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o077 == 0
    before = (tmp_path / f"{EDGE_FILES}.pem").read_bytes()
    issue_edge(STANDARD, authority)
    assert (tmp_path / f"{EDGE_FILES}.pem").read_bytes() != before
