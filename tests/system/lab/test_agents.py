"""Real user agents: they call, hear and see each other, here without an edge between."""

import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.utils import rdpcap

from lab.agent import Agent
from lab.capture import Capture
from lab.errors import CallError
from lab.lab import Lab

pytestmark = pytest.mark.system

ANSWER_S = 20.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.temporary("agents") as built:
        yield built


def test_a_call_is_answered_heard_and_seen(lab: Lab) -> None:
    hospital, municipality = lab.host("hospital"), lab.host("municipality")
    with Agent(lab, hospital, "hospital") as caller, Agent(lab, municipality, "municipality", record=True) as callee:
        caller.dial(f"sip:municipality@{municipality.address()}")
        assert caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S).type == "CALL_ESTABLISHED"
        callee.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        assert caller.talk(3.0)
        seen = callee.command("video_debug")
        assert "decode: H264" in seen
        assert "frames=0" not in seen
        caller.hangup()
        callee.wait("CALL_CLOSED", seconds=ANSWER_S)
        directory = callee.plan.directory
    (heard,) = directory.glob("dump-*-dec.wav")
    with wave.open(str(heard)) as reader:
        samples = array("h", reader.readframes(reader.getnframes()))
    assert max(samples) > 4000  # the scale has an amplitude of 8000


def test_ipv6_only(lab: Lab) -> None:
    hospital, municipality = lab.host("hospital"), lab.host("municipality")
    with Agent(lab, hospital, "hospital6", 6) as caller, Agent(lab, municipality, "municipality6", 6) as callee:
        caller.dial(f"sip:municipality6@[{municipality.address(6)}]")
        assert caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S).type == "CALL_ESTABLISHED"
        assert caller.talk(1.0)
        seen = callee.command("audio_debug")
        assert hospital.address(6) in seen
        assert hospital.address(4) not in seen


def test_the_sound_begins_anew_before_it_ends(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.agent.REFRESH_S", 0.5)
    municipality = lab.host("municipality")
    with Agent(lab, lab.host("hospital"), "hospital") as caller, Agent(lab, municipality, "municipality"):
        caller.dial(f"sip:municipality@{municipality.address()}")
        caller.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        assert caller.talk(2.0)
        loaded = caller.log.read_text().count("aufile: loading input file")
        assert loaded >= 3


def test_nobody_there(lab: Lab) -> None:
    with Agent(lab, lab.host("home"), "home") as caller:
        caller.dial("sip:clinic@198.51.100.10;transport=tcp")
        assert caller.wait("CALL_CLOSED", seconds=ANSWER_S).param


def test_an_agent_that_died_says_so(lab: Lab) -> None:
    with Agent(lab, lab.host("home"), "home") as agent:
        lab.host("home").run(["kill", "-KILL", str(agent._child.pid)])
        with pytest.raises(CallError, match="user agent on home is gone"):
            agent.command("listcalls")


def test_two_agents_cannot_have_one_host(lab: Lab) -> None:
    with Agent(lab, lab.host("home"), "home"), pytest.raises(CallError, match="already"):
        Agent(lab, lab.host("home"), "home")


def test_a_command_that_does_not_exist_is_refused(lab: Lab) -> None:
    with Agent(lab, lab.host("home"), "home") as agent, pytest.raises(CallError, match="refused fly"):
        agent.command("fly")


def test_a_capture_holds_every_packet(lab: Lab, tmp_path: Path) -> None:
    clinic = lab.host("clinic")
    with (
        Capture(clinic, tmp_path / "clinic.pcap", "eth0", "udp", "port", "7009") as capture,
        clinic.socket() as inbox,
        lab.host("home").socket() as outbox,
    ):
        inbox.bind((clinic.address(), 7009))
        inbox.settimeout(5)
        for count in range(20):
            outbox.sendto(b"%d" % count, (clinic.address(), 7009))
            inbox.recv(10)
    packets = rdpcap(str(capture.file))
    assert [bytes(packet[UDP].payload).rstrip(b"\0") for packet in packets] == [b"%d" % count for count in range(20)]
    assert {packet[IP].src for packet in packets} == {"198.51.100.130"}
