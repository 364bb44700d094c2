"""What rooms say and show: texts in one table, sounds and pictures made of them on this machine."""

from mixer.prompts.making import Prompts, build
from mixer.prompts.texts import LANGUAGES, SPOKEN, TITLES, Language, screen_text

__all__ = ["LANGUAGES", "SPOKEN", "TITLES", "Language", "Prompts", "build", "screen_text"]
