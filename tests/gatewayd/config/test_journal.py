from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd.config.disk import Directory
from gatewayd.config.errors import StorageError
from gatewayd.config.events import FIRST, Confirmed, Entry, Froze, Pushed, Thawed
from gatewayd.config.journal import NAME, Journal, chain

REF = "a" * 64


def journal(root: Path) -> Journal:
    return Journal(Directory(root), lambda: 1_800_000_000.0, lambda _entry: None)


def filled(root: Path) -> Journal:
    made = journal(root)
    made.add(Pushed(REF, "base"), "anna", "new ward")
    made.add(Froze(None), "anna", "holiday")
    made.add(Thawed(), "bo", "")
    return made


def test_each_line_carries_the_digest_of_the_line_before(tmp_path: Path) -> None:
    made = filled(tmp_path)
    again = journal(tmp_path)
    assert [line.entry.number for line in again.recent] == [1, 2, 3]
    assert [line.entry.before for line in again.recent] == [FIRST, *(line.digest for line in list(again.recent)[:2])]
    assert (again.head, again.damage, again.verify()) == (made.head, "", "")
    assert [line.entry for line in again.recent] == [line.entry for line in made.recent]
    assert [line.entry.number for line in again.after(1)] == [2, 3]


@pytest.mark.parametrize("left", [1, 10, 60])
def test_a_torn_line_is_left_out_and_its_place_taken(tmp_path: Path, left: int) -> None:
    filled(tmp_path)
    path = tmp_path / NAME
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: last + left])
    made = journal(tmp_path)
    assert [line.entry.number for line in made.recent] == [1, 2]
    assert made.damage == ""
    made.add(Confirmed(7), "anna", "")
    assert path.read_bytes().startswith(whole[:last])
    assert chain(path.read_bytes()) == ""
    assert journal(tmp_path).recent[-1].entry.what == Confirmed(7)


@pytest.mark.parametrize(
    ("old", "new", "damage"),
    [
        (b"new ward", b"old ward", "line 2 does not follow the one before it"),
        (b'"anna","why":"holiday"', b'"dora","why":"holiday"', "line 3 does not follow"),
        (b'{"at"', b'{"at:', "line 1 cannot be read"),
    ],
)
def test_a_line_that_was_changed_is_found_and_the_rest_still_counts(
    tmp_path: Path, old: bytes, new: bytes, damage: str
) -> None:
    made = filled(tmp_path)
    path = tmp_path / NAME
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    assert made.verify().startswith(damage)
    again = journal(tmp_path)
    assert again.damage.startswith(damage)
    assert again.recent[-1].entry.what == Thawed()
    again.add(Thawed(), "bo", "")
    assert chain(path.read_bytes()) == again.damage  # no line of ours is a damage of its own


def test_lines_taken_off_the_end_are_missed_while_it_runs(tmp_path: Path) -> None:
    made = filled(tmp_path)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(StorageError, match="shorter than it was"):
        made.verify()


def test_each_digest_is_in_the_log_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        made = filled(tmp_path)
    assert caplog.records[-1].vdx_fields["digest"] == made.head  # type: ignore[attr-defined]


def test_reasons_are_cut_to_their_length(tmp_path: Path) -> None:
    made = journal(tmp_path)
    assert len(made.add(Thawed(), "anna", "x" * 600).why) == 500


def test_older_lines_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewayd.config.journal.RECENT", 1)
    taken: list[Entry] = []
    filled(tmp_path)
    made = Journal(Directory(tmp_path), lambda: 1_800_000_000.0, taken.append)
    made.add(Thawed(), "bo", "")
    assert [entry.number for entry in taken] == [1, 2, 3, 4]
    assert len(made.recent) == 1
    assert [line.entry.number for line in made.after(0)] == [1, 2, 3, 4]
    assert [line.entry.number for line in made.after(3)] == [4]
