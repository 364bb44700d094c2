"""An update as it travels: a tar of manifest, signature, kernel image and root, read once from front to end.

Nothing is believed before the signature (Ed25519, of the very octets of the manifest) is that of a key in this image;
the manifest then vouches for size and SHA-256 of the rest.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable
from typing import IO, Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gatewayd.system.errors import ReleaseError
from gatewayd.system.slots import order

MAX_MANIFEST = 4096
"""Octets of a manifest: today's has 400."""

SIGNATURE = 64
"""Octets of an Ed25519 signature (RFC 8032, 5.1.6)."""

MAX_KERNEL = 160 << 20
"""Octets of a kernel image: two and the next one fit the boot partition of 512 MiB."""

MAX_ROOT = 768 << 20
"""Octets of a root: a slot."""

CHUNK = 1 << 20

Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Sink = Callable[[bytes], object]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of an update."""

    size: Annotated[int, msgspec.Meta(gt=0)]
    sha256: Digest


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an update says of itself; `made` in seconds since 1970."""

    format: Literal[1]
    version: str
    flavour: Literal["metal", "cloud"]
    made: int
    kernel: Part
    root: Part


def keys(pem: bytes) -> list[Ed25519PublicKey]:
    """Read the keys of a PEM file, one after the other; raises `ReleaseError` where one is no Ed25519 key."""
    end = b"-----END PUBLIC KEY-----"
    found = []
    for block in pem.split(end)[:-1]:
        try:
            key = load_pem_public_key(block.lstrip() + end)
        except ValueError as error:
            raise ReleaseError(f"this image's keys of updates cannot be read: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ReleaseError("a key of updates in this image is no Ed25519 key")
        found.append(key)
    return found


class Release:
    """An update that is being read from `stream`, which only goes forwards."""

    def __init__(self, stream: IO[bytes], trusted: Iterable[Ed25519PublicKey]) -> None:
        try:
            self._tar = tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK)  # noqa: SIM115 - its stream is not ours
            manifest = self._small("manifest.json", MAX_MANIFEST)
            signature = self._small("manifest.sig", SIGNATURE)
        except (tarfile.TarError, OSError) as error:
            raise ReleaseError(f"this is no update, or only the beginning of one: {error}") from error
        if not any(_signed(key, signature, manifest) for key in trusted):
            raise ReleaseError(
                "the update is signed by nobody this appliance trusts: take it from who gave you the image"
            )
        try:
            self.manifest = msgspec.json.decode(manifest, type=Manifest)
        except msgspec.MsgspecError as error:
            raise ReleaseError(f"the update is of a form this version does not know: {error}") from error
        order(self.manifest.version)
        if self.manifest.kernel.size > MAX_KERNEL or self.manifest.root.size > MAX_ROOT:
            raise ReleaseError("the update is larger than what an appliance has room for")

    def kernel(self, sink: Sink) -> None:
        """Hand on the kernel image; raises `ReleaseError` at its end where it is not what was signed."""
        self._copy("kernel.efi", self.manifest.kernel, sink)

    def root(self, sink: Sink) -> None:
        """Hand on the root, after the kernel image; raises `ReleaseError` where it is not what was signed."""
        self._copy("root.img", self.manifest.root, sink)

    def _small(self, name: str, most: int) -> bytes:
        member, file = self._next(name)
        if member.size > most:
            raise ReleaseError(f"{name} in the update has {member.size} octets, and {most} at most")
        return file.read(most)

    def _next(self, name: str) -> tuple[tarfile.TarInfo, IO[bytes]]:
        member = self._tar.next()
        file = self._tar.extractfile(member) if member is not None and member.isreg() else None
        if member is None or member.name != name or file is None:
            raise ReleaseError(f"the update has no {name} where it should be: fetch it again")
        return member, file

    def _copy(self, name: str, part: Part, sink: Sink) -> None:
        digest = hashlib.sha256()
        left = part.size
        try:
            member, file = self._next(name)
            if member.size != part.size:
                raise ReleaseError(f"{name} has {member.size} octets, and {part.size} were signed: fetch it again")
            while left and (chunk := file.read(min(CHUNK, left))):
                digest.update(chunk)
                sink(chunk)
                left -= len(chunk)
        except (tarfile.TarError, OSError) as error:
            raise ReleaseError(f"the update ends within {name}: fetch it again ({error})") from error
        if left or digest.hexdigest() != part.sha256:
            raise ReleaseError(f"{name} is not what was signed: fetch the update again")


def _signed(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
