"""Session descriptions without I/O: read one leg's, say what media it needs, write the other leg's.

Order of use: `parse` the offer, read its `endpoints`, refuse the call by `require_usable`, lease a pinhole for each
endpoint that is `active`, then let the other leg's `Writer` write the offer. The answer goes the same way, with the
offer as `answer_to`.
"""

from b2bua.sdp.bundle import together
from b2bua.sdp.codec import codec
from b2bua.sdp.description import Description, Media, attribute_values, parse, serialise
from b2bua.sdp.direction import Direction, answerable
from b2bua.sdp.endpoint import (
    Keying,
    MediaEndpoint,
    Refusal,
    Transport,
    endpoints,
    require_answered,
    require_usable,
    two_way,
)
from b2bua.sdp.errors import (
    AddressNotUsableError,
    AnswerMismatchError,
    MalformedSdpError,
    NotAcceptableError,
    NoUsableStreamError,
    SdpError,
    SdpTooLargeError,
    StreamsDroppedError,
)
from b2bua.sdp.grammar import Address, address
from b2bua.sdp.offer_answer import check_answer, check_reoffer
from b2bua.sdp.profile import DEFAULT, Profile
from b2bua.sdp.writer import OurMedia, Writer

__all__ = [
    "DEFAULT",
    "Address",
    "AddressNotUsableError",
    "AnswerMismatchError",
    "Description",
    "Direction",
    "Keying",
    "MalformedSdpError",
    "Media",
    "MediaEndpoint",
    "NoUsableStreamError",
    "NotAcceptableError",
    "OurMedia",
    "Profile",
    "Refusal",
    "SdpError",
    "SdpTooLargeError",
    "StreamsDroppedError",
    "Transport",
    "Writer",
    "address",
    "answerable",
    "attribute_values",
    "check_answer",
    "check_reoffer",
    "codec",
    "endpoints",
    "parse",
    "require_answered",
    "require_usable",
    "serialise",
    "together",
    "two_way",
]
