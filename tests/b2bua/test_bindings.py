"""Registrations on disk: what was answered is there after a power cut."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from b2bua.bindings import FILE, BindingsError, BindingStore, Keeper
from b2bua.call.access import Access
from b2bua.call.registrar import Binding, Change
from b2bua.call.registrations import Registrations

CHECKOUT = Path(__file__).resolve().parents[2]
T = 4_000_000_000.0
BINDING = Binding(
    *("rooms", "room-1", "sip:a@198.51.100.9:;", "sip:a@198.51.100.9", T, T - 600, "call", 1),
    *("internet", "udp", ("192.0.2.1", 5060), ("198.51.100.9", 5060)),
    params=';+sip.instance="<urn:x>"',
    path=("<sip:p;lr>",),
)

# Stores one binding after the other, each told of on standard output once it is stored
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from b2bua.bindings import BindingStore
from b2bua.call.registrar import Change
from tests.b2bua.test_bindings import BINDING
store = BindingStore(Path(sys.argv[1]))
store.open()
for number in range(1_000_000):
    user = f"room-{number % 50}"
    store.save([Change("rooms", user, key, replace(BINDING, user=user, key=key, number=number)) for key in "ab"])
    print(number, flush=True)
"""


def changed(user: str, binding: Binding | None = BINDING) -> Change:
    return Change("rooms", user, BINDING.key, binding and replace(binding, user=user))


def kept(directory: Path) -> list[Binding]:
    store = BindingStore(directory)
    found = store.open()
    store.close()
    return found


def test_what_was_saved_is_there_again(tmp_path: Path) -> None:
    store = BindingStore(tmp_path)
    assert store.open() == []
    store.save([changed("room-1"), changed("room-2")])
    store.save([changed("room-2", replace(BINDING, number=2)), changed("room-1", None)])
    store.close()
    assert kept(tmp_path) == [replace(BINDING, user="room-2", number=2)]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_batch_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    store = BindingStore(tmp_path)
    store.open()
    with pytest.raises(sqlite3.IntegrityError):
        store.save([changed("room-1"), Change(None, "x", "y", BINDING)])  # type: ignore[arg-type]
    store.close()
    assert kept(tmp_path) == []


@pytest.mark.parametrize("batches", [3, 40])
def test_nothing_that_was_answered_is_lost_by_a_kill_between_writes(tmp_path: Path, batches: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE, env={**os.environ}
    )
    try:
        assert writer.stdout
        last = -1
        for _ in range(batches):
            last = int(writer.stdout.readline())
    finally:
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=30)
    told = [last, *(int(line) for line in rest.split(b"\n")[:-1])]
    found = {(one.user, one.key): one.number for one in kept(tmp_path)}
    for number in told:
        for key in "ab":
            assert found[f"room-{number % 50}", key] >= number
    assert all(found[user, "a"] == found[user, "b"] for user, _ in found), "half of a batch was stored"


def test_a_broken_database_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database at all" * 100)
    assert kept(tmp_path) == []
    assert (tmp_path / "registrations.broken").read_bytes().startswith(b"this is no")
    assert "registrations.broken" in caplog.text
    store = BindingStore(tmp_path)
    store.open()
    store.save([changed("room-1")])
    store.close()
    assert len(kept(tmp_path)) == 1


def test_a_full_disk_keeps_nobody_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BindingStore(tmp_path)
    store.open()
    store.save([changed("room-1")])
    store.close()
    with monkeypatch.context() as full:
        full.setattr("b2bua.bindings._FORM", "PRAGMA max_page_count = 1; CREATE TABLE more (said TEXT) STRICT;")
        store = BindingStore(tmp_path)
        assert len(store.open()) == 1
        assert not (tmp_path / "registrations.broken").exists()
        with pytest.raises(sqlite3.OperationalError, match="full"):
            store.save([changed("room-2")])
    store.save([changed("room-2")])
    store.close()
    assert len(kept(tmp_path)) == 2


def test_another_form_is_begun_anew(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    assert kept(tmp_path) == []


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BindingsError, match="cannot be made"):
        BindingStore(tmp_path / "nowhere").open()


class Registering(Registrations):
    """A registrar whose changes a test makes."""

    def __init__(self) -> None:
        super().__init__(Access(lambda: "t", Counter(), lambda: 0.0), Counter(), lambda: 0.0)
        self.batches: list[list[Change]] = []
        self.answered = 0

    def to_store(self) -> list[Change]:
        return self.batches.pop(0) if self.batches else []

    def stored(self, now: float) -> None:
        assert now == 7.0
        self.answered += 1


class Broken(BindingStore):
    """A disk that is full."""

    def save(self, changes: object) -> None:  # noqa: ARG002 - the signature of what it stands in for
        raise sqlite3.OperationalError("database or disk is full")


async def keep(store: BindingStore, batches: int) -> tuple[Registering, int]:
    registering = Registering()
    flushed: list[int] = []
    keeper = Keeper(store, registering, lambda: 7.0, lambda: flushed.append(1))
    keeper.start()
    registering.batches = [[changed(f"room-{number}")] for number in range(batches)]
    keeper.look()
    await keeper.close()
    return registering, len(flushed)


@pytest.mark.parametrize("make", [BindingStore, Broken])
def test_batches_follow_each_other_and_each_is_answered(
    tmp_path: Path, make: Callable[[Path], BindingStore], caplog: pytest.LogCaptureFixture
) -> None:
    registering, flushed = asyncio.run(keep(make(tmp_path), 3))
    assert registering.stores
    assert (registering.answered, flushed, registering.batches) == (3, 3, [])
    assert len(kept(tmp_path)) == (0 if make is Broken else 3)
    assert ("registrations.unstored" in caplog.text) == (make is Broken)
