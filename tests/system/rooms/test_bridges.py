"""Ends that share no codec meet through edge and mixing server; the hub's probe takes the way that a caller takes."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
import yaml

from b2bua.link import RECORDS
from lab.agent import Agent
from lab.baresip import Secure
from lab.call import ANSWER_S, PICTURES, edge_address, parties
from lab.core import NODE, Core
from lab.edge import edge_calls, explain, wait_until_serving
from lab.lab import Lab
from lab.programs import PROGRAMS
from lab.site import ROOT_FILE
from lab.topology import MIXER, SIP_PORT, TLS_PORT
from tests.mixer.agent.served import Served
from tests.peers import sdp
from tests.peers.agent import Agent as Peer
from tests.system.calls.edge import Edge, wait_for
from tests.system.rooms.spoken import heard, said, say_noise
from vdx.bus import Bus, Happening, Reader, Watch
from vdx.meetings import Attendee
from vdx.placed import CALLS
from vdx.ports import PORT
from vdx.probe import PROBE, Probe, Probed
from vdx.quality import QUALITY
from vdx.refusals import ADMISSIONS

pytestmark = pytest.mark.system

Event = TypeVar("Event", bound=msgspec.Struct)

SECONDS = 30.0
ASK_SECONDS = 12.0  # the edge gathers refusals for ten
ENOUGH = 100  # packets of sound: two seconds
OPUS = "audio_codecs=opus/48000/2;video_codecs=none"
BRIDGED = "where codecs or encryption of both ends do not fit, mixing server"
PCMA = "audio_codecs=pcma/8000/1;video_codecs=none"
SEEN = "audio_codecs=pcma/8000/1;video_codecs=H264"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Give an edge, a bus and a mixing server; the municipality is called over TLS and has its media encrypted."""
    with Lab.temporary("bridges") as built:
        core = Core(built)
        core.prepare()
        site = yaml.safe_load(built.state.site.read_text())
        peer = site["peers"]["municipality"]
        peer["encryption"] = "required"
        peer["target"] |= {"port": TLS_PORT, "transport": "tls"}
        built.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        built.start(*PROGRAMS)
        wait_until_serving(built.state.run)
        core.start()
        yield built


@pytest.fixture(scope="module")
def private(lab: Lab) -> Lab:
    """Give the same, with TLS between edge and mixing server: over anything else no keys pass."""
    Core(lab).speak("tls")
    return lab


def test_two_ends_without_a_common_codec_hear_each_other(lab: Lab) -> None:
    run = lab.state.run
    wait_for(lambda: BRIDGED in explain(run, "hospital", "clinic"), SECONDS, lambda: explain(run, "hospital", "clinic"))
    caller, callee = parties(lab, "hospital", "clinic")
    with (
        Agent(lab, lab.host("clinic"), "clinic", codecs=PCMA) as clinic,
        Agent(lab, lab.host("hospital"), "hospital", calls=True, codecs=OPUS) as hospital,
    ):
        hospital.dial(f"sip:{callee.name}@{edge_address(lab, caller)}")
        assert "No audio codecs" in str(clinic.wait("CALL_CLOSED", seconds=ANSWER_S))
        for agent in (hospital, clinic):
            agent.wait("CALL_ESTABLISHED", seconds=ANSWER_S)

        def carried() -> bool:
            found = {
                (call.caller, stream.codec)
                for call in edge_calls(run)
                for stream in call.streams
                if stream.medium == "audio" and min(stream.packets_from_caller, stream.packets_from_callee) > 2 * ENOUGH
            }
            return found == {("hospital", "opus"), ("mixers", "PCMA")}

        wait_for(carried, SECONDS, lambda: str(edge_calls(run)))
        core = Core(lab)
        wait_for(lambda: core.on_bus(twelfths) == [PORT, PORT], SECONDS, lambda: str(core.on_bus(twelfths)))
        hospital.hangup()
        clinic.wait("CALL_CLOSED", seconds=ANSWER_S)
    Edge(lab, "udp").wait_idle()
    wait_for(lambda: core.on_bus(twelfths) == [], SECONDS, lambda: str(core.on_bus(twelfths)))
    reports = core.on_bus(lambda bus: events(bus, QUALITY, 2))
    assert all(report.ended > report.began for report in reports)
    assert all(stream.received > ENOUGH for report in reports for stream in report.streams if stream.media == "audio")
    first, second = core.on_bus(lambda bus: events(bus, RECORDS, 2))
    assert {first.half: first.call} == {second.call: second.half}


async def twelfths(bus: Bus) -> list[int]:
    """Give what each call of every edge takes of the mixing server."""
    watch = Watch(CALLS)
    bus.add(watch)
    await watch.until_synced()
    return [call.twelfths for page in watch.records.values() for call in page.calls if call.node == NODE]


async def events(bus: Bus, happening: Happening[Event], count: int) -> list[Event]:
    """Give the first events of a stream, when there are so many."""
    found: list[Event] = []
    enough = asyncio.Event()

    async def take(_source: str, event: Event) -> None:
        found.append(event)
        if len(found) >= count:
            enough.set()

    bus.add(Reader(happening, "test", take))
    await asyncio.wait_for(enough.wait(), ASK_SECONDS)
    return found


def test_a_probe_takes_the_way_of_a_caller(lab: Lab) -> None:
    core = Core(lab)
    room = core.add_room("2345")

    def probed(alias: str) -> Probed:
        asked = Probe(alias=alias)
        return core.on_bus(lambda bus: bus.ask(PROBE, asked, NODE, asked.patience))

    missing = probed("no-such-room")  # first: the edge gathers refusals for ten seconds
    assert (missing.status, missing.streams) == (404, ())
    found = probed(room.aliases[0])
    assert found.healthy, found
    assert found.setup is not None
    assert found.first_media is not None
    assert found.heard > -60  # the room says that nobody else is there
    assert {stream.media for stream in found.streams} >= {"audio", "video"}
    assert next(stream.width for stream in found.streams if stream.media == "video")
    (report,) = core.on_bus(lambda bus: events(bus, ADMISSIONS, 1))
    assert ("core", 404, "no route") in {(each.zone, each.status, each.why) for each in report.refused}


def test_the_sound_of_ends_that_speak_alike_goes_over_octet_for_octet(lab: Lab) -> None:
    """One that refuses at first, for its own reasons, is bridged all the same."""
    caller, callee = parties(lab, "hospital", "clinic")
    edge = edge_address(lab, caller)
    wait_for(
        lambda: BRIDGED in explain(lab.state.run, "hospital", "clinic"), SECONDS, lambda: "no mixing server is known"
    )
    here, there = (lab.host(name) for name in ("hospital", "clinic"))
    with (
        Peer(here, here.address(), user="hospital") as hospital,
        Peer(there, there.address(), SIP_PORT, user="clinic") as clinic,
        here.socket() as one,
        there.socket() as other,
    ):
        for each, host in ((one, here), (other, there)):
            each.bind((host.address(), 0))
            each.setblocking(False)
        call = hospital.invite(
            f"sip:{callee.name}@{edge}", (edge, SIP_PORT), body=sdp.write(hospital.address, [g711(one)])
        )
        clinic.reply(clinic.expect("INVITE", within=SECONDS), 488)
        clinic.expect("ACK")
        invite = clinic.expect("INVITE", within=SECONDS)
        refused = [sdp.Line(line.medium, 0, line.proto, line.formats) for line in sdp.read(invite.body)[1:]]
        clinic.reply(invite, 200, call=clinic.accept(invite), body=sdp.write(clinic.address, [g711(other), *refused]))
        clinic.expect("ACK", within=SECONDS)
        hospital.expect(180, within=SECONDS)
        answer = hospital.expect(200, within=SECONDS)
        hospital.ack(call, answer)
        ways = [(each, sdp.read(said.body)[0]) for each, said in ((one, answer), (other, invite))]
        said: list[set[bytes]] = [set(), set()]
        came: list[set[bytes]] = [set(), set()]

        def passed() -> bool:
            number = len(said[0])
            for (each, to), blocks, got in zip(ways, said, came, strict=True):
                block = os.urandom(160)
                blocks.add(block)
                head = struct.pack("!BBHII", 0x80, 8, number, number * 160, 7)
                each.sendto(head + block, (to.address, to.port))
                got.update(packet[12:] for packet in received(each))
            return all(len(got & blocks) > ENOUGH for got, blocks in zip(came, reversed(said), strict=True))

        wait_for(passed, SECONDS, lambda: f"of {len(said[0])} blocks came {[len(one) for one in came]}, or others")
        hospital.bye(call)
        hospital.expect(200)
        clinic.reply(clinic.expect("BYE", within=SECONDS), 200)
    Edge(lab, "udp").wait_idle()


def g711(one: socket.socket) -> sdp.Line:
    return sdp.Line("audio", one.getsockname()[1], formats=("8",), attributes=("rtpmap:8 PCMA/8000",))


def received(one: socket.socket) -> Iterator[bytes]:
    """Give what waits."""
    with suppress(BlockingIOError):
        while True:
            yield one.recv(2000)


def agent(lab: Lab, name: str, *, calls: bool = False, record: bool = False) -> Agent:
    """Give a user agent; that of the municipality speaks TLS, and encrypts or does not speak at all."""
    keys = lab.state.keys
    secure = Secure(keys / f"{name}.pem", keys / f"{name}.key", keys / ROOT_FILE, "srtp-mand")
    mine = secure if name == "municipality" else None
    return Agent(lab, lab.host(name), name, calls=calls, record=record, codecs=SEEN, secure=mine)


@pytest.mark.parametrize(("calls", "called"), [("hospital", "municipality"), ("municipality", "hospital")])
def test_who_cannot_encrypt_and_who_insists_on_it_hear_each_other(private: Lab, calls: str, called: str) -> None:
    """Each hears the very octets that the other said: they were encrypted anew on their way, and never decoded."""
    run = private.state.run
    over_tls = f"{BRIDGED} {MIXER}:{TLS_PORT}"
    wait_for(lambda: over_tls in explain(run, calls, called), SECONDS, lambda: explain(run, calls, called))
    caller, callee = parties(private, calls, called)
    with (
        agent(private, called, record=True) as there,
        agent(private, calls, calls=True, record=True) as here,
    ):
        port = TLS_PORT if calls == "municipality" else SIP_PORT
        here.dial(f"sip:{callee.name}@{edge_address(private, caller)}:{port}")
        for number, one in enumerate((here, there)):
            established = one.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S)
            assert established.type == "CALL_ESTABLISHED", established
            say_noise(one, number)
        halves = {(calls, "mixers"), ("mixers", called)}
        before = packets(run)
        wait_for(lambda: more(packets(run), before) > ENOUGH, SECONDS, lambda: str(edge_calls(run)))
        assert {(call.caller, call.callee) for call in edge_calls(run)} == halves
        for one in (here, there):
            wait_for(lambda one=one: pictures(one) > 0, SECONDS, lambda one=one: one.command("video_debug"))  # type: ignore[misc]
        here.hangup()
        there.wait("CALL_CLOSED", seconds=ANSWER_S)
    for one, other in ((here, there), (there, here)):
        late = heard(one)[-ENOUGH // 2 :]
        assert len(set(late)) == ENOUGH // 2
        assert set(late) <= set(said(other)), f"{one.plan.user} heard what {other.plan.user} did not say"
    Edge(private, "tls").wait_idle()


def packets(run: Path) -> list[int]:
    """Give the packets that came from each end of each half."""
    streams = [stream for call in edge_calls(run) for stream in call.streams]
    return [number for one in streams for number in (one.packets_from_caller, one.packets_from_callee)]


def pictures(agent: Agent) -> int:
    shown = PICTURES.search(agent.command("video_debug"))
    return int(shown[1]) if shown else 0


def more(now: list[int], before: list[int]) -> int:
    """Give by how much the slowest has grown; 0 as long as not both halves are there."""
    return min((after - first for after, first in zip(now, before, strict=True)), default=0)


def test_a_room_that_forces_encryption_takes_keys_through_the_edge_and_tells_others_in_words(private: Lab) -> None:
    core = Core(private)
    (alias,) = core.add_room("3456", force_encryption=True).aliases
    served = Served(0, 0, 0, private.state.mixer / "run", private.state.logs / "mixer.log")
    municipality, hospital = parties(private, "municipality", "hospital")

    def there() -> list[tuple[str, bool]]:
        return sorted((one.phase, one.encrypted) for one in served.attendees(alias))

    def flows(one: Attendee) -> bool:
        return len(one.streams) == 2 and all(min(each.received_kbps, each.sent_kbps) > 5 for each in one.streams)

    with agent(private, "municipality", calls=True) as safe, agent(private, "hospital", calls=True) as plain:
        safe.dial(f"sip:{alias}@{edge_address(private, municipality)}:{TLS_PORT}")
        safe.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        wait_for(lambda: any(map(flows, served.attendees(alias))), SECONDS, lambda: str(there()))
        assert there() == [("inside", True)]
        plain.dial(f"sip:{alias}@{edge_address(private, hospital)}")
        plain.wait("CALL_ESTABLISHED", seconds=ANSWER_S)  # to be told
        wait_for(lambda: len(there()) == 2, SECONDS, lambda: str(there()))
        assert there() == [("inside", True), ("leaving", False)]
        plain.wait("CALL_CLOSED", seconds=ANSWER_S)
        assert there() == [("inside", True)]
        safe.hangup()
    Edge(private, "tls").wait_idle()
