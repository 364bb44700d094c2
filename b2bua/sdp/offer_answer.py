"""What an answer owes its offer, and a new offer the session (RFC 3264 sections 6 and 8).

Only the comparison of two descriptions lives here; who may offer when is the INVITE usage's business (RFC 6337).
"""

from b2bua.sdp.description import Description, Media, attribute_values
from b2bua.sdp.endpoint import Keying
from b2bua.sdp.errors import AnswerMismatchError, StreamsDroppedError

# [plain proto, keys beside it] -> the proto that makes the keys binding. Plain with keys is "best effort": encrypted
# where the other side has keys too (RFC 8643), as Cisco and Poly systems offer it.
_BINDING: dict[tuple[str, Keying], str] = {
    ("RTP/AVP", Keying.SDES): "RTP/SAVP",
    ("RTP/AVPF", Keying.SDES): "RTP/SAVPF",
    ("RTP/AVP", Keying.DTLS): "UDP/TLS/RTP/SAVP",
    ("RTP/AVPF", Keying.DTLS): "UDP/TLS/RTP/SAVPF",
}

# [attribute] -> the keying it stands for
_KEYS = {"crypto": Keying.SDES, "fingerprint": Keying.DTLS}


def binding(proto: str, keying: Keying) -> str:
    """Give the proto in which the keys of a line are no more a matter of choice; an encrypted one stays as it is."""
    return _BINDING.get((proto, keying), proto)


def check_answer(offer: Description, answer: Description) -> None:
    """Raise AnswerMismatchError where the answer's m-lines are not those of the offer, one by one and in order.

    RTP/AVP for RTP/AVPF is let pass, as endpoints without feedback write it, and the reverse; so is an encrypted proto
    for a best-effort line. Plain for encrypted, or DTLS for SDES, is not.
    """
    if len(answer.media) != len(offer.media):
        raise AnswerMismatchError(f"the offer has {len(offer.media)} m-lines, its answer {len(answer.media)}")
    for number, (asked, said) in enumerate(zip(offer.media, answer.media, strict=True), 1):
        if said.kind != asked.kind:
            raise AnswerMismatchError(f"m-line {number}: {asked.kind} was offered, {said.kind} answered")
        alike = said.proto.removesuffix("F") == asked.proto.removesuffix("F")
        if said.port and not alike and said.proto.removesuffix("F") not in _encrypted(offer, asked):
            raise AnswerMismatchError(f"m-line {number}: {asked.proto} was offered, {said.proto} answered")


def _encrypted(offer: Description, asked: Media) -> set[str]:
    """Give the protos, without the F of feedback, that make the keys of a best-effort line binding."""
    keys = {*attribute_values(asked.lines), *attribute_values(offer.lines)} & _KEYS.keys()
    return {binding(asked.proto, _KEYS[name]).removesuffix("F") for name in keys}


def check_reoffer(previous: Description, offer: Description) -> None:
    """Raise StreamsDroppedError where a new offer has fewer m-lines than the description before it.

    `previous` is the last description of either side that took effect. Kinds may change (RFC 3264 section 8.3.3).
    """
    if len(offer.media) < len(previous.media):
        raise StreamsDroppedError(
            f"the session has {len(previous.media)} m-lines, the new offer {len(offer.media)}: "
            "a stream is ended with port 0, not left out"
        )
