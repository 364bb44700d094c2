"""What `mixerctl` asks and shows."""

from __future__ import annotations

import pytest

from mixer.ctl import tables
from mixer.ctl.command import _parser, main
from vdx import meetings as orders
from vdx.meetings import Attendee, LocalOrder, Quality, Reloaded, Roster, Status


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("status", orders.ShowStatus()),
        ("drain --off", orders.DrainNode(draining=False)),
        ("reload", orders.Reload()),
        ("mute 1000 ab12 --off", orders.Mute("1000", "ab12", muted=False)),
        ("spotlight 1000 ab12 cd34", orders.Spotlight("1000", ("ab12", "cd34"))),
        ("layout 1000 --host nine_mains_zero_pips", orders.Layout("1000", "nine_mains_zero_pips")),
        ("role 1000 ab12 host", orders.SetRole("1000", "ab12", "host")),
        ("dial 1000 sip:x@y.example --role host", orders.DialOut("1000", "sip:x@y.example", "host")),
        ("text 1000 Pause --seconds 5", orders.ShowText("1000", "Pause", 5.0)),
        ("transfer 1000 ab12 2000", orders.Transfer("1000", "ab12", "2000")),
    ],
)
def test_words_become_orders(words: str, order: LocalOrder) -> None:
    options = _parser().parse_args(words.split())
    assert options.make(options) == order


def test_a_roster_is_a_table_that_cannot_steer_a_terminal() -> None:
    one = Attendee(
        "ab12",
        "Eve\x1b[2J",
        "eve@x.example",
        "guest",
        "inside",
        0.0,
        muted=True,
        streams=(Quality("video", "h264", 900.0, 400.0, 0.015, width=1280, height=720, fps=25.0),),
    )
    text = tables.text(Roster("u", "1000", "Room", False, True, (one,)))
    assert "\x1b" not in text
    assert "1280x720@25" in text
    assert "1.5%" in text
    assert "open recorded" in text


def test_what_takes_a_restart_is_said() -> None:
    assert tables.text(Reloaded(("capacity", "media"))) == "taken by a restart alone: capacity, media"
    assert tables.text(Reloaded()) == "done"


def test_capacity_is_shown_in_ports() -> None:
    text = tables.text(Status("mixer1", 240, 18, 1, 2, 2, False, "connected"))
    assert "1 1/2 of 20" in text


def test_a_server_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--run-dir", "/nonexistent", "status"]) == 2
    assert "is that program running?" in capsys.readouterr().err
