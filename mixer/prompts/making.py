"""Prompts as WAV files and screens as PNG files, made on this machine into a folder that is complete or absent."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mixer.errors import PromptError
from mixer.prompts.texts import HINTS, LANGUAGES, SPOKEN, TITLES, Language
from mixer.room.keys import KEYS, tone
from mixer.worker.digits import TONES

RATE = 48_000
"""Hz of every prompt: the rate that rooms mix at."""

PEAK = 0.35
"""Of full scale: as loud as people speak in a room, -9 dB."""

SIZE = (1280, 720)
"""Pixels of a screen; workers scale it."""

FONT = "DejaVuSans.ttf"
VOICES: dict[Language, str] = {"da": "da", "en": "en-gb"}
LONGEST_SECONDS = 120
"""Of a prompt: what a room worker plays."""
PRESSED_SECONDS, PAUSED_SECONDS = 0.1, 0.08
"""Of a key: who listens for keys needs 40 ms of each (ITU-T Q.24)."""
SPEED = 150
"""Words a minute: slower than espeak's own, as people type along."""

_VERSION = 4  # of what is made of the same texts
_SECONDS = 20  # espeak-ng needs a tenth of a second for a sentence

Sound = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Prompts:
    """Where everything is; every file exists."""

    folder: Path

    def sound(self, prompt: str, language: Language) -> Path:
        """Give the WAV file of a prompt: 48 kHz, one channel, 16 bit."""
        return self.folder / language / f"{prompt}.wav"

    def screen(self, screen: str, language: Language) -> Path:
        """Give the PNG file of a screen."""
        return self.folder / language / f"{screen}.png"

    @property
    def avatar(self) -> Path:
        """Give the picture of somebody without a camera."""
        return self.folder / "avatar.png"


def build(cache: Path) -> Prompts:
    """Give the prompts, made where they are not there yet; raises `PromptError`."""
    named = json.dumps([_VERSION, SPOKEN, TITLES, HINTS, VOICES, SPEED, SIZE], sort_keys=True)
    folder = cache / hashlib.blake2b(named.encode(), digest_size=8).hexdigest()
    if folder.is_dir():
        return Prompts(folder)
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=cache))
    try:
        _make(work)
        for path in (work, *work.rglob("*")):  # workers run as another user
            path.chmod(0o755 if path.is_dir() else 0o644)
        work.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another program was quicker, and made the same
            raise PromptError(f"prompts cannot be made in {cache}: {error.strerror}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Prompts(folder)


def _make(folder: Path) -> None:
    for language in LANGUAGES:
        (folder / language).mkdir(mode=0o755)
    texts = [(language, name, getattr(text, language)) for language in LANGUAGES for name, text in SPOKEN.items()]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for (language, name, _), sound in zip(texts, pool.map(lambda one: speak(one[2], one[0]), texts), strict=True):
            _write(folder / language / f"{name}.wav", sound)
    for language in LANGUAGES:
        for key in KEYS:
            _write(folder / language / f"{tone(key)}.wav", press(key))
        for name, title in TITLES.items():
            hint = getattr(HINTS[name], language) if name in HINTS else ""
            _screen(getattr(title, language), hint).save(folder / language / f"{name}.png")
    _avatar().save(folder / "avatar.png")


def speak(text: str, language: Language) -> Sound:
    """Give the samples of a spoken text at `RATE`, from -1.0 to 1.0; raises `PromptError`."""
    command = ["espeak-ng", "--stdout", "-v", VOICES[language], "-s", str(SPEED), "--", text]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603 - our own words
    except FileNotFoundError as error:
        raise PromptError("espeak-ng is missing: install the package espeak-ng") from error
    except subprocess.SubprocessError as error:
        raise PromptError(f"espeak-ng could not speak {text!r}: {error}") from error
    with wave.open(io.BytesIO(done.stdout)) as spoken:
        rate = spoken.getframerate()
        samples = np.frombuffer(spoken.readframes(spoken.getnframes()), "<i2").astype(np.float64)
    return _level(resample(samples, rate))


def press(key: str) -> Sound:
    """Give the tones of a key (ITU-T Q.23), and the pause after it."""
    turns = np.arange(round(PRESSED_SECONDS * RATE)) * 2 * np.pi / RATE
    low, high = TONES[key]
    both = (np.sin(turns * low) + np.sin(turns * high)) * (PEAK / 2)
    return np.concatenate([both, np.zeros(round(PAUSED_SECONDS * RATE))])


def resample(samples: Sound, rate: int) -> Sound:
    """Bring samples to `RATE` by their spectrum, which adds nothing above what was there."""
    wanted = round(len(samples) * RATE / rate)
    resampled: Sound = np.fft.irfft(np.fft.rfft(samples), wanted) * (wanted / len(samples))
    return resampled


def _level(samples: Sound) -> Sound:
    peak = float(np.abs(samples).max())
    if not peak:
        raise PromptError("espeak-ng gave silence: are its voices installed (espeak-ng-data)?")
    silence = np.zeros(RATE // 10)
    return np.concatenate([silence, samples * (PEAK / peak), silence])


def _write(path: Path, samples: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def _screen(title: str, hint: str) -> Image.Image:
    picture = Image.new("RGB", SIZE, (18, 40, 62))
    draw = ImageDraw.Draw(picture)
    width, height = SIZE
    draw.rectangle((0, height - 12, width, height), fill=(58, 142, 168))
    large = ImageFont.truetype(FONT, 54)
    draw.text((width / 2, height * 0.46), title, font=large, fill=(255, 255, 255), anchor="mm")
    if hint:
        draw.text(
            (width / 2, height * 0.58), hint, font=ImageFont.truetype(FONT, 32), fill=(176, 205, 220), anchor="mm"
        )
    return picture


def _avatar() -> Image.Image:
    picture = Image.new("RGB", (640, 360), (38, 58, 78))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((265, 70, 375, 180), fill=(150, 172, 188))
    draw.pieslice((205, 195, 435, 475), 180, 360, fill=(150, 172, 188))
    return picture
