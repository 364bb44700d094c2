from __future__ import annotations

import pytest

from tests.peers import sdp


def test_what_is_written_reads_back() -> None:
    text = sdp.write("192.0.2.1", [sdp.audio(5000), sdp.video(5002, "sendonly"), sdp.bfcp(5004)])
    audio, video, floor = sdp.read(text)
    assert (audio.medium, audio.address, audio.port, audio.rtcp_port) == ("audio", "192.0.2.1", 5000, 5001)
    assert (video.direction, audio.direction) == ("sendonly", "sendrecv")
    assert (floor.proto, floor.formats) == ("UDP/BFCP", ("*",))
    assert sdp.addresses(text) == {"192.0.2.1"}


def test_a_stream_may_have_its_own_address_and_rtcp_port() -> None:
    session = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
    text = f"{session}m=audio 5000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\na=rtcp:6000\r\n"
    (stream,) = sdp.read(text)
    assert (stream.address, stream.rtcp_port) == ("2001:db8::1", 6000)
    assert sdp.addresses(text) == {"192.0.2.1", "2001:db8::1"}


@pytest.mark.parametrize("text", ["", "hello", "v=0\r\nm=audio 5000 RTP/AVP 0\r\n", "v=0\r\nm=audio\r\n"])
def test_what_is_no_description_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        sdp.read(text)
