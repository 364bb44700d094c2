"""What an answer owes its offer, and a new offer the session (RFC 3264 sections 6 and 8).

Only the comparison of two descriptions lives here; who may offer when is the INVITE usage's business (RFC 6337).
"""

from b2bua.sdp.description import Description
from b2bua.sdp.errors import AnswerMismatchError, StreamsDroppedError


def check_answer(offer: Description, answer: Description) -> None:
    """Raise AnswerMismatchError where the answer's m-lines are not those of the offer, one by one and in order.

    RTP/AVP for RTP/AVPF is let pass, as endpoints without feedback write it, and the reverse; plain for encrypted, or
    DTLS for SDES, is not.
    """
    if len(answer.media) != len(offer.media):
        raise AnswerMismatchError(f"the offer has {len(offer.media)} m-lines, its answer {len(answer.media)}")
    for number, (asked, said) in enumerate(zip(offer.media, answer.media, strict=True), 1):
        if said.kind != asked.kind:
            raise AnswerMismatchError(f"m-line {number}: {asked.kind} was offered, {said.kind} answered")
        if said.port and said.proto.removesuffix("F") != asked.proto.removesuffix("F"):
            raise AnswerMismatchError(f"m-line {number}: {asked.proto} was offered, {said.proto} answered")


def check_reoffer(previous: Description, offer: Description) -> None:
    """Raise StreamsDroppedError where a new offer has fewer m-lines than the description before it.

    `previous` is the last description of either side that took effect. Kinds may change (RFC 3264 section 8.3.3).
    """
    if len(offer.media) < len(previous.media):
        raise StreamsDroppedError(
            f"the session has {len(previous.media)} m-lines, the new offer {len(offer.media)}: "
            "a stream is ended with port 0, not left out"
        )
