from __future__ import annotations

from pathlib import Path

import pytest

from vdx.bus.errors import BadRecord
from vdx.bus.replica import Entry
from vdx.bus.snapshot import Snapshot

ENTRIES = [Entry("a", b'{"size":1}', 3), Entry("b.c", b'{"size":2}', 9, 15.0)]


def test_what_is_saved_is_loaded_with_the_time_it_was_known(tmp_path: Path) -> None:
    file = Snapshot(tmp_path / "state", "things")
    assert file.load() is None
    file.save(ENTRIES)
    file.touch(1_700_000_000.0)
    assert file.load() == (ENTRIES, 1_700_000_000.0)
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.path.parent.iterdir()] == ["things.json"]


def test_a_file_that_cannot_be_used_is_said_and_replaced(tmp_path: Path) -> None:
    file = Snapshot(tmp_path, "things")
    file.save(ENTRIES)
    for broken in (b"", b"{", file.path.read_bytes()[:-5], b'{"bucket": "rooms", "entries": []}'):
        file.path.write_bytes(broken)
        with pytest.raises(BadRecord, match="started without it"):
            file.load()
    file.save(ENTRIES)
    loaded = file.load()
    assert loaded is not None
    assert loaded[0] == ENTRIES


def test_a_write_that_is_cut_off_leaves_the_file_before(tmp_path: Path) -> None:
    file = Snapshot(tmp_path, "things")
    file.save(ENTRIES)
    file.path.with_suffix(".part").write_bytes(b'{"bucket": "thi')
    loaded = file.load()
    assert loaded is not None
    assert loaded[0] == ENTRIES
