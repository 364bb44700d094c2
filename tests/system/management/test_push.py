"""The whole cycle over HTTPS: a real gatewayd on a real kernel, the web program as a user of its own beside it."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
from pathlib import Path

import pytest
import yaml

from gatewayd.web import credentials
from tests.gatewayd.edge import eventually
from tests.gatewayd.web.running import readable
from tests.system.management.conftest import Managed

pytestmark = pytest.mark.system

NEW = "10.0.0.77"
NORTH = """\
peers:
  north: {zone: sdn, sources: [10.9.1.0/24], target: {address: 10.9.1.1}}
"""


def addresses(managed: Managed) -> set[str]:
    found = managed.edge.route("edge", lambda route: route.get_addr(index=route.link_lookup(ifname="sdn0")[0]))
    return {message.get_attr("IFA_ADDRESS") for message in found if message["family"] == socket.AF_INET}


def changed(managed: Managed) -> str:
    site = managed.edge.site
    zones = dict(site["zones"])
    zones["sdn"] = {**zones["sdn"], "addresses": [*zones["sdn"]["addresses"], f"{NEW}/24"]}
    return yaml.safe_dump({**site, "zones": zones}, sort_keys=False)


def pushed(managed: Managed, text: str, who: str, fragment: str) -> str:
    _, situation = managed.web.call("GET", "/situation", who)
    heads = {each["name"]: each["ref"] for each in situation["fragments"]}
    said = {"fragment": fragment, "text": text, "expected": heads.get(fragment)}
    status, candidate = managed.web.call("POST", "/candidates", who, said)
    assert status == 200, candidate
    ref: str = candidate["ref"]
    return ref


def test_a_change_over_https_reaches_the_kernel_and_goes_back_by_itself(managed: Managed) -> None:
    web = managed.web
    web.token("anna")
    ref = pushed(managed, changed(managed), "anna", "base")
    status, checked = web.call("POST", f"/candidates/{ref}/check", "anna", {})
    assert (status, checked["faults"]) == (200, [])
    status, told = web.call("GET", f"/candidates/{ref}/differences", "anna")
    assert any(NEW in word for word in told["words"])
    assert web.call("POST", f"/candidates/{ref}/apply", "anna", {"confirm_within": 2})[0] == 200
    assert NEW in addresses(managed)
    eventually(lambda: NEW not in addresses(managed))
    ref = pushed(managed, changed(managed), "anna", "base")
    assert web.call("POST", f"/candidates/{ref}/apply", "anna", {"confirm_within": 60})[0] == 200
    assert web.call("POST", "/confirm", "anna", {})[0] == 200
    assert NEW in addresses(managed)
    _, history = web.call("GET", "/versions", "anna")
    assert [each["state"] for each in history["versions"]] == ["running", "taken back", "replaced"]
    _, lines = web.call("GET", "/journal?verify=true", "anna")
    assert (lines["damage"], "anna" in {each["who"] for each in lines["lines"]}) == ("", True)


def test_each_role_and_each_way_in(managed: Managed) -> None:
    web = managed.web
    for name in ("anna", "carl", "dora", "bo"):
        web.token(name)
    ref = pushed(managed, NORTH, "bo", "north")
    assert web.call("POST", f"/candidates/{ref}/apply", "bo", {})[0] == 200
    assert web.call("GET", "/status", "bo")[0] == 403
    status, report = web.call("GET", "/status", "dora")
    assert (status, report["program"], report["state"]) == (200, "gatewayd", "waiting for b2bua")
    assert web.call("GET", "/calls", "dora")[0] == 503
    assert web.call("GET", "/pinholes", "dora")[1]["leases"] == []
    assert web.call("GET", "/bans", "dora")[1]["bans"] == {}
    (rule,) = web.call("GET", "/rules", "dora")[1]["rules"]
    assert (rule["action"], rule["packets"]) == ("deny", 0)
    assert web.call("PUT", "/drain", "dora", {})[0] == 403
    assert web.call("PUT", "/drain", "carl", {"seconds": 1800, "why": "a new release"})[0] == 200
    assert web.call("GET", "/status", "dora")[1]["facts"]["draining"].startswith("calls end in ")
    assert web.call("DELETE", "/drain", "carl")[0] == 200
    assert web.call("PUT", "/cuts/peer/north", "dora", {"why": "x"})[0] == 403
    assert web.call("PUT", "/cuts/peer/north", "carl", {"why": "key stolen"})[0] == 200
    assert [each["name"] for each in web.call("GET", "/situation", "anna")[1]["cuts"]] == ["north"]
    assert web.call("DELETE", "/cuts/peer/north", "anna")[0] == 200
    assert web.call("GET", "/whoami")[0] == 401
    assert web.call("GET", "/whoami", "nobody")[0] == 403  # a token whose owner is not in the table
    pair = web.authority.issue("deploy", ["deploy.north.example"])
    stranger = web.authority.issue("stranger", ["stranger.example"])
    listed = credentials.load(web.file)
    known = (credentials.Certificate("deploy.north.example", "bo"),)
    credentials.store(web.file, credentials.Listed(listed.key, listed.tokens, known))
    readable(web.file)
    assert web.call("GET", "/whoami", pair=pair)[1]["name"] == "bo"
    assert web.call("GET", "/whoami", pair=stranger)[0] == 401


def test_gatewayd_goes_and_comes_back(managed: Managed) -> None:
    web = managed.web
    web.token("anna")
    managed.edge.stop()
    assert web.call("GET", "/situation", "anna")[0] == 503
    managed.edge.start("--web", "64315")
    assert web.call("GET", "/situation", "anna")[0] == 200


def test_who_connects_from_elsewhere_or_speaks_otherwise_gets_nothing(managed: Managed) -> None:
    web = managed.web

    def raw(content: bytes) -> bytes:
        tls = ssl.create_default_context(cafile=str(web.authority.path))
        with (
            socket.create_connection((web.address, web.port), timeout=20) as plain,
            tls.wrap_socket(plain, server_hostname=web.address) as connection,
        ):
            connection.sendall(content)
            return connection.recv(4096)

    head = b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x: " + b"a" * 40_000
    assert web.on(lambda: raw(head + b"\r\n\r\n")).startswith(b"HTTP/1.1 400")

    def reached() -> bool:
        try:
            socket.create_connection((web.address, web.port), timeout=1).close()
        except OSError:
            return False
        return True

    assert web.on(reached)
    assert not managed.edge.on("left", reached)  # the SDN has no way to it
    log = (managed.edge.directory / "web" / "log").read_text()
    assert "vdx_" not in log


def test_a_certificate_is_renewed_while_it_serves(managed: Managed) -> None:
    web = managed.web
    serial = web.on(lambda: _serial(web.address, web.port, web.authority.path))
    fresh = web.authority.issue("edge", [web.address])
    for each in (fresh.certificate, fresh.key):
        readable(each)
    assert web.process is not None
    web.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: web.on(lambda: _serial(web.address, web.port, web.authority.path)) != serial)


def _serial(address: str, port: int, trust: Path) -> str:
    tls = ssl.create_default_context(cafile=str(trust))
    connection = http.client.HTTPSConnection(address, port, timeout=20, context=tls)
    connection.connect()
    try:
        assert isinstance(connection.sock, ssl.SSLSocket)
        found = connection.sock.getpeercert()
        assert found is not None
        return str(found["serialNumber"])
    finally:
        connection.close()
