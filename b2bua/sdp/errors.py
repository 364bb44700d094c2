"""Everything that can be wrong with a session description.

SdpError
├── MalformedSdpError        400  the bytes are no SDP (RFC 8866)
│   └── SdpTooLargeError     413  a limit of `limits.py` is exceeded
├── NotAcceptableError       488  valid SDP that this gateway does not carry
│   ├── AddressNotUsableError     a host name, a multicast group or a foreign family in c= or a=rtcp
│   ├── NoUsableStreamError       no m-line is left that could carry media
│   └── StreamsDroppedError       a new offer with fewer m-lines than the session has (RFC 3264 section 8)
└── AnswerMismatchError      502  an answer that does not fit its offer (RFC 3264 section 6)

Each error carries the SIP status that a bad *offer* is answered with, and a sentence for the operator. A bad *answer*
ends the call whatever its error; the side that offered did nothing wrong and is told 502.
Sentences quote foreign text only through `quoted`, so that nothing a peer sends can break a log line.
"""

from typing import ClassVar

_QUOTE_LENGTH = 60  # characters of foreign text in a sentence: enough to find the line, too few to flood a log


def quoted(text: str) -> str:
    """Return foreign text cut short, in quotation marks and printable ASCII only."""
    return ascii(text if len(text) <= _QUOTE_LENGTH else text[:_QUOTE_LENGTH] + "...")


class SdpError(Exception):
    """The root of the package: `status` is the SIP answer, `str(error)` the sentence."""

    status: ClassVar[int] = 400


class MalformedSdpError(SdpError):
    """The bytes are not a session description."""


class SdpTooLargeError(MalformedSdpError):
    """A description is longer, or has more lines, than any real endpoint writes."""

    status = 413


class NotAcceptableError(SdpError):
    """A valid description asks for something that is not carried here."""

    status = 488


class AddressNotUsableError(NotAcceptableError):
    """Media was asked to go to something that is not one unicast address."""


class NoUsableStreamError(NotAcceptableError):
    """An offer has no stream that could be relayed."""


class StreamsDroppedError(NotAcceptableError):
    """A new offer of a running session has fewer m-lines than the one before."""


class AnswerMismatchError(SdpError):
    """The far side answered something that was not offered."""

    status = 502
