"""What real user agents said and heard, compared octet for octet: their recordings, put into G.711 once more."""

from __future__ import annotations

import os
import wave

import numpy as np
from numpy.typing import NDArray

from lab.agent import Agent
from lab.baresip import SOUND_RATE
from lab.users import AGENT

BLOCK = 160
"""Octets of a packet: 20 ms."""
AMPLITUDE = 6000
SECONDS = 60
_SEGMENTS = (0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF)


def say_noise(agent: Agent, seed: int) -> None:
    """Let an agent in a call say noise: no two blocks of it are alike, and none is like another agent's."""
    path = agent.plan.directory / "noise.wav"
    noise = np.random.default_rng(seed).integers(-AMPLITUDE, AMPLITUDE, SOUND_RATE * SECONDS)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        file.writeframes(noise.astype("<i2").tobytes())
    os.chown(path, AGENT.uid, AGENT.gid)
    agent.command("ausrc", f"aufile,{path}")


def said(agent: Agent) -> list[bytes]:
    """Give the blocks that an agent which has stopped said."""
    return _blocks(agent, "enc")


def heard(agent: Agent) -> list[bytes]:
    """Give the blocks that an agent which has stopped heard."""
    return _blocks(agent, "dec")


def _blocks(agent: Agent, which: str) -> list[bytes]:
    (path,) = agent.plan.directory.glob(f"dump-*-{which}.wav")
    with wave.open(str(path)) as file:
        octets = pcma(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    return [octets[at : at + BLOCK] for at in range(0, len(octets) - BLOCK + 1, BLOCK)]


def pcma(samples: NDArray[np.int16]) -> bytes:
    """Encode by ITU-T G.711, A-law; what was decoded from it gives the same octets again."""
    wide = samples.astype(np.int32)
    size = abs(wide) >> 3  # not their complement: as user agents do it
    segment = np.searchsorted(_SEGMENTS, size)
    octets = segment << 4 | size >> np.maximum(segment, 1) & 15
    return bytes((octets ^ np.where(wide < 0, 0x55, 0xD5)).astype(np.uint8))
