"""The sound that user agents play: a scale, so that a person who listens to a recording hears where it breaks."""

import math
import wave
from array import array
from pathlib import Path

STEPS = (262, 294, 330, 349, 392, 440, 494, 523)  # hertz: c to c
STEP_S = 0.5
AMPLITUDE = 8000  # of 32767: well heard, far from clipping
SECONDS = 60  # the agent begins the file anew before it ends


def write_scale(file: Path, rate: int) -> None:
    """Write SECONDS of a scale as a WAV file, mono, 16 bit, `rate` samples per second."""
    length = int(rate * STEP_S)
    scale = array(
        "h",
        (round(AMPLITUDE * math.sin(2 * math.pi * step * sample / rate)) for step in STEPS for sample in range(length)),
    )
    whole = round(SECONDS / (STEP_S * len(STEPS)))
    with wave.open(str(file), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(scale.tobytes() * whole)
