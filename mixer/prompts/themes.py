"""Themes: an organisation's own prompts and screens, laid over those that are made here.

A theme is a folder, named as rooms name it, with the files that are to be others: `da/welcome.wav`, `en/lobby.png`,
`avatar.png`. What it lacks, or what no room could play or show, is the installation's.
"""

from __future__ import annotations

import logging
import re
import wave
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mixer.prompts.making import LONGEST_SECONDS, RATE, Prompts
from mixer.prompts.texts import Language
from vdx.journal import fields

log = logging.getLogger("mixer.prompts")

LARGEST = 1920, 1080
"""Pixels of a screen, at most."""

_NAME = re.compile(r"[a-z0-9-]{1,100}\Z")
"""As the hub has them: never a path."""


@dataclass(frozen=True, slots=True)
class Themed(Prompts):
    """Prompts of which some are a theme's."""

    theme: Path

    def sound(self, prompt: str, language: Language) -> Path:
        """Give the WAV file of a prompt."""
        return self._own(f"{language}/{prompt}.wav") or Prompts.sound(self, prompt, language)

    def screen(self, screen: str, language: Language) -> Path:
        """Give the PNG file of a screen."""
        return self._own(f"{language}/{screen}.png") or Prompts.screen(self, screen, language)

    @property
    def avatar(self) -> Path:
        """Give the picture of somebody without a camera."""
        return self._own("avatar.png") or self.folder / "avatar.png"

    def _own(self, name: str) -> Path | None:
        path = self.theme / name
        wrong = fault(path) if path.exists() else None
        if wrong:
            log.warning("theme.unusable: %s", wrong, extra=fields(file=str(path)))
        return path if wrong == "" else None


def themed(prompts: Prompts, themes: Path | None, name: str) -> Prompts:
    """Give the prompts of a theme; without one, or where it is not here, the installation's."""
    if themes is None or not _NAME.match(name) or not (themes / name).is_dir():
        return prompts
    return Themed(prompts.folder, themes / name)


def fault(path: Path) -> str:
    """Say why no room could play or show a file, or nothing."""
    try:
        if path.suffix == ".png":
            with Image.open(path, formats=("PNG",)) as picture:
                small = picture.width <= LARGEST[0] and picture.height <= LARGEST[1]
            return "" if small else f"it is larger than {LARGEST[0]} by {LARGEST[1]} pixels"
        with wave.open(str(path), "rb") as sound:
            form = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
            seconds = sound.getnframes() / RATE
    except (OSError, EOFError, ValueError, wave.Error, Image.DecompressionBombError) as error:
        return f"it cannot be read: {error}"
    if form != (RATE, 1, 2):
        return f"it has to be {RATE} Hz, one channel, 16 bit"
    return "" if 0 < seconds <= LONGEST_SECONDS else f"it has to be at most {LONGEST_SECONDS} seconds"


def check(themes: Path) -> tuple[str, ...]:
    """Give what is wrong with all themes, a sentence for each file."""
    if not themes.is_dir():
        return (f"{themes}: there is no such folder: make it, or leave `themes` out",)
    found = []
    for folder in sorted(themes.iterdir()):
        if not folder.is_dir() or not _NAME.match(folder.name):
            found.append(f"{folder}: a theme is a folder, its name small letters, digits and hyphens")
            continue
        files = sorted(path for path in folder.rglob("*") if path.suffix in {".wav", ".png"})
        found += [f"{path}: {wrong}" for path in files if (wrong := fault(path))]
    return tuple(found)
