"""Who may come in: a file of tokens, as keyed digests, and of names of client certificates.

A token is ``vdx_ID_SECRET`` with 256 random bits, so one round of BLAKE2b is enough: there is nothing to guess. The
key is the appliance's own, so that equal digests in two files say nothing. The file belongs to root; `gatewayd-web`
can only read it. It is read again when it has changed: a token that is taken out is refused from the next request on.
As long as there is no file, nobody is known.
"""

from __future__ import annotations

import grp
import hashlib
import hmac
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, structs

from gatewayd.web.errors import SetupError
from vdx.pinhole import Name
from vdx.versions import Principal, Role

GROUP = "gatewayd-web"
"""The user that serves, and its group."""

TOKEN = re.compile(r"vdx_([a-z2-7]{8})_([A-Za-z0-9_-]{43})")
MAX_BYTES = 4 << 20
"""Of the file: some thousand people with several tokens each."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NOBODY = "0" * 64
"""What a token of an unknown id is compared with, so that it takes as long."""


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One token: whose it is, what it may be worth at most, and until when (seconds since 1970)."""

    id: Annotated[str, Meta(pattern=r"^[a-z2-7]{8}\Z")]
    name: Name
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    role: Role = "admin"
    expires: float | None = None


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The name (DNS, e-mail or URI) in a client certificate that stands for somebody."""

    subject: Annotated[str, Meta(min_length=1, max_length=255)]
    name: Name
    role: Role = "admin"


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What stands in the file."""

    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    tokens: tuple[Token, ...] = ()
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who was recognised, and by what: the id of a token, or the name in a certificate."""

    principal: Principal
    by: str


class Credentials:
    """The file as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._listed = Listed(_NOBODY)
        self._tokens: dict[str, Token] = {}
        self._certificates: dict[str, Certificate] = {}
        self._refresh()

    def token(self, text: str, now: float) -> Known | None:
        """Recognise a token; None for one that is unknown or over."""
        self._refresh()
        found = TOKEN.fullmatch(text)
        if found is None:
            return None
        one = self._tokens.get(found[1])
        held = digest(self._listed.key, found[1], found[2])
        if not hmac.compare_digest(held, one.digest if one else _NOBODY) or one is None:
            return None
        return self._of(one, now)

    def still(self, by: str, now: float) -> Known | None:
        """Give who was recognised before by a token or certificate, where it still counts."""
        self._refresh()
        if by in self._tokens:
            return self._of(self._tokens[by], now)
        return self.certificate((by,))

    def certificate(self, names: tuple[str, ...]) -> Known | None:
        """Recognise the owner of a certificate, which TLS has verified, by the names in it."""
        self._refresh()
        for name in names:
            if one := self._certificates.get(name):
                return Known(Principal(one.name, one.role), name)
        return None

    @staticmethod
    def _of(one: Token, now: float) -> Known | None:
        return None if one.expires is not None and one.expires <= now else Known(Principal(one.name, one.role), one.id)

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:  # a new appliance: nobody is known yet
            self._listed, self._tokens, self._certificates, self._seen = Listed(_NOBODY), {}, {}, None
            return
        except OSError as error:
            raise SetupError(f"{self._path}: cannot be read: {error.strerror}") from error
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen == self._seen:
            return
        listed = load(self._path)
        self._tokens = {one.id: one for one in listed.tokens}
        self._certificates = {one.subject: one for one in listed.certificates}
        self._listed, self._seen = listed, seen


def digest(key: str, number: str, secret: str) -> str:
    """Give the digest of a token under the key of a file."""
    return hashlib.blake2b(f"{number}.{secret}".encode(), key=bytes.fromhex(key), digest_size=32).hexdigest()


def load(path: Path) -> Listed:
    """Read the file; raises `SetupError`. One that everybody may read is refused: it names who may come in."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o007:
                raise SetupError(f"{path}: everybody may read or write it: chmod 640, and chown root:gatewayd-web")
            return msgspec.json.decode(file.read(MAX_BYTES + 1)[:MAX_BYTES], type=Listed)
    except OSError as error:
        raise SetupError(f"{path}: cannot be read: {error.strerror}: make it with `gatewayd-web token`") from error
    except msgspec.MsgspecError as error:
        raise SetupError(f"{path}: {error}") from error


def issue(path: Path, name: str, role: Role, days: float | None) -> str:
    """Add a token to the file, which is made where it is missing; gives the token, which is kept nowhere."""
    text = draw()
    store(path, admitted(load(path) if path.exists() else fresh(), text, name, role, days))
    return text


def draw() -> str:
    """Give a token that nobody has yet."""
    number = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"vdx_{number}_{secrets.token_urlsafe(32)}"


def fresh() -> Listed:
    """Give a list of nobody, with a key of its own."""
    return Listed(secrets.token_hex(32))


def admitted(listed: Listed, text: str, name: str, role: Role, days: float | None) -> Listed:
    """Give the list with a token more; raises `SetupError` where the text is none."""
    found = TOKEN.fullmatch(text)
    if found is None:
        raise SetupError("this is no token: one is vdx_, 8 letters, _ and 43 characters")
    expires = None if days is None else time.time() + days * 86400
    token = Token(found[1], name, digest(listed.key, found[1], found[2]), role, expires)
    return structs.replace(listed, tokens=(*listed.tokens, token))


def text_of(listed: Listed) -> bytes:
    """Give the file's content."""
    return msgspec.json.format(msgspec.json.encode(listed), indent=1) + b"\n"


def store(path: Path, listed: Listed) -> None:
    """Replace the file so that it is never half written; owner, group and mode stay as they were.

    A new one, made by root, is for the group of `gatewayd-web` to read.
    """
    beside = path.with_name(f".{path.name}.new")
    group = _readers() if os.geteuid() == 0 else None
    try:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        was = path.stat() if path.exists() else None
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            if was is not None:
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
                os.fchmod(file.fileno(), was.st_mode & 0o770)
            elif group is not None:
                os.fchown(file.fileno(), 0, group)
                os.fchmod(file.fileno(), 0o640)
            file.write(text_of(listed))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SetupError(f"{path}: cannot be written: {error.strerror}; it is as it was") from error


def _readers() -> int | None:
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:  # no appliance, or none yet
        return None
