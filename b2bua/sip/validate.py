"""What RFC 3261 8.2 and RFC 4475 ask of a request before anybody acts on it, in the order of 8.2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b2bua.sip.errors import HeaderError, Refusal, UriError
from b2bua.sip.grammar import is_token
from b2bua.sip.limits import MAX_VALUES

if TYPE_CHECKING:
    from collections.abc import Collection

    from b2bua.sip.message import Request

# RFC 3261 8.1.1 without Max-Forwards, which RFC 2543 did not know (RFC 4475 3.4.1)
_REQUIRED = ("via", "from", "to", "call-id", "cseq")
# Headers that may stand once (RFC 4475 3.3.8)
_SINGLE = ("from", "to", "call-id", "cseq", "max-forwards", "content-type", "expires")

_LATER = ("MESSAGE", "REFER", "PUBLISH")

KNOWN_METHODS = frozenset(
    ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "UPDATE", "INFO", "SUBSCRIBE", "NOTIFY", *_LATER)
)
"""Methods of the IANA registry: 405 where we know but do not allow one, 501 for the others (21.5.2)."""


def check_shape(request: Request) -> None:
    """Check everything that does not depend on who we are.

    Raises Refusal 505 or 400, HeaderError 400, UriError 400, 414 or 416.
    """
    if request.version != "SIP/2.0":
        raise Refusal(f"the version {request.version[:20]!r} is not spoken here", 505)
    _check_counts(request.index)
    if not request.call_id:
        raise HeaderError("Call-ID is empty")
    if request.cseq.method != request.method:
        raise HeaderError(f"CSeq names {request.cseq.method[:20]}, the request line {request.method[:20]}")
    _ = request.via, request.from_, request.to, request.max_forwards  # outside their grammar: HeaderError
    if request.parsed_uri.headers:
        raise UriError("a Request-URI has no header part (RFC 3261 19.1.1)")
    if "%0" in request.uri and any(escape in request.uri.lower() for escape in ("%0d", "%0a")):
        raise UriError("the Request-URI holds an escaped line end")


def _check_counts(index: dict[str, list[str]]) -> None:
    for key in _REQUIRED:
        if key not in index:
            raise HeaderError(f"the header {key} is missing")
    for key in _SINGLE:
        if len(index.get(key, ())) > 1:
            raise HeaderError(f"the header {key} stands more than once")
    if len(index["via"]) > MAX_VALUES:
        raise HeaderError(f"there are over {MAX_VALUES} Via lines")


def check_method(request: Request, allow: tuple[str, ...]) -> None:
    """Check the method (8.2.1). Raises Refusal 405 or 501, with Allow."""
    if request.method not in allow:
        known = request.method in KNOWN_METHODS
        sentence = f"the method {request.method[:20]} is not {'allowed' if known else 'known'} here"
        raise Refusal(sentence, 405 if known else 501, (("Allow", ", ".join(allow)),))


def check_hops(request: Request) -> None:
    """Check that the request may go on to the other side (16.3). Raises Refusal 483."""
    if request.max_forwards == 0:
        raise Refusal("Max-Forwards is 0, the request cannot go on", 483)


def check_extensions(request: Request, supported: Collection[str]) -> None:
    """Check Require (8.2.2.3), which ACK and CANCEL do not have. Raises Refusal 420 with Unsupported, 400."""
    required = request.index.get("require")
    if required:
        missing = [name for name in request.tokens("require") if name.lower() not in supported]
        if not all(map(is_token, missing)):
            raise Refusal("Require holds what is no option tag", 400)
        if missing:
            raise Refusal(f"{', '.join(missing)[:60]} is required", 420, (("Unsupported", ", ".join(missing)),))


def check_encoding(request: Request) -> None:
    """Check that a body is not packed (8.2.3). Raises Refusal 415 with Accept-Encoding."""
    codings = request.index.get("content-encoding")
    if codings and request.body and any(coding.strip().lower() != "identity" for coding in codings):
        sentence = f"the body is encoded as {codings[0][:20]!r}"
        raise Refusal(sentence, 415, (("Accept-Encoding", "identity"),))


def check_contact(request: Request) -> None:
    """Check the Contact of a request that creates or refreshes a dialog (12.1.1), if it has one.

    RFC 2543 allowed none (RFC 4475 3.4.1). Raises HeaderError or UriError.
    """
    contacts = request.contacts
    if len(contacts) > 1:
        raise HeaderError("a request that creates a dialog has one Contact")
