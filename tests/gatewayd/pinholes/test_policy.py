from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.errors import RefusalError
from gatewayd.pinholes.bogons import is_bogon, never_a_host
from gatewayd.pinholes.policy import Far, Place, Policy, own_addresses
from tests.gatewayd.site import changed, load
from vdx.pinhole import Remote

POLICY = Policy(load().site)


def far(peer: str, remote: Remote | None, rtcp: Remote | None = None, signalled: str | None = None) -> tuple[Far, Far]:
    found = POLICY.far(peer, 4, remote, rtcp, signalled)
    return found.rtp, found.rtcp


def place(address: str, port: int) -> Place:
    return ip_address(address), port


@pytest.mark.parametrize(
    ("zone", "peer", "family", "reason"),
    [
        ("sdn", "who", 4, "no peer is called 'who'"),
        ("internet", "hospital", 4, "peer 'hospital' belongs to zone 'sdn', not to 'internet'"),
        ("core", "hospital", 4, "peer 'hospital' belongs to zone 'sdn', not to 'core'"),
    ],
)
def test_an_end_that_may_not_exist(zone: str, peer: str, family: int, reason: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        POLICY.end(zone, peer, family)
    assert (refusal.value.code, str(refusal.value)) == ("policy", reason)


def test_a_zone_without_media_or_without_the_family() -> None:
    policy = Policy(changed(("        - 2001:db8:b::1\n", ""), ("silent: {zone: sdn}", "silent: {zone: mgmt}")).site)
    with pytest.raises(RefusalError, match="zone 'internet' has no IPv6 media address"):
        policy.end("internet", "citizen", 6)
    with pytest.raises(RefusalError, match="zone 'mgmt' carries no media: it has no media address"):
        policy.end("mgmt", "silent", 4)


def test_sdp_of_a_trusted_peer_is_the_remote_and_nothing_is_learned() -> None:
    rtp, rtcp = far("hospital", Remote("10.1.2.3", 20000), signalled="10.9.9.9")
    assert rtp == Far(place("10.1.2.3", 20000))
    assert rtcp == Far(place("10.1.2.3", 20001))


def test_rtcp_where_sdp_says_so() -> None:
    _, rtcp = far("hospital", Remote("10.1.2.3", 20000), Remote("10.1.2.4", 30000))
    assert rtcp == Far(place("10.1.2.4", 30000))


def test_no_rtcp_above_the_last_port() -> None:
    assert far("hospital", Remote("10.1.2.3", 65535))[1] == Far(None)


@pytest.mark.parametrize(
    ("peer", "address", "port", "reason"),
    [
        ("hospital", "192.0.2.77", 20000, "192.0.2.77 is outside the media prefixes of peer 'hospital'"),
        ("hospital", "10.1.2.3", 1023, "port 1023 is below 1024: no media goes there"),
        ("hospital", "10.0.0.1", 20000, "10.0.0.1 is an address of this appliance"),
        ("clinic", "198.51.100.9", 20000, "198.51.100.9 is an address of this appliance"),
        ("clinic", "203.0.113.1", 20000, "203.0.113.1 is an address of this appliance"),
        ("silent", "10.1.2.3", 20000, "10.1.2.3 is outside the media prefixes of peer 'silent'"),
        ("hospital", "224.0.0.5", 20000, "224.0.0.5 is no address of a host"),
        ("hospital", "2001:db8:a::7", 20000, "2001:db8:a::7 is no IPv4 address, as this end of 'hospital' has to have"),
    ],
)
def test_a_destination_that_a_trusted_peer_may_not_name(peer: str, address: str, port: int, reason: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        far(peer, Remote(address, port))
    assert (refusal.value.code, str(refusal.value)) == ("policy", reason)


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0.0/8", "1.2.3.4.5", "fe80::1%eth0", "010.1.2.3"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        far("hospital", Remote(text, 20000))
    assert refusal.value.code == "invalid"


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "192.168.1.5", "100.64.0.1", "127.0.0.1", "198.51.100.1", "203.0.113.1", "0.0.0.0"]
)
def test_a_private_or_own_address_from_behind_nat_is_no_error_and_no_destination(address: str) -> None:
    rtp, rtcp = far("citizen", Remote(address, 20000), signalled="198.51.100.77")
    assert rtp == Far(None, (ip_address("198.51.100.77"),))
    assert rtcp == Far(None, (ip_address("198.51.100.77"),))


def test_a_learning_peer_with_a_public_address_may_also_come_from_its_signalling() -> None:
    rtp, rtcp = far("citizen", Remote("8.8.4.4", 20000), signalled="9.9.9.9")
    assert rtp == Far(place("8.8.4.4", 20000), (ip_address("8.8.4.4"), ip_address("9.9.9.9")))
    assert rtcp.remote == place("8.8.4.4", 20001)
    assert far("citizen", Remote("8.8.4.4", 20000), signalled="8.8.4.4")[0].sources == (ip_address("8.8.4.4"),)


@pytest.mark.parametrize("signalled", ["10.1.1.1", "198.51.100.1", "2001:db8:b::7", "255.255.255.255", "127.0.0.1"])
def test_a_source_of_signalling_that_no_media_can_come_from(signalled: str) -> None:
    assert far("citizen", None, signalled=signalled)[0] == Far(None)


def test_a_learning_peer_of_the_sdn_is_learned_within_its_prefixes_only() -> None:
    assert far("branch", None, signalled="10.7.1.1")[0].sources == (ip_address("10.7.1.1"),)
    assert far("branch", None, signalled="10.8.1.1")[0].sources == ()


def test_signalling_may_come_from_a_proxy_outside_the_media_prefixes() -> None:
    policy = Policy(
        changed(
            (
                "clinic: {zone: internet, learn: false, media: [198.51.100.0/24]",
                "clinic: {zone: internet, media: [9.9.9.0/24]",
            )
        ).site
    )
    assert policy.far("clinic", 4, None, None, "198.51.100.32").rtp.sources == (ip_address("198.51.100.32"),)


def test_what_a_new_site_version_still_allows() -> None:
    assert POLICY.allows("hospital", (ip_address("10.1.2.3"), 20000))
    assert not POLICY.allows("hospital", (ip_address("192.0.2.3"), 20000))
    assert not POLICY.allows("gone", (ip_address("10.1.2.3"), 20000))


@given(st.ip_addresses(), st.integers(1, 65535), st.ip_addresses())
def test_media_of_the_internet_never_goes_inside(address: object, port: int, signalled: object) -> None:
    """Whatever SDP and signalling say, only global addresses that are not ours become remote or source."""
    own = own_addresses(load().site)
    try:
        found = POLICY.far("citizen", 4, Remote(str(address), port), None, str(signalled))
    except RefusalError:
        return
    for side in (found.rtp, found.rtcp):
        for one in (*([side.remote[0]] if side.remote else []), *side.sources):
            assert one.version == 4
            assert not is_bogon(one)
            assert not never_a_host(one)
            assert one not in own


@pytest.mark.parametrize("address", ["::ffff:8.8.8.8", "ff02::1", "fe80::1", "::1", "::", "255.255.255.255"])
def test_addresses_that_are_no_host(address: str) -> None:
    assert never_a_host(ip_address(address))


@pytest.mark.parametrize(
    ("address", "bogon"),
    [
        ("8.8.8.8", False), ("11.0.0.0", False), ("10.255.255.255", True), ("172.32.0.0", False), ("198.20.0.0", False),
        ("223.255.255.255", False), ("224.0.0.0", True), ("2001:db8::1", False), ("2a00::1", False), ("fd00::1", True),
        ("64:ff9b::a00:1", True), ("2002:a00:1::", True), ("2001:0:5::", True), ("4000::1", True),
    ],
)  # fmt: skip
def test_bogons(address: str, bogon: bool) -> None:
    assert is_bogon(ip_address(address)) is bogon
