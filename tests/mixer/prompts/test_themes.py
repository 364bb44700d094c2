"""A theme's files are played and shown where a room can; all else is the installation's."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from PIL import Image

from mixer.prompts import Prompts, check, themed
from mixer.prompts.making import LONGEST_SECONDS, RATE


def sound(path: Path, *, rate: int = RATE, seconds: float = 0.1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(2 * int(rate * seconds)))


def screen(path: Path, size: tuple[int, int] = (1280, 720)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path, "PNG")


@pytest.fixture
def ours(tmp_path: Path) -> Prompts:
    return Prompts(tmp_path / "ours")


def test_a_theme_lies_over_the_installations_prompts(ours: Prompts, tmp_path: Path) -> None:
    theme = tmp_path / "themes" / "north-1"
    sound(theme / "da/welcome.wav")
    screen(theme / "da/lobby.png")
    screen(theme / "avatar.png", (640, 360))
    found = themed(ours, tmp_path / "themes", "north-1")
    assert found.sound("welcome", "da") == theme / "da/welcome.wav"
    assert found.screen("lobby", "da") == theme / "da/lobby.png"
    assert found.avatar == theme / "avatar.png"
    assert found.sound("welcome", "en") == ours.sound("welcome", "en")
    assert found.screen("pin", "da") == ours.screen("pin", "da")
    assert check(tmp_path / "themes") == ()


@pytest.mark.parametrize("name", ["", "south", "../themes/north", "North", "north/da", "north\n"])
def test_a_theme_that_is_not_here_is_none(ours: Prompts, tmp_path: Path, name: str) -> None:
    screen(tmp_path / "themes/north/da/lobby.png")
    assert themed(ours, tmp_path / "themes", name) is ours
    assert themed(ours, None, "north") is ours


def test_what_no_room_could_play_or_show_is_left_out_and_said(
    ours: Prompts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    theme = tmp_path / "themes" / "north"
    sound(theme / "da/welcome.wav", rate=8_000)
    sound(theme / "da/goodbye.wav", seconds=LONGEST_SECONDS + 1)
    (theme / "da/locked.wav").write_bytes(b"RIFF")
    screen(theme / "da/lobby.png", (4_000, 100))
    (theme / "da/pin.png").write_text("no picture")
    (tmp_path / "themes" / "Bad Name").mkdir()
    found = themed(ours, tmp_path / "themes", "north")
    for prompt in ("welcome", "goodbye", "locked"):
        assert found.sound(prompt, "da") == ours.sound(prompt, "da")
    for name in ("lobby", "pin"):
        assert found.screen(name, "da") == ours.screen(name, "da")
    assert caplog.text.count("theme.unusable") == 5
    wrong = check(tmp_path / "themes")
    assert len(wrong) == 6
    assert any("48000 Hz, one channel, 16 bit" in one for one in wrong)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert check(tmp_path / "none") == (f"{tmp_path}/none: there is no such folder: make it, or leave `themes` out",)
