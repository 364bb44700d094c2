"""Prompts are made whole, in both languages, once."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixer.errors import PromptError
from mixer.prompts import LANGUAGES, SPOKEN, TITLES, build, screen_text
from mixer.prompts.making import RATE, press, resample, speak
from mixer.room.keys import KEYS
from mixer.worker.digits import Tones
from mixer.worker.voice import BLOCK


def test_every_text_is_there_in_both_languages() -> None:
    for texts in (SPOKEN, TITLES):
        assert all(text.da and text.en and text.da != text.en for text in texts.values())


def test_what_stands_on_a_screen_is_words_or_the_text_of_a_prompt() -> None:
    assert screen_text("Frokost kl. 12", "da") == "Frokost kl. 12"
    assert screen_text("@wrong_pin", "da") == SPOKEN["wrong_pin"].da
    assert screen_text("@nonsense", "en") == ""


def test_a_tone_keeps_its_pitch_when_it_is_resampled() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    spectrum = np.abs(np.fft.rfft(resample(tone, 22_050)))
    assert int(spectrum.argmax()) == 440
    assert len(resample(tone, 22_050)) == RATE


def test_prompts_and_screens_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = {name: SPOKEN[name] for name in ("enter_pin", "welcome")}
    monkeypatch.setattr("mixer.prompts.making.SPOKEN", words)
    prompts = build(tmp_path)
    for language in LANGUAGES:
        with wave.open(str(prompts.sound("welcome", language))) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
            assert RATE < sound.getnframes() < 5 * RATE
        for screen in TITLES:
            with Image.open(prompts.screen(screen, language)) as picture:
                assert picture.size == (1280, 720)
    assert prompts.sound("key_hash", "da").is_file()
    assert prompts.avatar.is_file()
    monkeypatch.setattr("mixer.prompts.making._make", lambda _: pytest.fail("made twice"))
    assert build(tmp_path) == prompts
    assert [path.name for path in tmp_path.iterdir()] == [prompts.folder.name]


@pytest.mark.parametrize("key", KEYS)
def test_the_tone_of_a_key_is_heard_as_that_key(key: str) -> None:
    samples = np.concatenate([press(key)] * 2).astype(np.float32)
    tones = Tones()
    blocks = samples[: samples.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    assert [heard for block in blocks if (heard := tones.listen(block))] == [key] * 2


def test_a_missing_espeak_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert shutil.which("espeak-ng") is None
    with pytest.raises(PromptError, match="install the package espeak-ng"):
        speak("hello", "en")
