"""What the states of a leg are called; `leg.py` tells what they mean."""

from typing import Final

CALLING: Final = "calling"
CALLED: Final = "called"
ANSWERED: Final = "answered"
UP: Final = "up"
ENDED: Final = "ended"
