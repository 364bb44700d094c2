"""The site file that the lab writes for its edge."""

from pathlib import Path

from lab.site import site_text
from lab.topology import STANDARD
from vdx import site


def _site() -> site.Site:
    return site.parse(site_text(STANDARD, "lab", Path("/keys")).encode()).site


def test_it_has_every_zone_with_the_addresses_of_the_topology() -> None:
    zones = _site().zones
    for side in STANDARD.edge:
        settings = zones[side.zone]
        assert settings.interface == side.interface
        assert settings.addresses == side.addresses


def test_there_is_no_sip_and_no_media_on_the_management_side() -> None:
    mgmt = _site().zones["mgmt"]
    assert not mgmt.sip
    assert not mgmt.media.addresses


def test_every_other_zone_listens_on_every_transport_in_both_families() -> None:
    zones = _site().zones
    for name in ("sdn", "internet", "core"):
        heard = {(listener.transport, listener.address.version) for listener in zones[name].sip}
        assert heard == {(transport, family) for transport in ("udp", "tcp", "tls", "wss") for family in (4, 6)}


def test_every_host_can_be_dialled_by_name_over_either_family() -> None:
    parsed = _site()
    for name in ("hospital", "municipality", "core", "clinic", "home"):
        for label, family in ((name, 4), (f"{name}6", 6)):
            assert any(rule.alias == label and rule.leads_to == label for rule in parsed.dialplan)
            assert parsed.peers[label].media_family == family


def test_media_of_the_home_may_come_from_its_router_only() -> None:
    home = _site().peers["home"]
    assert [str(prefix) for prefix in home.media or ()] == ["198.51.100.130/32"]
    assert home.learns
