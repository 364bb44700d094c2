import pytest

from b2bua.sdp import AnswerMismatchError, Description, StreamsDroppedError, check_answer, check_reoffer, parse


def describe(*heads: str) -> Description:
    return parse("\n".join(["v=0", "c=IN IP4 192.0.2.1", *heads]).encode())


OFFER = describe("m=audio 5000 RTP/AVPF 0 8", "m=video 5002 RTP/SAVP 96", "m=application 5004 UDP/BFCP *")


@pytest.mark.parametrize(
    "answer",
    [
        ("m=audio 1 RTP/AVPF 8", "m=video 2 RTP/SAVP 96", "m=application 3 UDP/BFCP *"),
        ("m=audio 1 RTP/AVP 8", "m=video 2 RTP/SAVPF 96", "m=application 0 UDP/BFCP *"),
        ("m=audio 0 RTP/AVP 0", "m=video 0 RTP/AVP 0", "m=application 0 RTP/AVP 0"),
    ],
)
def test_an_answer_that_fits(answer: tuple[str, ...]) -> None:
    check_answer(OFFER, describe(*answer))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (("m=audio 1 RTP/AVPF 0", "m=video 2 RTP/SAVP 96"), "3 m-lines, its answer 2"),
        (
            ("m=video 2 RTP/SAVP 96", "m=audio 1 RTP/AVPF 0", "m=application 3 UDP/BFCP *"),
            "m-line 1: audio was offered",
        ),
        (("m=audio 1 RTP/AVPF 0", "m=video 2 RTP/AVP 96", "m=application 3 UDP/BFCP *"), "m-line 2: RTP/SAVP was"),
        (("m=audio 1 RTP/AVPF 0", "m=video 2 UDP/TLS/RTP/SAVP 96", "m=application 3 UDP/BFCP *"), "m-line 2"),
        (("m=audio 1 RTP/AVPF 0", "m=video 2 RTP/SAVP 96", "m=application 3 RTP/AVP 0"), "m-line 3: UDP/BFCP"),
        (("m=audio 1 RTP/AVPF 0", "m=video 2 RTP/SAVP 96", "m=application 3 TCP/BFCP *"), "TCP/BFCP answered"),
    ],
)
def test_an_answer_to_something_else(answer: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(AnswerMismatchError, match=sentence) as caught:
        check_answer(OFFER, describe(*answer))
    assert caught.value.status == 502


def test_a_new_offer_may_add_disable_and_change_streams() -> None:
    check_reoffer(OFFER, OFFER)
    check_reoffer(
        OFFER, describe("m=image 0 udptl t38", "m=video 0 RTP/AVP 96", "m=text 1 RTP/AVP 97", "m=video 2 RTP/AVP 96")
    )


def test_a_new_offer_may_not_leave_streams_out() -> None:
    with pytest.raises(StreamsDroppedError, match="3 m-lines, the new offer 1") as caught:
        check_reoffer(OFFER, describe("m=audio 5000 RTP/AVP 0"))
    assert caught.value.status == 488


@pytest.mark.parametrize(
    ("proto", "keys", "binding"),
    [
        ("RTP/AVP", "a=crypto:1 A inline:B", "RTP/SAVP"),
        ("RTP/AVPF", "a=crypto:1 A inline:B", "RTP/SAVP"),
        ("RTP/AVP", "a=fingerprint:sha-1 x", "UDP/TLS/RTP/SAVP"),
    ],
)
def test_best_effort_is_answered_in_the_clear_or_encrypted(proto: str, keys: str, binding: str) -> None:
    offer = describe(f"m=audio 5000 {proto} 0", keys)
    for answered in (proto, binding):
        check_answer(offer, describe(f"m=audio 1 {answered} 0"))
    other = "RTP/SAVP" if binding != "RTP/SAVP" else "UDP/TLS/RTP/SAVP"
    with pytest.raises(AnswerMismatchError):
        check_answer(offer, describe(f"m=audio 1 {other} 0"))
    with pytest.raises(AnswerMismatchError):
        check_answer(describe(f"m=audio 5000 {proto} 0"), describe(f"m=audio 1 {binding} 0"))
