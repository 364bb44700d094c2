"""A meeting of twenty through the edge, from the PIN to the last goodbye: who sees and hears whom, all the time."""

from __future__ import annotations

import os
import re
import signal
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from lab.call import edge_address, parties
from lab.core import Core
from lab.lab import Lab
from lab.programs import PROGRAMS
from tests.mixer.agent.served import Served
from tests.peers import bfcp
from tests.peers.bfcp import Message
from tests.system.calls.edge import Edge, wait_for
from tests.system.rooms.people import H224, Studio, System, payload
from tests.system.rooms.signals import clip
from vdx.rooms import Room

pytestmark = pytest.mark.system

PEOPLE = 20
HOSTS = ("hospital", "municipality", "clinic")
SECONDS = 60.0
"""Anything may take on a busy machine."""
TONES = (
    300,
    450,
    500,
    650,
    700,
    850,
    950,
    1100,
    1150,
    1250,
    1400,
    1450,
    1600,
    1650,
    1850,
    1900,
    2050,
    2150,
    2300,
    2350,
)
DOCUMENT = 31
HOST_PIN, GUEST_PIN = "1234", "5678"
FLOOR_ID = bytes((2 << 1 | 1, 4, 0, 1))
"""The attribute that names floor 1 (RFC 8855 section 5.2.2), mandatory."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Give an edge, a bus and a mixing server."""
    with Lab.temporary("meeting", programs=PROGRAMS, core=True) as built:
        yield built


@pytest.fixture
def served(lab: Lab) -> Served:
    """Give the mixing server, to ask who is where."""
    return Served(0, 0, 0, lab.state.mixer / "run", lab.state.logs / "mixer.log")


def system(lab: Lab, number: int, *lines: str) -> System:
    (end,) = parties(lab, HOSTS[number % len(HOSTS)])
    return System(lab.host(end.host), edge_address(lab, end), number, TONES[number], lines)


def worker_of(served: Served, room: Room) -> int:
    """Give the process of a room, which the log names."""
    return int(re.findall(rf"room\.manned.*room={room.uuid}.*pid=(\d+)", served.log.read_text())[-1])


def phases(served: Served) -> list[str]:
    """Give how those stand who are heard already."""
    return [one.phase for one in served.attendees("2000") if any(stream.received_kbps for stream in one.streams)]


def all_are(served: Served, phase: str, count: int) -> None:
    wait_for(lambda: phases(served) == [phase] * count, SECONDS, lambda: str(phases(served)))


def test_twenty_enter_wait_meet_present_and_leave(lab: Lab, served: Served) -> None:
    Core(lab).add_room(
        "2000", host_pin=HOST_PIN, guest_pin=GUEST_PIN, quality="sd", host_view="twentyfive_mains_zero_pips"
    )
    with Studio() as studio:
        people = [
            studio.add(system(lab, at, *(("content", "floor") if at < PEOPLE - 2 else ()))) for at in range(PEOPLE)
        ]
        host, *guests = people
        host.speaks = True
        for one in guests:
            one.dial("2000")
        all_are(served, "pin", 19)
        for one in guests:
            one.press(f"{GUEST_PIN}#")
        all_are(served, "lobby", 19)
        guests[0].speaks = True
        nobody_is_met(guests)
        host.dial("2000")
        wait_for(lambda: "pin" in phases(served), SECONDS, lambda: "the host is not asked for the PIN")
        host.press(f"{HOST_PIN}#")
        all_are(served, "inside", 20)
        guests[0].speaks = host.speaks = False
        each_hears_everybody_but_itself(people)
        everybody_is_seen(people)
        a_document_is_shown(people)
        for left, one in reversed(list(enumerate(people))):
            one.hang_up()
            wait_for(lambda left=left: len(served.attendees("2000")) == left, SECONDS, lambda: "somebody is left")  # type: ignore[misc]
    Edge(lab, "udp").wait_idle()


def nobody_is_met(guests: list[System]) -> None:
    """Who waits hears the prompt and sees the screen, and no other guest."""
    came = {one: len(one.lines["audio"].came) for one in guests}
    wait_for(
        lambda: all(len(one.lines["audio"].came) > came[one] + 50 for one in guests), SECONDS, lambda: "no sound comes"
    )
    assert not [one.number for one in guests if one.hears(guests[0].hertz)]
    assert not [one.number for one in guests if any(number is not None for number in one.sees("video", 5, 4))]


def each_hears_everybody_but_itself(people: list[System]) -> None:
    """Three speak at a time, as many as are mixed."""
    for speaking in (people[at : at + 3] for at in range(0, len(people), 3)):
        for one in speaking:
            one.speaks = True

        def deaf(speaking: list[System] = speaking) -> list[int]:
            tones = {one.hertz for one in speaking}
            return [one.number for one in people if not one.hears(*tones - {one.hertz}, but=[*tones & {one.hertz}])]

        wait_for(lambda deaf=deaf: not deaf(), SECONDS, lambda deaf=deaf: f"not heard as they should: {deaf()}")  # type: ignore[misc]
        for one in speaking:
            one.speaks = False


def everybody_is_seen(people: list[System]) -> None:
    wanted = list(range(PEOPLE))

    def blind() -> list[tuple[int, list[int | None]]]:
        for one in people:
            one.lines["video"].wish_key_picture()
        seen = [(one.number, one.sees("video", 5, 4)) for one in people]
        return [(number, numbers) for number, numbers in seen if sorted(n for n in numbers if n is not None) != wanted]

    wait_for(lambda: not blind(), SECONDS, lambda: f"not seen as they should: {blind()}")


def a_document_is_shown(people: list[System]) -> None:
    """One asks for the floor and shows a document: on a stream of its own, and to those without it in the picture."""
    presenter = people[3]
    told = presenter.told["floor"]
    ids = dict(one.split(":") for one in told.attributes if one.startswith(("confid:", "userid:")))
    wanted = Message(bfcp.FLOOR_REQUEST, int(ids["confid"]), 2, int(ids["userid"]), attributes=FLOOR_ID)
    presenter.lines["floor"].rtp.sendto(wanted.write(), (told.address, told.port))
    presenter.presents = clip(DOCUMENT)

    def unseen() -> list[int]:
        with_stream = [one for one in people if "content" in one.lines and one is not presenter]
        for one in people:
            for medium in ("video", "content"):
                if medium in one.lines:
                    one.lines[medium].wish_key_picture()
        missing = [one.number for one in with_stream if one.sees("content", 1, 1) != [DOCUMENT]]
        beside = [one for one in people if "content" not in one.lines]
        return missing + [one.number for one in beside if DOCUMENT not in one.sees("video", 5, 5)]

    wait_for(lambda: not unseen(), SECONDS, lambda: f"the document is not seen by {unseen()}")
    assert Message.read(presenter.lines["floor"].came[0]).primitive == bfcp.FLOOR_REQUEST_STATUS


def test_the_death_of_a_worker_is_felt_in_its_own_room_alone(lab: Lab, served: Served) -> None:
    core = Core(lab)
    struck = core.add_room("3000", quality="sd")
    core.add_room("4000", quality="sd")
    with Studio() as studio:
        anna, bent, carl, dorte = (studio.add(system(lab, at)) for at in range(1, 5))
        for one, alias in ((anna, "3000"), (bent, "3000"), (carl, "4000"), (dorte, "4000")):
            one.dial(alias)
        anna.speaks = carl.speaks = True
        wait_for(lambda: bent.hears(anna.hertz) and dorte.hears(carl.hertz), SECONDS, lambda: "nobody is heard")
        source, known = bent.lines["audio"].came[-1][8:12], dorte.lines["audio"].came[-1]
        os.kill(worker_of(served, struck), signal.SIGKILL)
        for one in (anna, bent):
            one.is_called_back()

        def back() -> bool:
            for one in (bent, dorte):
                one.lines["video"].wish_key_picture()
            new = bent.lines["audio"].came[-1][8:12] != source and bent.hears(anna.hertz)
            return new and (bent.sees("video", 1, 1), dorte.sees("video", 1, 1)) == ([anna.number], [carl.number])

        wait_for(back, SECONDS, lambda: f"{bent.sees('video', 1, 1)}, {dorte.sees('video', 1, 1)}")
        packets = list(dorte.lines["audio"].came)
        packets = packets[packets.index(known) :]
        numbers = [int.from_bytes(packet[2:4]) for packet in packets]
        assert {packet[8:12] for packet in packets} == {known[8:12]}
        assert [(number - numbers[0]) & 0xFFFF for number in numbers] == list(range(len(numbers)))
        for one in (anna, bent, carl, dorte):
            one.hang_up()
    Edge(lab, "udp").wait_idle()


def test_cameras_are_moved_and_arrivals_told_through_the_edge(lab: Lab) -> None:
    """Far-end camera control (RFC 4573) and transport-wide congestion control, from one end to the other."""
    Core(lab).add_room("5000", quality="sd")
    with Studio() as studio:
        anna, bent = (studio.add(system(lab, at, "camera", "numbered")) for at in (1, 2))
        for one in (anna, bent):
            one.dial("5000")

        def moved() -> bool:
            anna.lines["camera"].send(H224, 0, b"left")
            bent.lines["camera"].send(H224, 0, b"right")
            return all(
                word in [payload(packet) for packet in one.lines["camera"].came]
                for one, word in ((bent, b"left"), (anna, b"right"))
            )

        wait_for(moved, SECONDS, lambda: f"no camera is moved: {anna.lines['camera'].came}")
        for one in (anna, bent):
            line = one.lines["video"]
            wait_for(
                lambda line=line: any(told_arrivals(report) for report in list(line.reports)) and bool(line.came),  # type: ignore[misc]
                SECONDS,
                lambda: "nothing is said of when packets came",
            )
            assert {packet[0] & 0x10 for packet in list(line.came)} == {0x10}
            assert {packet[12:14] for packet in list(line.came)} == {b"\xbe\xde"}
            one.hang_up()
    Edge(lab, "udp").wait_idle()


def told_arrivals(compound: bytes) -> bool:
    """Tell whether feedback on when each packet came (type 205, format 15) is among packets of RTCP."""
    while len(compound) >= 4:
        if (compound[1], compound[0] & 31) == (205, 15):
            return True
        compound = compound[4 * int.from_bytes(compound[2:4]) + 4 :]
    return False


def test_the_voice_of_a_theme_is_heard_in_a_call(lab: Lab) -> None:
    core, hertz = Core(lab), 1300
    own = core.themes / "region" / "en"
    own.mkdir(parents=True)
    blocks = 0.2 * np.sin(2 * np.pi * hertz * np.arange(int(1.5 * SECONDS) * 48_000) / 48_000)
    with wave.open(str(own / "welcome.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((blocks * 32767).astype("<i2").tobytes())
    core.add_room("6000", theme="region")
    core.add_room("7000")
    with Studio() as studio:
        themed, plain = (studio.add(system(lab, at)) for at in (1, 2))
        themed.dial("6000")
        plain.dial("7000")
        wait_for(lambda: themed.hears(hertz), SECONDS, lambda: "the theme is not heard")
        wait_for(
            lambda: not plain.hears(hertz), SECONDS, lambda: "the theme is heard elsewhere"
        )  # speech has all tones
        for one in (themed, plain):
            one.hang_up()
    Edge(lab, "udp").wait_idle()
