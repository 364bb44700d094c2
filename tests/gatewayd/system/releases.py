"""Updates made for tests, as `images/build` makes them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
KERNEL, ROOT = b"kernel" * 100, b"root" * 5000


def pem(*keys: Ed25519PrivateKey) -> bytes:
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return b"".join(key.public_key().public_bytes(*form) for key in keys)


def manifest(version: str = "1.1.0", **changed: Any) -> dict[str, Any]:
    def part(content: bytes) -> dict[str, Any]:
        return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    told = {"format": 1, "version": version, "flavour": "metal", "made": 1763700000}
    return {**told, "kernel": part(KERNEL), "root": part(ROOT), **changed}


def update(
    told: dict[str, Any] | None = None, key: Ed25519PrivateKey = KEY, kernel: bytes = KERNEL, root: bytes = ROOT
) -> bytes:
    text = json.dumps(told or manifest()).encode()
    files = {"manifest.json": text, "manifest.sig": key.sign(text), "kernel.efi": kernel, "root.img": root}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()
