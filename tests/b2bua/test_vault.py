"""Files of secrets: who may have access to them, and what happens when they change."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from b2bua import vault
from b2bua.call.keyring import Keyring
from b2bua.vault import Vault, VaultError, read
from vdx.access import PeerAccess, SecretPlace
from vdx.control import Signalling, SipPeer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rooms"
    path.write_text("room-1 password first\n")
    path.chmod(0o640)
    return path


def signalling(file: Path) -> Signalling:
    return Signalling(
        (), (SipPeer("rooms", "sdn", (), 4, access=PeerAccess(users=SecretPlace(str(file)))),), (), max_calls=1
    )


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_file_that_is_closed_to_others_is_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read(SecretPlace(str(file))).startswith("room-1")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602, 0o777])
def test_a_file_that_is_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(VaultError, match="is open to others: `chmod g-w,o= "):
        read(SecretPlace(str(file)))


def test_what_is_no_secret_others_may_read_but_not_write(file: Path) -> None:
    file.chmod(0o644)
    assert read(SecretPlace(str(file)), secret=False)
    file.chmod(0o664)
    with pytest.raises(VaultError, match="chmod g-w,o-w"):
        read(SecretPlace(str(file)), secret=False)


@pytest.mark.system  # only root gives files away
def test_a_file_of_somebody_else_is_refused(file: Path) -> None:
    os.chown(file, 64_299, -1)
    with pytest.raises(VaultError, match="belongs to user 64299"):
        read(SecretPlace(str(file)))


def test_what_cannot_be_read(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VaultError, match="cannot be read: No such file"):
        read(SecretPlace(str(tmp_path / "gone")))
    with pytest.raises(VaultError, match="cannot be read"):
        read(SecretPlace(str(tmp_path)))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(VaultError, match="no text in UTF-8"):
        read(SecretPlace(str(file)))
    monkeypatch.setattr(vault, "MAX_BYTES", 1)
    with pytest.raises(VaultError, match="is larger than"):
        read(SecretPlace(str(file)))


def test_a_credential_of_systemd(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    assert read(SecretPlace(credential="rooms")).startswith("room-1")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(VaultError, match="there is no credential 'rooms'"):
        read(SecretPlace(credential="rooms"))


def password(keyring: Keyring) -> str:
    return keyring.users["sdn"].by_name["room-1"].secret.password


def test_a_version_is_read_when_it_is_prepared_and_used_when_it_is_active(file: Path) -> None:
    used: list[Keyring] = []
    made = Vault(used.append, lambda: "t")
    assert made.prepare(signalling(file)) == ()
    assert used == []
    made.activate()
    assert [password(keyring) for keyring in used] == ["first"]
    file.chmod(0o644)
    (error,) = made.prepare(signalling(file))
    assert error.startswith("peer rooms: ")
    made.activate()
    assert len(used) == 1


def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    used: list[Keyring] = []
    made = Vault(used.append, lambda: "t")
    asyncio.run(made.refresh())
    made.prepare(signalling(file))
    made.activate()
    asyncio.run(made.refresh())
    assert len(used) == 1
    file.write_text("room-1 password second and longer\n")
    asyncio.run(made.refresh())
    assert [password(keyring) for keyring in used] == ["first", "second and longer"]
    file.write_text("room-1 nonsense topsecret\n")
    asyncio.run(made.refresh())
    asyncio.run(made.refresh())
    assert len(used) == 2
    assert caplog.text.count("what was read before goes on to serve") == 1
    assert "topsecret" not in caplog.text
    file.unlink()
    asyncio.run(made.refresh())
    assert len(used) == 2
    file.write_text("room-1 password third\n")
    file.chmod(0o600)
    asyncio.run(made.refresh())
    assert password(used[-1]) == "third"


def test_files_are_read_again_beside_the_calls(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop goes on while a file is read; a version that was activated meanwhile keeps what it read itself."""
    used: list[Keyring] = []
    made = Vault(used.append, lambda: "t")
    first, second = signalling(file), signalling(file)
    made.prepare(first)
    made.activate()
    file.write_text("room-1 password second\n")
    reading, go_on = threading.Event(), threading.Event()

    def slow(place: SecretPlace) -> str:
        text = read(place)
        reading.set()
        assert go_on.wait(20)
        return text

    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(vault, "read", slow)
            task = asyncio.create_task(made.refresh())
            assert await asyncio.to_thread(reading.wait, 20)
        file.write_text("room-1 password third\n")
        assert made.prepare(second) == ()
        made.activate()
        go_on.set()
        await task

    asyncio.run(main())
    assert [password(keyring) for keyring in used] == ["first", "third"]
