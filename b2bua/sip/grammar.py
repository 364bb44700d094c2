"""The pieces of grammar that several headers share (RFC 3261 25.1)."""

from __future__ import annotations

import re
import string

from b2bua.sip.errors import HeaderError, InjectionError
from b2bua.sip.limits import MAX_VALUES

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
TOKEN = frozenset(string.ascii_letters + string.digits + "-.!%*_+`'~")

# quoted-string = SWS DQUOTE *(qdtext / quoted-pair) DQUOTE; possessive, so no input makes it step back
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)

# What stands between two commas (semicolons): quoted strings and <...> hide separators.
_LIST_PART = re.compile(r'(?:[^,"<]++|"(?:[^"\\]|\\.)*+"|<[^>]*+>)++', re.DOTALL)
_PARAM_PART = re.compile(r'(?:[^;"]++|"(?:[^"\\]|\\.)*+")++', re.DOTALL)

WHITESPACE = " \t"

# Leading zeros are legal (RFC 4475 3.1.1.1), but converting digits without end takes time
_MAX_DIGITS = 20


def is_token(text: str) -> bool:
    """Tell whether `text` is a token of RFC 3261 25.1."""
    return bool(text) and TOKEN.issuperset(text)


def parse_number(text: str, limit: int) -> int:
    """Read 1*DIGIT not above `limit`.

    Raises HeaderError for signs, blanks, other scripts' digits and numbers over the limit.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
        raise HeaderError(f"{text[:20]!r} is not a number from 0 to {limit}")
    number = int(text)
    if number > limit:
        raise HeaderError(f"{text[:20]!r} is not a number from 0 to {limit}")
    return number


def _split(part: re.Pattern[str], separator: str, text: str) -> list[str]:
    parts: list[str] = []
    position = 0
    while True:
        match = part.match(text, position)
        end = match.end() if match else position
        parts.append(text[position:end].strip(WHITESPACE))
        if end == len(text):
            return parts
        if text[end] != separator or len(parts) > MAX_VALUES:
            raise HeaderError(f"unbalanced quotes or brackets, or too many values, in {text[:60]!r}")
        position = end + 1


def split_list(value: str) -> list[str]:
    """Split a header value at its commas, outside quoted strings and angle brackets.

    Raises HeaderError for unbalanced quotes or brackets.
    """
    if "," not in value:
        return [value]
    return _split(_LIST_PART, ",", value)


def parse_params(text: str) -> dict[str, str]:
    """Read `name[=value]` pairs between semicolons: lower-case names, values as written, "" for a bare name.

    Raises HeaderError for an empty or repeated name and for a value that is missing or has blanks in it.
    """
    params: dict[str, str] = {}
    for part in text.split(";") if '"' not in text else _split(_PARAM_PART, ";", text):
        name, equals, value = part.partition("=")
        name = name.strip(WHITESPACE).lower()
        if equals:
            value = value.strip(WHITESPACE)
            if not value or (value[0] != '"' and (" " in value or "\t" in value)):
                raise HeaderError(f"parameter {name[:40]!r} has no proper value")
        if not name or not TOKEN.issuperset(name) or name in params:
            raise HeaderError(f"parameter {name[:40]!r} is empty, repeated or not a token")
        params[name] = value
    return params


def unquote(text: str) -> str:
    """Give the text inside a quoted string with its escapes undone; other text as it is."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def is_writable(value: str) -> bool:
    """Tell whether `value`, written into a message, stays in its line, here and at a reader who undoes escapes.

    For whoever passes a peer's values on: leave out what is not.
    """
    if "\r" in value or "\n" in value or "\0" in value:
        return False
    if "%0" in value:
        lowered = value.lower()
        return "%0d" not in lowered and "%0a" not in lowered
    return True


def refuse_injection(value: str) -> None:
    """Raise InjectionError for a value that is not writable."""
    if not is_writable(value):
        raise InjectionError("a value to be written holds CR, LF, NUL or an escaped line end (%0D, %0A)")
