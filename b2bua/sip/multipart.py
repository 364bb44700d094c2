"""A session among several bodies (RFC 5621, 3.1; RFC 2046, 5.1), as trunks send it with ISUP or a place."""

from __future__ import annotations

from b2bua.sip.errors import HeaderError
from b2bua.sip.grammar import parse_params, unquote

MAX_PARTS = 8  # of one body; whoever sends more has no session
MAX_BOUNDARY = 70  # characters (RFC 2046, 5.1.1)

_CODED = ("base64", "quoted-printable")


def session_in(body: bytes, content_type: str) -> bytes:
    """Give the first part that is SDP, as it stands alone; `content_type` is the header's value.

    Gives b"" where there is none, the body is not made as its header says, or another part says that it must be
    understood (RFC 5621, 8.4).
    """
    session = b""
    for part in _parts(body, content_type):
        head, end, content = part.partition(b"\r\n\r\n")
        fields = _fields(head)
        if fields.get("content-type", "").partition(";")[0].strip() != "application/sdp":
            if "handling=required" in fields.get("content-disposition", "").replace(" ", ""):
                return b""
        elif not session and end and fields.get("content-transfer-encoding", "") not in _CODED:
            session = content if content.endswith(b"\r\n") else content + b"\r\n"
    return session


def _parts(body: bytes, content_type: str) -> list[bytes]:
    """Give the parts, each from the end of its boundary's line, so that its head has a line break before it."""
    try:
        boundary = unquote(parse_params(content_type.partition(";")[2]).get("boundary", ""))
    except HeaderError:
        return []
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        return []
    delimiter = b"\r\n--" + boundary.encode(errors="surrogateescape")
    parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 2)[1:]
    ends = [index for index, part in enumerate(parts) if part.startswith(b"--")]
    return parts[: ends[0]] if ends and ends[0] <= MAX_PARTS else []


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("ascii", "replace").lower().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}
