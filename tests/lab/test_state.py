"""What a lab remembers, and who may change it."""

from pathlib import Path

import pytest

from lab import state
from lab.errors import LabBusyError
from lab.processes import Process
from lab.state import State


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(state, "ROOT", tmp_path / "labs")
    monkeypatch.setattr("os.chown", lambda *_: None)
    return tmp_path / "labs"


def test_one_process_holds_a_lab() -> None:
    holder, other = State("one"), State("one")
    holder.hold("a test")
    with pytest.raises(LabBusyError, match=r"Lab one is held by process \d+ \(a test\)"):
        other.hold("another")
    holder.let_go()
    other.hold("another")
    assert other.held
    other.let_go()


def test_two_labs_are_held_side_by_side() -> None:
    one, two = State("one"), State("two")
    one.hold("a test")
    two.hold("a test")
    assert state.names() == ["one", "two"]
    one.let_go()
    two.let_go()


def test_removal_leaves_nothing(root: Path) -> None:
    lab = State("one")
    lab.hold("a test")
    lab.prepare()
    lab.mark_up()
    lab.site.write_text("name: x\n")
    (lab.agents / "deep").mkdir()
    (lab.directory / "link").symlink_to(root.parent)
    lab.remove()
    assert not root.exists()
    assert root.parent.exists()


def test_removal_leaves_other_labs(root: Path) -> None:
    one, two = State("one"), State("two")
    for lab in (one, two):
        lab.hold("a test")
        lab.prepare()
    one.remove()
    assert [entry.name for entry in root.iterdir()] == ["two"]
    two.remove()


def test_whoever_waited_for_a_removed_lab_gets_a_new_one() -> None:
    first = State("one")
    first.hold("a test")
    first.prepare()
    first.remove()
    second = State("one")
    second.hold("a test")
    assert second.held
    assert not second.up
    second.remove()


def test_programs_come_back_in_the_order_of_their_start() -> None:
    lab = State("one")
    lab.hold("a test")
    lab.prepare()
    lab.remember("late", Process(7, 900), ["late"])
    lab.remember("early", Process(9, 100), ["early"])
    (lab.directory / "pids/broken.json").write_text('{"pid": 1')
    assert lab.programs() == {"early": Process(9, 100), "late": Process(7, 900)}
    assert list(lab.programs()) == ["early", "late"]
    lab.remove()


def test_no_labs_no_names() -> None:
    assert state.names() == []


def test_a_lab_whose_holder_is_gone_is_a_wreck_unless_it_was_left() -> None:
    lab = State("one")
    lab.hold("a test")
    lab.prepare()
    lab.mark_up()
    assert State("one").up
    assert not State("one").wrecked
    lab.let_go()
    assert not lab.up
    assert lab.wrecked
    lab.hold("a test")
    lab.leave()
    assert lab.up
    assert not lab.wrecked
    lab.hold("a test")
    lab.remove()
    assert not lab.wrecked


def test_a_lab_that_somebody_is_about_to_hold_is_no_wreck() -> None:
    lab = State("one")
    lab.hold("a test")
    lab.let_go()
    assert not lab.wrecked


def test_a_lab_that_is_being_taken_down_is_not_up() -> None:
    lab = State("one")
    lab.hold("a test")
    lab.prepare()
    lab.mark_up()
    assert lab.up
    lab.mark_down()
    assert not lab.up
    lab.remove()
