"""An update that is sent over a real connection: one that breaks off, one that nobody asked for, and a whole one."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.gatewayd.web.test_schemathesis_system import served

PATH = "/api/v1/machine/update"


@pytest.mark.system
def test_an_update_that_breaks_off_leaves_room_for_the_next(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        host = urlsplit(address).netloc
        bearer = {"authorization": f"Bearer {(tmp_path / 'token').read_text()}"}

        def put(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            connection = HTTPConnection(host, timeout=60)
            connection.request("PUT", PATH, body, headers)
            answer = connection.getresponse()
            told = answer.status, answer.read()
            connection.close()
            return told

        for _ in range(3):
            with socket.create_connection((host.partition(":")[0], int(host.partition(":")[2]))) as cut:
                head = f"PUT {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: {bearer['authorization']}\r\n"
                cut.sendall(f"{head}content-length: 1000000\r\n\r\nversion 7".encode())
        assert put(b"x" * 1_000_000, {})[0] == 401
        status, said = put(b"x" * 8_000_000, bearer)
        assert (status, b"this is no update" in said) == (422, True)
        assert put(b"version 8", bearer)[0] == 200
        assert (tmp_path / "received").read_text() == "8"
    assert "Traceback" not in (tmp_path / "log").read_text()
