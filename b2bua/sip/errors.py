"""What can go wrong in SIP.

SipError
├── ParseError        bytes that are no SIP message; keeps what could be read, so that a 400 can be answered
│   └── TooLarge      more octets, lines or values than limits.py allows
├── HeaderError       a header value outside its grammar
├── UriError          a URI outside its grammar, or of a scheme we do not speak (416)
├── Refusal           a well-formed request that the standard tells us to refuse (405, 420, 481, 482, 483, 501, 505)
├── Silence           a request that is not answered at all
├── InjectionError    a value to be written that would end its line: CR, LF, NUL, %0D or %0A
└── StateError        the owner asked a leg for what its state does not allow
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b2bua.sip.message import Fields, Request


class SipError(Exception):
    """Root of this package's errors: the SIP status it turns into and one sentence for an operator."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status


class ParseError(SipError):
    """Bytes that are no SIP message; `request` is what could be read of one, if it was a request."""

    request: Request | None = None


class TooLarge(ParseError):  # noqa: N818 - it reads as the condition, like the status text of 513
    """A message over one of the limits (513 Message Too Large)."""

    def __init__(self, sentence: str, status: int = 513) -> None:
        super().__init__(sentence, status)


class HeaderError(SipError):
    """A header value outside its grammar (400)."""


class UriError(SipError):
    """A URI outside its grammar (400), or of a scheme we do not speak (416)."""


class Refusal(SipError):  # noqa: N818 - a verdict on the peer's request, not a fault of ours
    """A request that the standard tells us to refuse, with the headers the refusal must carry."""

    def __init__(self, sentence: str, status: int, headers: Fields = ()) -> None:
        super().__init__(sentence, status)
        self.headers = headers


class Silence(SipError):  # noqa: N818 - what becomes of the request
    """A request that is dropped without an answer: its sender is to learn nothing, or could be forged."""


class InjectionError(SipError):
    """A value that would break out of its line when written (500: the fault is on our side)."""

    def __init__(self, sentence: str, status: int = 500) -> None:
        super().__init__(sentence, status)


class StateError(SipError):
    """The owner of a leg asked for something that the state of the leg does not allow (500)."""

    def __init__(self, sentence: str, status: int = 500) -> None:
        super().__init__(sentence, status)
