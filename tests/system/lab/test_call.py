"""Real calls across the whole edge: with every program of it, either way, through NAT, over both families."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from lab import namespace, state, status
from lab.agent import Agent
from lab.call import Call
from lab.edge import edge_calls
from lab.errors import CallError
from lab.lab import Lab
from lab.processes import Process
from lab.programs import CHECKOUT, PROGRAMS

pytestmark = pytest.mark.system

TALK_S = 3.0
ANSWERED_S = 10.0
AUDIO_PACKETS = 50  # a second, of 20 ms each
SLACK = 0.5  # of the packets that a call of this length has, on a machine that is busy


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.temporary("call", programs=PROGRAMS) as built:
        yield built


@pytest.mark.parametrize(
    ("caller", "callee", "relay"),
    [
        ("hospital", "home", "kernel"),
        ("home", "hospital", "kernel"),
        ("municipality", "clinic", "kernel"),
        ("clinic", "municipality", "kernel"),
        ("hospital6", "clinic6", "kernel"),
        ("home6", "municipality6", "kernel"),
        ("hospital", "clinic6", "mediad"),
        ("clinic6", "hospital", "mediad"),
        ("hospital", "core", "kernel"),
    ],
)
def test_sound_and_picture_go_both_ways(lab: Lab, caller: str, callee: str, relay: str) -> None:
    with Call(lab, caller, callee) as call:
        seen = call.hold(TALK_S)
    assert [(stream.medium, stream.codec.partition("/")[0]) for stream in seen.streams] == [
        ("audio", "opus"),
        ("video", "H264"),
    ]
    assert {stream.relay for stream in seen.streams} == {relay}
    assert seen.carried
    audio = seen.streams[0]
    assert min(audio.packets_from_caller, audio.packets_from_callee) > TALK_S * AUDIO_PACKETS * SLACK
    assert seen.pictures_at_caller > 0
    assert seen.pictures_at_callee > 0


def test_nothing_is_left_of_a_call(lab: Lab) -> None:
    with Call(lab, "hospital", "home") as call:
        call.hold(1.0)
        assert len(edge_calls(lab.state.run)) == 1
    assert edge_calls(lab.state.run) == ()


def test_a_call_to_nobody_fails_in_words(lab: Lab) -> None:
    with Agent(lab, lab.host("hospital"), "hospital") as caller:
        caller.dial("sip:nobody@198.18.0.10")
        assert caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWERED_S).param.startswith("404")


def test_two_hosts_call_each_other_at_the_same_time(lab: Lab) -> None:
    with Call(lab, "hospital", "home") as there, Call(lab, "home", "hospital") as back:
        assert there.hold(1.0).carried
        assert back.hold(1.0).carried


@pytest.mark.parametrize(("caller", "callee"), [("home", "hospital"), ("hospital", "home")])
def test_a_hangup_of_the_callee_reaches_the_caller(lab: Lab, caller: str, callee: str) -> None:
    with Call(lab, caller, callee) as call:
        call.callee.hangup()
        assert call.caller.wait("CALL_CLOSED", seconds=ANSWERED_S)
        assert edge_calls(lab.state.run) == ()


def test_a_call_that_ends_by_itself_is_no_good_call(lab: Lab) -> None:
    with Call(lab, "hospital", "home") as call:
        call.callee.hangup()
        with pytest.raises(CallError, match="ended by itself"):
            call.hold(TALK_S)


def test_status_names_programs_that_live(lab: Lab) -> None:
    seen = json.loads(status.status(lab).to_json())
    assert [(program["name"], program["alive"]) for program in seen["programs"]] == [(name, True) for name in PROGRAMS]
    assert {"zone": "sdn", "address": "198.18.0.10", "port": 5060, "transport": "udp"} in seen["sip_listeners"]
    assert {"zone": "internet", "address": "203.0.113.10", "first": 40000, "last": 49999} in seen["media_ports"]


def _command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab", *arguments, "--name", name]


def test_a_stream_that_carried_nothing_one_way_is_an_exit_status_of_1(lab: Lab) -> None:
    deaf = lab.host("internet")
    rules = (
        "table inet deaf { chain c { type filter hook forward priority 0; iifname nat udp dport 40000-49999 drop; }; }"
    )
    deaf.run(["nft", "-f", "-"], stdin=rules)
    lab.leave()  # the command works on labs that stand by themselves
    try:
        done = subprocess.run(
            _command(lab.name, "call", "--json", "--seconds", "1"),
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        lab.state.hold("a test")
        deaf.run(["nft", "delete", "table", "inet", "deaf"])
    assert (done.returncode, done.stderr) == (1, "")
    seen = json.loads(done.stdout)
    assert seen["carried"] is False
    assert [stream["packets_from_callee"] for stream in seen["streams"]] == [0, 0]
    assert all(stream["packets_from_caller"] for stream in seen["streams"])


def test_one_command_does_it_all_and_leaves_nothing(tmp_path: Path) -> None:
    name, picture = f"once{os.getpid()}", tmp_path / "room.png"
    done = subprocess.run(
        _command(name, "run", "--once", "--seconds", "2", "--picture", str(picture)),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "All 3 are in, sound and picture both ways." in done.stdout
    with Image.open(picture) as shown:
        width, height = shown.size
        tiles = shown.convert("RGB").crop((0, 0, width, height * 3 // 4)).resize((16, 9))
        assert len(tiles.getcolors() or ()) > 20  # the moving test picture
    assert "hospital -> home" in done.stdout
    assert "Every stream carried media both ways" in done.stdout
    assert namespace.named(f"vdx-{name}-") == []


def test_a_lab_that_stays_up_is_taken_down_by_ctrl_c() -> None:
    name = f"stay{os.getpid()}"
    with subprocess.Popen(
        _command(name, "run", "--no-core", "--seconds", "1"),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if "gatewayctl" in line:
                break
        assert len(edge_calls(Lab.running(name).state.run)) == 1
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (0, "")
    assert namespace.named(f"vdx-{name}-") == []


@pytest.mark.parametrize("verb", ["up", "down"])
def test_what_a_killed_lab_left_in_the_middle_of_a_call_is_cleared(verb: str) -> None:
    name = f"kill{os.getpid()}"
    with subprocess.Popen(
        _command(name, "run", "--no-core", "--seconds", "1"),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if "gatewayctl" in line:
                break
        lab = Lab(name)
        orphans = [Process.of(pid) for pid in namespace.processes(list(lab.namespaces.values()))]
        assert len(orphans) == len(PROGRAMS) + 2  # and two user agents
        child.kill()
        child.communicate(timeout=60)
    if verb == "up":
        lab.up()
    lab.down()
    assert not any(orphan.alive() for orphan in orphans if orphan)
    assert namespace.named(f"vdx-{name}-") == []
    assert name not in state.names()


def test_an_edge_that_does_not_start_leaves_nothing_but_a_sentence() -> None:
    name = f"fail{os.getpid()}"
    script = f"""
import lab.lab, sys
from lab.__main__ import main
lab.lab.site_text = lambda *_: "zones: nowhere"
sys.exit(main(["up", "--no-core", "--name", "{name}"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("vdx-lab: gatewayd ended with status 2; it said: ")
    assert done.stdout == ""
    assert namespace.named(f"vdx-{name}-") == []
