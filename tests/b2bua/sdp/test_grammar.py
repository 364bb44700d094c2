import pytest

from b2bua.sdp import AddressNotUsableError, MalformedSdpError
from b2bua.sdp.grammar import ADDRESS_LIKE, Connection, read_connection, write_connection


@pytest.mark.parametrize("text", ["IN IP4 192.0.2.1", "IN IP6 2001:db8::1"])
def test_a_connection_is_read_and_written(text: str) -> None:
    connection = read_connection(text)
    assert connection.address == text.split()[2]
    assert connection.address is not None
    assert write_connection(connection.address) == text


@pytest.mark.parametrize(
    ("text", "family"),
    [("IN IP4 0.0.0.0", 4), ("IN IP6 ::", 6), ("IN IP6 none.invalid", 6), ("IN IP4 x.INVALID.", 4)],
)
def test_no_address_keeps_its_family(text: str, family: int) -> None:
    connection = read_connection(text)
    assert connection.address is None
    assert connection.family == family


@pytest.mark.parametrize(
    "address",
    [
        "IP4 media.example.org",
        "IP4 invalid.example.org",
        "IP4 2001:db8::1",
        "IP6 192.0.2.1",
        "IP4 233.252.0.1/127",
        "IP4 233.252.0.1",
        "IP6 ff15::101",
        "IP6 ff15::101/3",
        "IP6 ::ffff:192.0.2.1",
        "IP6 fe80::1%eth0",
        "IP4 192.0.2.256",
        "IP4 0x7f000001",
        "IP4 127.1",
    ],
)
def test_what_is_not_one_unicast_address_is_not_acceptable(address: str) -> None:
    with pytest.raises(AddressNotUsableError) as caught:
        read_connection(f"IN {address}")
    assert caught.value.status == 488


@pytest.mark.parametrize("text", ["", "IN IP4", "IN IP5 192.0.2.1", "ATM IP4 192.0.2.1", "IN IP4 192.0.2.1 192.0.2.2"])
def test_what_is_no_connection_is_malformed(text: str) -> None:
    with pytest.raises(MalformedSdpError):
        read_connection(text)


def test_a_connection_is_its_values() -> None:
    assert read_connection("IN IP4 0.0.0.0") == Connection(4, None)


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1",
        "x192.0.2.1y",
        "1.10.0.0.1",
        "::1",
        "fe80::",
        "2001:db8::1",
        "2001:db8:1:2:3:4:5:6",
        "[2001:db8::1]:5",
    ],
)
def test_an_address_is_found_wherever_it_stands(text: str) -> None:
    assert ADDRESS_LIKE.search(f"a=label:{text}")
    assert ADDRESS_LIKE.search(f"a=label:x;{text}/24")


@pytest.mark.parametrize(
    "line",
    [
        "a=rtpmap:97 H264/90000",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=fmtp:96 sprop-vps=QAEMAf//AWAAAAMAAAMAAAMAAAMAlqwJ;x=1.2.3",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31|1:4",
        "a=rtcp-fb:* ccm tmmbr smaxpr=120",
        "a=framerate:30.00",
        "a=floorid:1 mstrm:3 4",
    ],
)
def test_codec_lines_hold_no_address(line: str) -> None:
    assert ADDRESS_LIKE.search(line) is None
