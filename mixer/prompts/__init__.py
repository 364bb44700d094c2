"""What rooms say and show: texts in one table, sounds and pictures made of them on this machine."""

from mixer.prompts.making import Prompts, build
from mixer.prompts.texts import LANGUAGES, SPOKEN, TITLES, Language, screen_text
from mixer.prompts.themes import check, themed

__all__ = ["LANGUAGES", "SPOKEN", "TITLES", "Language", "Prompts", "build", "check", "screen_text", "themed"]
