"""The short form of fuzzing: all that was ever found, the seeds, and mutations of them that are the same every time."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import dialogues, seeds
from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
"""Inputs that once were findings, by target: what they broke stays mended."""

MUTATIONS = {"gateway": 500, "endpoint": 1_500}
MUTATED = 5_000
"""Mutations of a target that is quick; those with state take longer each."""

WORDS = (
    *(b"\r\n", b"\n", b"\0", b"\xff\xfe", b"%0D%0A", b";tag=", b"<", b">", b'"', b",", b";", b":", b"=", b" ", b"\t"),
    *(
        b"sip:",
        b"Via: ",
        b"Require: 100rel\n",
        b"Content-Length: 0\n",
        b"CSeq: 2 ",
        b"INVITE",
        b"ACK",
        b"BYE",
        b"CANCEL",
    ),
    *(b"m=audio 9 RTP/AVP 0\n", b"a=crypto:1 X inline:Y\n", b"c=IN IP6 ::1\n", b"a=group:BUNDLE 0\n", b"65536", b"-1"),
)


def mutations(chance: random.Random, inputs: list[bytes], number: int) -> Iterator[bytes]:
    for _ in range(number):
        data = bytearray(chance.choice(inputs))
        for _ in range(chance.randint(1, 6)):
            start, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
            end = min(end, start + 40)
            match chance.randint(0, 4):
                case 0:
                    del data[start:end]
                case 1:
                    data[start:start] = chance.choice(WORDS)
                case 2:
                    data[start:end] = chance.randbytes(end - start)
                case 3:
                    data[start:start] = data[start:end]
                case _:
                    other = chance.choice(inputs)
                    at = chance.randint(0, len(other))
                    data[start:end] = other[at : at + 200]
        yield bytes(data)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_stays_mended(name: str) -> None:
    for path in sorted((FOUND / name).glob("*")):
        TARGETS[name].run(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_their_mutations_find_nothing(name: str) -> None:
    inputs = list(seeds.of(name))
    assert inputs
    for data in inputs:
        TARGETS[name].run(data)
    for data in mutations(random.Random(name), inputs, MUTATIONS.get(name, MUTATED)):  # noqa: S311 - the same every time
        TARGETS[name].run(data)


def test_the_dialogues_go_where_they_are_meant_to() -> None:
    """A seed that ends at its first message would test nothing behind the parser."""
    echo = dialogues.Echo()
    echo.note(b"INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCSeq: 1 INVITE\r\nCall-ID: c\r\n\r\n")
    assert echo.fill(b"V: {via}\nI: {call_id}") == b"V: SIP/2.0/UDP h;branch=z9hG4bK1\r\nI: c"
    assert max(seed.count(dialogues.PARTS) for seed in (*seeds.GATEWAY, *seeds.ENDPOINT)) < dialogues.MAX_PARTS
