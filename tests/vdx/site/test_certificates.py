"""Keys of TLS and secure WebSocket in a site file, and what they become for `b2bua` and the firewall."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gatewayd.firewall import edge
from gatewayd.pinholes.layout import layout
from gatewayd.signalling import signalling
from vdx.control import ListenerTls, PeerTls
from vdx.site import SiteError, parse

TEXT = """
name: edge
zones:
  internet:
    interface: net0
    addresses: [192.0.2.10/24]
    sip:
      - {transport: tls, address: 192.0.2.10, certificate: /k/a.pem, key: /k/a.key, trust: /k/roots.pem}
      - transport: wss
        address: 192.0.2.10
        certificates: [{certificate: /k/b.pem, key: /k/b.key}, {certificate: /k/c.pem, key: /k/c.key}]
        origins: [https://video.example.org]
        path: /sip
peers:
  county:
    zone: internet
    certificate: {names: [SIP.County.example.], subject: {serialNumber: 232100-0123}}
    trust: /k/county.pem
    crl: [/k/county.crl]
    target: {address: 198.51.100.20, transport: tls, server_name: sip.county.example}
    qualify: 30
"""


def test_what_b2bua_is_told() -> None:
    part = signalling(parse(TEXT.encode()))
    tls, wss = part.listeners
    assert (tls.port, wss.port) == (5061, 443)
    assert tls.tls == ListenerTls((("/k/a.pem", "/k/a.key"),), "/k/roots.pem", clients="required")
    pairs = (("/k/b.pem", "/k/b.key"), ("/k/c.pem", "/k/c.key"))
    assert wss.tls == ListenerTls(pairs, clients="off", origins=("https://video.example.org",), path="/sip")
    (peer,) = part.peers
    assert peer.target == ("198.51.100.20", 5061, "tls")
    assert peer.qualify == 30
    assert peer.tls == PeerTls(
        ("sip.county.example",),
        (("serialNumber", "232100-0123"),),
        "/k/county.pem",
        ("/k/county.crl",),
        "sip.county.example",
    )


def test_what_the_firewall_opens() -> None:
    loaded = parse(TEXT.encode())
    model = edge(loaded, layout(loaded.site, {}))
    assert [(one.protocol, one.port) for one in model.listeners] == [("tcp", 5061), ("tcp", 443)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("certificate: /k/a.pem, key: /k/a.key, ", "", "tls needs `certificate` and `key`"),
        ("key: /k/a.key, ", "", "sip.0.key: is required"),
        (", trust: /k/roots.pem", "", "say with `trust` (a PEM file) whose certificates count here"),
        ("transport: tls, address: 192.0.2.10, ", "transport: tcp, address: 192.0.2.10, ", "tcp has no certificates"),
        ("        origins: [https://video.example.org]\n", "", "wss needs `origins`"),
        ("[https://video.example.org]", "[https://video.example.org/page]", "origins.0"),
        ("[https://video.example.org]", "['*']", "origins.0"),
        ("path: /sip", "path: sip", "path"),
        ("/k/roots.pem}", "/k/roots.pem, path: /x}", "`origins` and `path` belong to wss"),
        ("certificate: /k/a.pem", "certificate: a.pem", "'a.pem' is no absolute path: write it as in"),
        ("        path: /sip", "        port: 5061", "another listener has this address and port: remove one"),
        ("names: [SIP.County.example.]", "names: ['not a name']", "'not a name' is no host name"),
        ("{serialNumber: 232100-0123}", "{mail: x}", "certificate.subject.mail"),
        (
            "{names: [SIP.County.example.], subject: {serialNumber: 232100-0123}}",
            "{}",
            "say what the certificate carries",
        ),
        ("transport: tls, server_name", "server_name", "`server_name` is checked over TLS only"),
        ("qualify: 30", "qualify: 1", "qualify"),
        (
            "target: {address: 198.51.100.20, transport: tls",
            "target: {address: '2001:db8::1', transport: tls",
            "zone 'internet' has no tls listener of IPv6: calls over TLS leave from one",
        ),
    ],
)
def test_what_contradicts(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(SiteError) as refused:
        parse(TEXT.replace(old, new, 1).encode())
    assert told in str(refused.value)


def test_a_certificate_that_nobody_asks_for() -> None:
    listener = "- {transport: udp, address: 192.0.2.10}\n"
    start, end = TEXT.index("- {transport: tls"), TEXT.index("      - transport: wss")
    text = (
        TEXT[:start]
        + listener
        + TEXT[end:].replace(
            "    target: {address: 198.51.100.20, transport: tls, server_name: sip.county.example}\n", ""
        )
    )
    with pytest.raises(SiteError, match="no listener of zone 'internet' asks for certificates"):
        parse(text.encode())


def test_what_the_documentation_shows_can_be_used() -> None:
    text = (Path(__file__).parents[3] / "docs" / "transports.md").read_text()
    shown = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    shown["zones"]["internet"] |= {"interface": "net0", "addresses": ["192.0.2.10/24"]}
    part = signalling(parse(yaml.safe_dump({"name": "edge", **shown}).encode()))
    assert [one.transport for one in part.listeners] == ["tls", "wss"]
    assert part.peers[0].qualify == 30
