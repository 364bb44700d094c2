import pytest

from b2bua.sdp import AnswerMismatchError, Description, OurMedia, Profile, Writer, address, endpoints, parse
from b2bua.sdp.limits import MAX_SESSION_ID

OURS = address("203.0.113.10")
OTHER = address("203.0.113.11")
OURS6 = address("2001:db8:ff::10")


def describe(*lines: str) -> Description:
    return parse("\n".join(["v=0", "c=IN IP4 192.0.2.1", *lines]).encode())


def write(
    received: Description,
    *ours: OurMedia | None,
    answer_to: Description | None = None,
    profile: Profile | None = None,
) -> list[str]:
    body = Writer(7, OURS).write(received, ours, answer_to=answer_to, profile=profile or Profile())
    return body.decode().removesuffix("\r\n").split("\r\n")


AUDIO = describe("m=audio 5000 RTP/AVP 0")
MEDIA = OurMedia(OURS, 30000, 30001)


def test_the_session_part_is_ours() -> None:
    assert write(AUDIO, MEDIA) == [
        "v=0",
        "o=- 7 1 IN IP4 203.0.113.10",
        "s=-",
        "c=IN IP4 203.0.113.10",
        "t=0 0",
        "m=audio 30000 RTP/AVP 0",
        "a=sendrecv",
    ]


def origin(body: bytes) -> str:
    return body.decode().split("\r\n")[1]


def test_the_version_counts_up_exactly_when_something_changes() -> None:
    writer = Writer(7, OURS)
    held = describe("m=audio 5000 RTP/AVP 0", "a=sendonly")
    versions = [origin(writer.write(received, [MEDIA])).split()[2] for received in (AUDIO, AUDIO, held, held, AUDIO)]
    assert versions == ["1", "1", "2", "2", "3"]


def test_a_changed_origin_of_the_far_side_alone_is_no_change() -> None:
    writer = Writer(7, OURS)
    first = writer.write(describe("o=- 1 1 IN IP4 192.0.2.1", "m=audio 5000 RTP/AVP 0"), [MEDIA])
    assert writer.write(describe("o=- 1 2 IN IP4 192.0.2.1", "m=audio 5002 RTP/AVP 0"), [MEDIA]) == first


def test_a_failed_write_leaves_the_version_alone() -> None:
    writer = Writer(7, OURS)
    writer.write(AUDIO, [MEDIA])
    with pytest.raises(AnswerMismatchError):
        writer.write(AUDIO, [MEDIA], answer_to=describe())
    assert origin(writer.write(describe("m=audio 0 RTP/AVP 0"), [None])) == "o=- 7 2 IN IP4 203.0.113.10"


@pytest.mark.parametrize("session_id", [-1, MAX_SESSION_ID + 1])
def test_a_session_id_fits_63_bits(session_id: int) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        Writer(session_id, OURS)


def test_each_m_line_needs_a_decision() -> None:
    with pytest.raises(ValueError, match="1 m-lines and 2 media"):
        write(AUDIO, MEDIA, None)


def test_an_answer_with_other_m_lines_is_the_far_sides_fault() -> None:
    with pytest.raises(AnswerMismatchError):
        write(describe(), MEDIA, answer_to=AUDIO)


def test_a_stream_that_is_refused_by_either_side_keeps_its_place() -> None:
    received = describe(
        "m=audio 5000 RTP/AVP 0", "a=mid:1", "a=ptime:20", "m=video 0 RTP/AVP 96", "m=image 5 udptl t38"
    )
    assert write(received, None, MEDIA, MEDIA)[5:] == [
        "m=audio 0 RTP/AVP 0",
        "a=mid:1",
        "m=video 0 RTP/AVP 96",
        "m=image 0 udptl t38",
    ]


def test_the_origin_stands_when_nothing_is_carried() -> None:
    assert write(AUDIO, None)[3:] == ["c=IN IP4 203.0.113.10", "t=0 0", "m=audio 0 RTP/AVP 0"]


def test_a_connection_line_stands_where_the_address_is_another() -> None:
    received = describe(*["m=video 5000 RTP/AVP 96"] * 3)
    text = write(received, OurMedia(OTHER, 30000), OurMedia(OTHER, 30002), OurMedia(OURS6, 30004))
    assert text[1] == "o=- 7 1 IN IP4 203.0.113.10"
    assert [line for line in text if line[0] in "cm"] == [
        "c=IN IP4 203.0.113.11",
        "m=video 30000 RTP/AVP 96",
        "m=video 30002 RTP/AVP 96",
        "m=video 30004 RTP/AVP 96",
        "c=IN IP6 2001:db8:ff::10",
    ]


@pytest.mark.parametrize(
    ("rtcp_port", "lines"), [(30001, []), (None, []), (30005, ["a=rtcp:30005"]), (30000, ["a=rtcp:30000"])]
)
def test_rtcp_is_written_where_it_is_not_the_next_port(rtcp_port: int | None, lines: list[str]) -> None:
    received = describe("m=audio 5000 RTP/AVP 0", "a=rtcp:6000 IN IP4 192.0.2.2")
    assert [line for line in write(received, OurMedia(OURS, 30000, rtcp_port)) if "rtcp" in line] == lines


MUX = describe("m=audio 5000 RTP/AVP 0", "a=rtcp-mux")


@pytest.mark.parametrize(
    ("received", "answer_to", "written"),
    [(MUX, None, True), (AUDIO, None, False), (MUX, MUX, True), (MUX, AUDIO, False), (AUDIO, MUX, False)],
)
def test_mux_is_offered_on_if_offered_and_accepted_if_both_do(
    received: Description, answer_to: Description | None, written: bool
) -> None:
    assert ("a=rtcp-mux" in write(received, MEDIA, answer_to=answer_to)) is written


def test_an_answer_with_mux_names_no_other_rtcp_port() -> None:
    assert "a=rtcp:30009" in write(MUX, OurMedia(OURS, 30000, 30009))
    assert "a=rtcp:30009" not in write(MUX, OurMedia(OURS, 30000, 30009), answer_to=MUX)


@pytest.mark.parametrize(
    ("offered", "answered", "written"),
    [
        ("sendrecv", "recvonly", "a=recvonly"),
        ("sendonly", "sendrecv", "a=recvonly"),
        ("inactive", "sendrecv", "a=inactive"),
        ("recvonly", "sendrecv", "a=sendonly"),
    ],
)
def test_an_answer_is_cut_to_the_offer(offered: str, answered: str, written: str) -> None:
    offer = describe("m=audio 5000 RTP/AVP 0", f"a={offered}")
    answer = describe("m=audio 6000 RTP/AVP 0", f"a={answered}")
    assert write(answer, MEDIA, answer_to=offer)[-1] == written


def test_the_direction_is_inherited_and_written_once() -> None:
    text = write(
        describe("a=sendonly", "m=audio 5000 RTP/AVP 0", "m=video 5002 RTP/AVP 96", "a=recvonly"), MEDIA, MEDIA
    )
    assert [line for line in text if line in {"a=sendonly", "a=recvonly", "a=sendrecv"}] == ["a=sendonly", "a=recvonly"]


def test_an_answer_speaks_the_proto_of_its_offer() -> None:
    offer = describe("m=video 5000 RTP/AVPF 96", "m=audio 0 RTP/AVPF 0")
    answer = describe("m=video 6000 RTP/AVP 96", "m=audio 0 RTP/AVP 0")
    heads = [line for line in write(answer, MEDIA, MEDIA, answer_to=offer) if line[0] == "m"]
    assert heads == ["m=video 30000 RTP/AVPF 96", "m=audio 0 RTP/AVPF 0"]


def test_what_was_offered_with_port_zero_is_answered_with_port_zero() -> None:
    assert "m=audio 0 RTP/AVP 0" in write(AUDIO, MEDIA, answer_to=describe("m=audio 0 RTP/AVP 0"))


def test_groups_are_answered_only_where_offered() -> None:
    grouped = describe("a=group:LS 1", "m=audio 5000 RTP/AVP 0", "a=mid:1")
    assert "a=group:LS 1" in write(grouped, MEDIA)
    assert "a=group:LS 1" in write(grouped, MEDIA, answer_to=grouped)
    assert "a=group:LS 1" not in write(grouped, MEDIA, answer_to=AUDIO)


@pytest.mark.parametrize(
    ("proto", "setup", "head"),
    [
        ("UDP/BFCP", "active", "m=application 30000 UDP/BFCP *"),
        ("TCP/BFCP", "active", "m=application 9 TCP/BFCP *"),
        ("TCP/BFCP", "passive", "m=application 30000 TCP/BFCP *"),
        ("TCP/BFCP", "actpass", "m=application 30000 TCP/BFCP *"),
    ],
)
def test_bfcp_stays_bfcp_and_keeps_who_connects(proto: str, setup: str, head: str) -> None:
    floor = ["a=floorctrl:c-s", "a=confid:1", "a=userid:2", "a=floorid:1 mstrm:3"]
    received = describe(f"m=application 5000 {proto} *", f"a=setup:{setup}", *floor)
    assert write(received, MEDIA)[5:] == [head, f"a=setup:{setup}", *floor]


def test_who_connects_passes_from_the_session_part_too() -> None:
    received = describe("a=setup:passive", "m=application 5000 TCP/BFCP *")
    assert "a=setup:passive" in write(received, MEDIA, profile=Profile(dtls=False))
    assert "a=setup:passive" not in write(AUDIO, MEDIA, profile=Profile(dtls=False))


def test_formats_of_bfcp_and_of_refused_lines_hide_no_address() -> None:
    received = describe("m=application 5000 UDP/BFCP 192.0.2.1", "m=image 5002 udptl 192.0.2.1", "a=mid:192.0.2.1")
    assert write(received, MEDIA, None)[5:] == ["m=application 30000 UDP/BFCP *", "m=image 0 udptl 0"]


def test_an_encrypted_line_whose_keys_may_not_pass_is_refused() -> None:
    received = describe("m=audio 5000 RTP/SAVP 0", "a=crypto:1 A inline:B")
    assert write(received, MEDIA)[5:] == ["m=audio 0 RTP/SAVP 0"]
    assert write(received, MEDIA, profile=Profile(sdes=True))[5:7] == [
        "m=audio 30000 RTP/SAVP 0",
        "a=crypto:1 A inline:B",
    ]


def test_refusing_everything_answers_every_m_line() -> None:
    offer = describe("m=audio 5000 RTP/AVP 0", "a=mid:1", "m=application 5002 UDP/BFCP *")
    answer = parse(Writer(7, OURS).refuse(offer))
    assert [media.head for media in answer.media] == ["m=audio 0 RTP/AVP 0", "m=application 0 UDP/BFCP *"]
    assert not any(stream.active for stream in endpoints(answer))


def test_offer_and_answer_cross_the_edge_and_fit() -> None:
    offer = describe("m=audio 5000 RTP/AVP 0 8", "m=video 5002 RTP/AVPF 96", "a=rtcp-mux")
    to_callee = parse(Writer(1, OURS6).write(offer, [OurMedia(OURS6, 40000), OurMedia(OURS6, 40002)]))
    answer = describe("m=audio 7000 RTP/AVP 8", "m=video 0 RTP/AVPF 96")
    to_caller = parse(Writer(2, OURS).write(answer, [MEDIA, None], answer_to=offer))
    assert [stream.family for stream in endpoints(to_callee)] == [6, 6]
    assert [media.head for media in to_caller.media] == ["m=audio 30000 RTP/AVP 8", "m=video 0 RTP/AVPF 96"]


KEYED = ("a=crypto:1 A inline:B", "a=setup:actpass", "a=tls-id:x")


def test_best_effort_becomes_binding_where_encryption_is_required() -> None:
    offer = describe("m=audio 5000 RTP/AVP 0", KEYED[0], "m=video 5002 RTP/AVPF 96", KEYED[0])
    profile = Profile(sdes=True, required=True)
    heads = [line for line in write(offer, MEDIA, MEDIA, profile=profile) if line[0] == "m"]
    assert heads == ["m=audio 30000 RTP/SAVP 0", "m=video 30000 RTP/SAVPF 96"]
    answer = describe("m=audio 6000 RTP/SAVP 0", KEYED[0], "m=video 6002 RTP/SAVPF 96", KEYED[0])
    heads = [line for line in write(answer, MEDIA, MEDIA, answer_to=offer, profile=profile) if line[0] == "m"]
    assert heads == ["m=audio 30000 RTP/AVP 0", "m=video 30000 RTP/AVPF 96"]


def test_an_answer_brings_no_keys_that_were_not_asked_for() -> None:
    answer = describe("m=audio 6000 RTP/AVP 0", *KEYED)
    text = write(answer, MEDIA, answer_to=AUDIO, profile=Profile(sdes=True))
    assert not [line for line in text if "crypto" in line or "tls-id" in line]
