"""Encrypted calls of more than 65,536 packets: they go on where a stream is described anew, or its worker dies."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import msgspec
import pytest

from mixer.reports import Stats
from mixer.wire import Change, Encryption, Key, Rollover
from tests.mixer.worker.world import End, Peer, Worker, eventually, running

pytestmark = pytest.mark.system

NEARLY = 65_500
"""The number of a first packet: a second later numbers begin anew."""
TONE = 400.0


@pytest.fixture
def ends() -> Iterator[tuple[End, End]]:
    ours, theirs = (Key("AES_CM_128_HMAC_SHA1_80", base64.b64encode(os.urandom(30)).decode()) for _ in range(2))
    anna = End("audio", "opus", tone=TONE, encryption=Encryption(ours, theirs))
    anna.element("rtpopuspay").set_property("seqnum-offset", NEARLY)
    bent = End("audio", "opus")
    yield anna, bent
    for one in (anna, bent):
        one.close()


def counted(room: Worker) -> tuple[Rollover, ...]:
    """Wait until the numbers of the first participant have begun anew."""
    said = room.wait(Stats, lambda said: any(one.rollovers for one in said.streams))
    return said.streams[0].rollovers


def is_heard(room: Worker, bent: End) -> None:
    bent.sound.clear()
    eventually(room, lambda: len(bent.sound) > 50 and bent.levels(TONE)[0] > -35, "nothing is heard")


def test_a_long_encrypted_call_goes_on_in_another_stream_and_another_worker(ends: tuple[End, End]) -> None:
    anna, bent = ends
    with running() as room:
        for name, end in (("anna", anna), ("bent", bent)):
            Peer(room, name, end).join()
        is_heard(room, bent)
        before = counted(room)
        assert [one.count for one in before] == [1]
        room.do(Change("anna", (msgspec.structs.replace(anna.stream, kbps=300, kept=True),)))
        is_heard(room, bent)
        assert counted(room) == before
    anna.stream = msgspec.structs.replace(anna.stream, rollovers=before)
    with running() as room:
        for name, end in (("anna", anna), ("bent", bent)):
            Peer(room, name, end).join()
        is_heard(room, bent)
