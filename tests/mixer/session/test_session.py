"""Offers of room systems, phones and gateways, answered; our own offers, read as the other side reads them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b2bua import sdp
from mixer.session import Abilities, Key, Place, Quality, SessionError, Writer, new_key, propose, read
from mixer.session.read import TRANSPORT_CC, Purpose
from mixer.session.write import FloorPlace

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
AUDIO = "m=audio 5000 RTP/AVP 0 8 9 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
VIDEO = (
    "m=video 5002 RTP/AVPF 120 97 98\r\nb=AS:1000\r\na=rtpmap:120 VP8/90000\r\na=rtpmap:97 H264/90000\r\n"
    "a=fmtp:97 profile-level-id=64001f;packetization-mode=1\r\na=rtpmap:98 H264/90000\r\n"
    "a=fmtp:98 profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:* nack pli\r\na=rtcp-fb:98 ccm fir\r\n"
)
CONTENT = (
    "m=video 5004 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=fmtp:98 profile-level-id=42e028\r\na=content:slides\r\n"
)
FLOOR = (
    "m=application 5006 UDP/BFCP *\r\na=floorctrl:c-only\r\na=confid:7\r\na=userid:2\r\na=floorid:1 mstrm:3\r\n"
    "a=bfcpver:2\r\n"
)
H224 = "m=application 5008 RTP/AVP 107\r\na=rtpmap:107 H224/4800\r\n"
PLACES: dict[Purpose, Place] = {
    "audio": Place(40000, 40001),
    "video": Place(40002, 40003),
    "content": Place(40004, 40005),
    "fecc": Place(40006, 40007),
}


def description(*parts: str) -> sdp.Description:
    return sdp.parse((HEAD + "".join(parts)).encode())


def test_the_best_codec_of_each_line_is_taken() -> None:
    reading = read(description(AUDIO, VIDEO, CONTENT, FLOOR, H224), Abilities())
    audio, video, content, fecc = reading.streams
    assert (audio.codec.name, audio.codec.payload, audio.codec.channels) == ("opus", 111, 2)
    assert audio.events is not None
    assert audio.events.payload == 101
    assert (video.codec.name, video.codec.payload, video.codec.profile) == ("h264", 98, "baseline")
    assert video.feedback == {"pli", "fir"}
    assert (video.bounds.width, video.bounds.height, video.bounds.kbps) == (1280, 720, 1000)
    assert (content.purpose, content.port) == ("content", 5004)
    assert (fecc.purpose, fecc.codec.name, fecc.port) == ("fecc", "h224", 5008)
    assert reading.floor is not None
    assert (reading.floor.conference, reading.floor.user, reading.floor.tcp) == (7, 2, False)


def test_every_line_is_answered_in_its_place() -> None:
    offer = description(AUDIO, VIDEO, CONTENT, FLOOR, H224)
    reading = read(offer, Abilities())
    body = Writer(1, "192.0.2.9").answer(offer, reading, PLACES, Abilities(), FloorPlace(5070, 99, 12))
    answer = sdp.parse(body)
    sdp.check_answer(offer, answer)
    assert [media.port for media in answer.media] == [40000, 40002, 40004, 5070, 40006]
    assert answer.media[4].lines == ("a=rtpmap:107 H224/4800", "a=sendrecv")
    assert answer.media[1].formats == ("98",)
    assert "a=fmtp:98 profile-level-id=42e01f;packetization-mode=1" in answer.media[1].lines
    assert "a=rtcp-fb:98 nack pli" in answer.media[1].lines
    assert {"a=floorctrl:s-only", "a=confid:99", "a=userid:12", "a=floorid:1 mstrm:3"} <= set(answer.media[3].lines)


def test_cameras_are_not_moved_in_the_clear_where_all_else_is_encrypted() -> None:
    key = Key(1, "AES_CM_128_HMAC_SHA1_80", bytes(range(30))).line + "\r\n"
    secret = AUDIO.replace("AVP", "SAVP") + key
    assert [one.purpose for one in read(description(secret, H224), Abilities()).streams] == ["audio"]
    both = read(description(secret, H224.replace("AVP", "SAVP") + key), Abilities())
    assert [one.purpose for one in both.streams] == ["audio", "fecc"]
    assert both.encrypted


def test_packets_are_numbered_where_both_report_on_them() -> None:
    said = "a=rtcp-fb:98 transport-cc\r\n"
    number = f"a=extmap:5 {TRANSPORT_CC}\r\n"
    offer = description(VIDEO + said + number)
    (video,) = read(offer, Abilities()).streams
    assert (video.transport_cc, "transport-cc" in video.feedback) == (5, True)
    answer = Writer(1, "192.0.2.9").answer(offer, read(offer, Abilities()), PLACES, Abilities())
    assert said.strip().encode() in answer
    assert number.strip().encode() in answer
    for lines in (said, number, said + number.replace(":5", ":15")):
        (video,) = read(description(VIDEO + lines), Abilities()).streams
        assert (video.transport_cc, "transport-cc" in video.feedback) == (0, False)


def test_no_call_is_of_camera_control_alone() -> None:
    with pytest.raises(SessionError):
        read(description(H224), Abilities())


def test_a_decoder_is_sent_no_more_than_it_bears() -> None:
    small = VIDEO.replace("42e01f", "42e00d")
    video = read(description(small), Abilities(Quality.FULLHD)).streams[0]
    assert (video.bounds.width, video.bounds.height) == (320, 180)
    more = VIDEO.replace("profile-level-id=42e01f", "profile-level-id=42e00d;max-fs=3600;max-mbps=90000")
    video = read(description(more), Abilities(Quality.FULLHD)).streams[0]
    assert (video.bounds.width, video.bounds.fps) == (1280, 25)


def test_a_server_may_have_more_pictures_a_second_and_a_decoder_gets_what_it_bears() -> None:
    quick = Abilities(fps=30)
    assert read(description(VIDEO), quick).streams[0].bounds.fps == 30
    slow = VIDEO.replace("42e01f", "42e00d;max-fs=3600;max-mbps=54000")
    assert read(description(slow), quick).streams[0].bounds.fps == 15


@pytest.mark.parametrize(("quality", "level"), [(Quality.SD, "1e"), (Quality.HD, "1f"), (Quality.FULLHD, "28")])
def test_levels_are_the_rooms_where_they_may_differ(quality: Quality, level: str) -> None:
    offer = description(VIDEO.replace("42e01f", "42e029;level-asymmetry-allowed=1"))
    answer = Writer(1, "::1").answer(offer, read(offer, Abilities(quality)), PLACES, Abilities(quality)).decode()
    assert f"profile-level-id=42e0{level};" in answer


def test_keys_are_answered_in_kind_and_never_shown() -> None:
    ours = new_key("AEAD_AES_256_GCM", 2, os.urandom)
    secret = Key(1, "AES_CM_128_HMAC_SHA1_80", bytes(range(30)))
    better = Key(2, "AEAD_AES_256_GCM", bytes(range(44)))
    offer = description(AUDIO.replace("AVP", "SAVP") + secret.line + "\r\n" + better.line + "\r\n")
    reading = read(offer, Abilities())
    assert reading.streams[0].theirs == better
    assert reading.encrypted
    assert "secret" not in repr(reading)
    answer = Writer(1, "192.0.2.9").answer(offer, reading, {"audio": Place(4, 5, ours)}, Abilities())
    assert ours.line.encode() in answer
    assert b"RTP/SAVP" in answer


def test_what_needs_keys_and_has_none_is_refused() -> None:
    with pytest.raises(SessionError):
        read(description(AUDIO.replace("AVP", "SAVP")), Abilities())


def test_hold_is_read_from_direction_and_from_the_old_way() -> None:
    held = read(description(AUDIO + "a=sendonly\r\n"), Abilities()).streams[0]
    assert (held.sends, held.receives) == (False, True)
    old = read(
        sdp.parse((HEAD + AUDIO).replace("IN IP4 192.0.2.1\r\nt=", "IN IP4 0.0.0.0\r\nt=").encode()), Abilities()
    )
    assert old.streams[0].address is None
    assert not old.streams[0].sends


def test_an_unchanged_answer_keeps_its_version() -> None:
    offer = description(AUDIO)
    writer = Writer(5, "192.0.2.9")
    reading = read(offer, Abilities())
    first = writer.answer(offer, reading, PLACES, Abilities())
    assert writer.answer(offer, reading, PLACES, Abilities()) == first
    assert b"o=- 5 1 " in writer.answer(offer, reading, PLACES | {"audio": Place(9, 10)}, Abilities())


def test_our_offer_is_one_that_we_would_take() -> None:
    keys: dict[Purpose, tuple[Key, ...]] = {"audio": (new_key("AES_CM_128_HMAC_SHA1_80", 1, os.urandom),)}
    rows = propose(PLACES, keys, Abilities(), FloorPlace(5070, 1, 2))
    offer = sdp.parse(Writer(1, "192.0.2.9").lines(rows))
    reading = read(offer, Abilities())
    assert [stream.purpose for stream in reading.streams] == ["audio", "video", "content"]
    assert [stream.codec.name for stream in reading.streams] == ["opus", "h264", "h264"]
    assert reading.streams[0].encrypted
    assert sdp.endpoints(offer)[3].transport is sdp.Transport.BFCP_UDP


LINES = st.sampled_from(
    [
        *(line for part in (AUDIO, VIDEO, CONTENT, FLOOR, H224) for line in part.split("\r\n")),
        "a=crypto:1 X inline:",
    ]
)


@given(st.lists(LINES, max_size=30), st.binary(max_size=20))
def test_whatever_is_offered_is_answered_or_refused(lines: list[str], noise: bytes) -> None:
    body = HEAD.encode() + "\r\n".join(line for line in lines if line).encode() + b"\r\na=fmtp:98 " + noise + b"\r\n"
    try:
        offer = sdp.parse(body)
        reading = read(offer, Abilities())
    except (sdp.SdpError, SessionError):
        return
    answer = sdp.parse(Writer(1, "192.0.2.9").answer(offer, reading, PLACES, Abilities()))
    sdp.check_answer(offer, answer)
