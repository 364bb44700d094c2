"""What REFER and its relatives say: Refer-To (RFC 3515), Replaces (RFC 3891), Refer-Sub (RFC 4488), sipfrag."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import WHITESPACE, is_writable, parse_params, split_list
from b2bua.sip.headers import parse_name_addr
from b2bua.sip.reliable import has_tag
from b2bua.sip.tel import parse_sip_or_tel
from b2bua.sip.uri import Uri
from b2bua.sip.write import phrase

if TYPE_CHECKING:
    from b2bua.sip.message import Request

MAX_URI_HEADERS = 8
"""Header fields in a Refer-To: Replaces, Require and what else a transfer carries are three or four."""


class Replaces(NamedTuple):
    """The dialog to replace, as its other end sees it (RFC 3891 6.1): `to_tag` is the tag of whoever reads this."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False


class ReferTo(NamedTuple):
    """Where a REFER leads: the URI without its header part, and the dialog there that is to be replaced."""

    uri: Uri
    replaces: Replaces | None


def parse_replaces(text: str) -> Replaces:
    """Read a Replaces value. Raises HeaderError, also for several values in one."""
    call_id, semicolon, rest = text.partition(";")
    params = parse_params(rest) if semicolon else {}
    call_id = call_id.strip(WHITESPACE)
    if not call_id or "," in call_id or not params.get("to-tag") or not params.get("from-tag"):
        raise HeaderError(f"{text[:60]!r} is no Replaces: it needs a Call-ID and both tags")
    return Replaces(call_id, params["to-tag"], params["from-tag"], "early-only" in params)


def replaces_of(request: Request) -> Replaces | None:
    """Read the Replaces of an INVITE, None where there is none. Raises HeaderError; two are one too many (3)."""
    values = request.all("replaces")
    if len(values) > 1:
        raise HeaderError("an INVITE has one Replaces at most")
    return parse_replaces(values[0]) if values else None


def parse_refer_to(request: Request) -> ReferTo:
    """Read the one Refer-To of a REFER (RFC 3515 2.4.2). Raises HeaderError, UriError."""
    values = [part for value in request.all("refer-to") for part in split_list(value)]
    if len(values) != 1:
        raise HeaderError("a REFER has exactly one Refer-To")
    uri = parse_sip_or_tel(parse_name_addr(values[0]).uri)
    if uri.params.get("method", "INVITE").upper() != "INVITE":
        raise HeaderError("only an INVITE can be referred to")
    replaces = None
    parts = uri.headers.split("&") if uri.headers else []
    if len(parts) > MAX_URI_HEADERS:
        raise HeaderError(f"a Refer-To holds over {MAX_URI_HEADERS} header fields")
    for part in parts:
        name, _, value = part.partition("=")
        if name.lower() == "replaces":
            value = unquote(value)
            if replaces is not None or not is_writable(value):
                raise HeaderError("the Refer-To holds no proper Replaces")
            replaces = parse_replaces(value)
    params = {name: value for name, value in uri.params.items() if name != "method"}
    return ReferTo(uri._replace(params=params, headers=""), replaces)


def wants_no_subscription(request: Request) -> bool:
    """Tell whether the sender of a REFER does without NOTIFY (RFC 4488 4)."""
    value = request.get("refer-sub").partition(";")[0].strip(WHITESPACE).lower()
    return value == "false" and (
        has_tag(request, "supported", "norefersub") or has_tag(request, "require", "norefersub")
    )


def sipfrag(status: int) -> bytes:
    """Write what a NOTIFY tells of the progress: a status line and nothing that names anybody (RFC 3515 2.4.5)."""
    return f"SIP/2.0 {status} {phrase(status)}\r\n".encode()
