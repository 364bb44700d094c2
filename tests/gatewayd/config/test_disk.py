from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gatewayd.config.disk import Directory
from gatewayd.config.errors import StorageError
from tests.gatewayd.config.power import FATES, Fate, PowerCut, power


def test_what_is_written_is_there_for_its_owner_alone(tmp_path: Path) -> None:
    made = Directory(tmp_path / "versions")
    assert made.read("a") is None
    assert made.names("contents") == []
    made.write("contents/a", b"one")
    made.write("contents/a", b"two")
    assert made.read("contents/a") == b"two"
    assert made.names("contents") == ["a"]
    assert (tmp_path / "versions/contents/a").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "versions/contents").stat().st_mode & 0o777 == 0o700
    made.remove("contents/a")
    made.remove("contents/a")
    assert made.read("contents/a") is None


def test_what_is_appended_takes_the_place_of_what_never_counted(tmp_path: Path) -> None:
    made = Directory(tmp_path)
    made.append("journal", b"one\n", 0)
    made.append("journal", b"tw", 4)
    made.append("journal", b"three\n", 4)
    assert made.read("journal") == b"one\nthree\n"


NEW = b"new\n" * 5000


def old(root: Path) -> Directory:
    made = Directory(root)
    made.append("a", b"old\n", 0)
    return made


def change(made: Directory, verb: str) -> None:
    if verb == "write":
        made.write("a", NEW)
    else:
        made.append("a", NEW, 4)


def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str) -> range:
    made = old(tmp_path / "measured")
    with power(monkeypatch, tmp_path) as disk:
        change(made, verb)
    assert disk.steps > 4
    return range(1, disk.steps + 1)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("verb", ["write", "append"])
def test_a_disk_that_fails_at_any_step_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, code: int
) -> None:
    every = steps(tmp_path, monkeypatch, verb)
    for step in every:
        made = old(tmp_path / str(step))
        told = pytest.raises(StorageError, match=r"/a cannot be written: .*what ran before runs on")
        with power(monkeypatch, tmp_path, full_at=step, code=code), told:
            change(made, verb)
        renamed = verb == "write" and step == every[-1]  # and only the folder was not synced
        assert made.read("a") == (NEW if renamed else b"old\n")
        assert made.names(".") == ["a"]


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("verb", ["write", "append"])
def test_a_power_cut_at_any_step_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, fate: Fate
) -> None:
    for step in steps(tmp_path, monkeypatch, verb):
        made = old(tmp_path / str(step))
        with power(monkeypatch, tmp_path, cut_at=step) as disk:
            with pytest.raises(PowerCut):
                change(made, verb)
            disk.settle(fate)
        found = made.read("a")
        assert found is not None
        if verb == "write":
            assert found in {b"old\n", NEW}
        else:
            assert found.startswith(b"old\n")
            assert (b"old\n" + NEW).startswith(found)


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "versions").write_text("a file")
    with pytest.raises(StorageError, match=r"versions/journal cannot be written: (File exists|Not a directory)"):
        Directory(tmp_path / "versions").append("journal", b"x\n", 0)
