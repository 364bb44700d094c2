from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayd.system.errors import ReleaseError
from gatewayd.system.release import MAX_ROOT, Release, keys
from gatewayd.system.slots import order
from tests.gatewayd.system import releases
from tests.gatewayd.system.releases import KERNEL, KEY, OTHER, ROOT, manifest, pem, update


def opened(content: bytes) -> Release:
    return Release(io.BytesIO(content), keys(pem(KEY)))


def taken(content: bytes) -> tuple[bytes, bytes]:
    release, kernel, root = opened(content), bytearray(), bytearray()
    release.kernel(kernel.extend)
    release.root(root.extend)
    return bytes(kernel), bytes(root)


def test_a_signed_update_gives_what_was_signed() -> None:
    assert taken(update()) == (KERNEL, ROOT)
    assert opened(update()).manifest.version == "1.1.0"


def test_either_of_two_keys_may_sign() -> None:
    trusted = keys(pem(OTHER, KEY))
    assert len(trusted) == 2
    for key in (KEY, OTHER):
        assert Release(io.BytesIO(update(key=key)), trusted).manifest.flavour == "metal"


def test_another_signer_is_refused() -> None:
    with pytest.raises(ReleaseError, match="signed by nobody this appliance trusts"):
        opened(update(key=OTHER))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (update(root=ROOT[:-1]), "octets, and 20000 were signed"),
        (update(root=ROOT[:-1] + b"!"), "root.img is not what was signed"),
        (update(kernel=KERNEL[:-1] + b"!"), "kernel.efi is not what was signed"),
        (b"", "only the beginning of one"),
        (b"\0" * 4096, "no manifest.json|only the beginning"),
        (update(manifest(format=2)), "form this version does not know"),
        (update(manifest(version="newest")), "is no version"),
        (
            update(manifest(root={"size": MAX_ROOT + 1, "sha256": "0" * 64})),
            "larger than what an appliance has room for",
        ),
    ],
)
def test_what_is_not_right_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        taken(content)


@given(st.integers(0, len(update()) - 1))
def test_an_update_that_was_cut_off_is_refused(length: int) -> None:
    whole = update()
    if length < whole.rindex(ROOT[-4:]) + 4:
        with pytest.raises(ReleaseError):
            taken(whole[:length])
    else:  # only the padding of the tar is gone
        assert taken(whole[:length]) == (KERNEL, ROOT)


@given(st.integers(0, 512 * 4 + len(releases.KERNEL)), st.integers(1, 255))
def test_an_update_that_was_changed_is_refused_or_the_same(at: int, by: int) -> None:
    changed = bytearray(update())
    changed[at] ^= by
    with suppress(ReleaseError):
        assert taken(bytes(changed)) == (KERNEL, ROOT)


def test_versions_have_an_order() -> None:
    mixed = ["0.10.0", "1.0.0", "0.10.0~rc2", "0.9.0", "0.10.0~rc1"]
    assert sorted(mixed, key=order) == ["0.9.0", "0.10.0~rc1", "0.10.0~rc2", "0.10.0", "1.0.0"]
