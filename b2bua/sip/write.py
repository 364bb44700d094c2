"""Messages to octets. Every value from outside this package passes `refuse_injection` (RFC 3261 7, 8.1.1, 8.2.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from b2bua.sip.errors import InjectionError
from b2bua.sip.grammar import TOKEN, refuse_injection
from b2bua.sip.headers import KEYS

if TYPE_CHECKING:
    from b2bua.sip.message import Fields, Request

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    425: "Bad Alert Message",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
"""The statuses that IANA registers for SIP."""

# What this package writes itself; a second one from the owner would contradict it.
_OURS = frozenset(
    """
    via from to call-id cseq contact route max-forwards content-length content-type
    rseq rack session-expires
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


class Head(NamedTuple):
    """What a request, its CANCEL and its ACK have in common: values as written, `route` as whole lines."""

    uri: str
    via: str
    route: str
    from_: str
    to: str
    call_id: str
    number: int


def fields_text(headers: Fields) -> str:
    """Write the owner's headers as lines.

    Raises InjectionError for a value that would end its line, a name that is no token or one this package owns.
    """
    text = ""
    for name, value in headers:
        key = KEYS.get(name) or name.lower()
        if key in _OURS or not name or not TOKEN.issuperset(name):
            raise InjectionError(f"the header {name[:40]!r} cannot be set from outside")
        refuse_injection(value)
        text += f"{name}: {value}\r\n"
    return text


def content(extra: str, body: bytes, content_type: str) -> bytes:
    """Write the end of a message: extra lines, Content-Type, Content-Length, the empty line, the body."""
    if not body:
        return f"{extra}Content-Length: 0\r\n\r\n".encode()
    refuse_injection(content_type)
    return f"{extra}Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def request_head(method: str, head: Head, max_forwards: int = 70) -> bytes:
    """Write start line and the headers of 8.1.1."""
    return (
        f"{method} {head.uri} SIP/2.0\r\nVia: {head.via}\r\nMax-Forwards: {max_forwards}\r\n{head.route}"
        f"From: {head.from_}\r\nTo: {head.to}\r\nCall-ID: {head.call_id}\r\nCSeq: {head.number} {method}\r\n"
    ).encode()


def phrase(status: int) -> str:
    """Give the usual reason phrase; that of its class for a status nobody knows (RFC 3261 8.1.3.2)."""
    return REASONS.get(status) or REASONS[183 if status < 200 else status // 100 * 100]


def status_line(status: int, reason: str) -> str:
    """Write the status line; an empty reason becomes the usual one."""
    if reason:
        refuse_injection(reason)
        return f"SIP/2.0 {status} {reason}\r\n"
    return f"SIP/2.0 {status} {phrase(status)}\r\n"


# 8.2.6.2, and of 8.2.6.1 what a 100 must carry; others may
_COPIED = (("from", "From"), ("to", "To"), ("call-id", "Call-ID"), ("cseq", "CSeq"), ("timestamp", "Timestamp"))


def echo(request: Request, via: str, tag: str) -> str:
    """Write the lines a response copies from its request (8.2.6.2), the topmost Via line replaced by `via`.

    `tag` is added to To if it has none. Headers that the request lacks are left out: a refusal of a broken request.
    """
    index = request.index
    text = f"Via: {via}\r\n" if via else ""
    for value in index.get("via", ())[1 if via else 0 :]:
        text += f"Via: {value}\r\n"
    for key, name in _COPIED:
        values = index.get(key)
        if values is not None:
            text += f"{name}: {values[0]}{tag}\r\n" if key == "to" and tag else f"{name}: {values[0]}\r\n"
    return text
