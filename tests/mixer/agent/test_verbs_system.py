"""Every verb of `mixerctl`, as people type it, on a server with people in its rooms."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixer.ctl.command import main
from tests.mixer.agent.conftest import configured, running
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import PATIENCE, System
from vdx.meetings import Denied, Reload, Reloaded

pytestmark = pytest.mark.system

Ctl = Callable[..., str]


@pytest.fixture
def ctl(served: Served, capsys: pytest.CaptureFixture[str]) -> Ctl:
    """Give a function that types a command, and gives what it prints, or what it complains of."""

    def typed(*words: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(["--run-dir", str(served.run_dir), *words]) == status
        said = capsys.readouterr()
        return said.err if status else said.out

    return typed


@pytest.fixture
def people(served: Served) -> Iterator[dict[str, System]]:
    """Let a host and two guests come to the door of room 2000, and the first two in."""
    with ExitStack() as stack:
        found = {name: stack.enter_context(System(served.port, user=name)) for name in ("hans", "gerda", "lis")}
        for name, pin in (("hans", "1234#"), ("gerda", "5678#")):
            enters(served, found[name], pin)
        served.until(lambda: [one.phase for one in served.attendees("2000")] == ["inside"] * 2)
        yield found


def enters(served: Served, one: System, pin: str) -> None:
    one.invite(served.uri("2000"))
    served.until(lambda: one._user.title() in served.roster("2000"))
    for key in pin:
        one.request("INFO", f"Signal={key}\r\n", "", "application/dtmf-relay")


def roster(ctl: Ctl, room: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(ctl("--json", "roster", room))["attendees"]}


def test_every_verb_does_what_it_says(served: Served, ctl: Ctl, people: dict[str, System], tmp_path: Path) -> None:
    assert "calls    2" in ctl("status")
    assert "Pins" in ctl("rooms")
    hans, gerda = (served.roster("2000")[name].participant for name in ("Hans", "Gerda"))

    ctl("lock", "2000")
    assert "locked" in ctl("roster", "2000")
    enters(served, people["lis"], "5678#")
    served.until(lambda: served.roster("2000")["Lis"].phase == "knocking")
    lis = served.roster("2000")["Lis"].participant
    ctl("admit", "2000", lis)
    assert roster(ctl, "2000")["Lis"]["phase"] == "inside"
    ctl("lock", "2000", "--off")
    assert "open" in ctl("roster", "2000")

    for words, who in (("mute 2000 " + hans, {"Hans"}), ("mute-guests 2000", {"Gerda", "Lis"})):
        ctl(*words.split())
        assert {name for name, one in roster(ctl, "2000").items() if one.get("muted")} == who
        ctl(*words.split(), "--off")
        assert not any(one.get("muted") for one in roster(ctl, "2000").values())

    ctl("spotlight", "2000", gerda)
    assert [name for name, one in roster(ctl, "2000").items() if one.get("spotlight")] == ["Gerda"]
    ctl("role", "2000", gerda, "host")
    assert roster(ctl, "2000")["Gerda"]["role"] == "host"

    ctl("layout", "2000", "--host", "one_main_zero_pips")
    ctl("snapshot", "2000", str(tmp_path / "one.png"))
    ctl("layout", "2000", "--host", "nine_mains_zero_pips")
    ctl("snapshot", "2000", str(tmp_path / "nine.png"))
    one, nine = (np.asarray(Image.open(tmp_path / name).convert("L")) for name in ("one.png", "nine.png"))
    assert (one != nine).any(), "the layout is as it was"
    ctl("text", "2000", "Pause until 10:15", "--seconds", "5")
    assert "does not allow recording" in ctl("record", "2000", status=1)

    assert "no room is called 9876" in ctl("transfer", "2000", lis, "9876", status=1)
    ctl("transfer", "2000", lis, "1000")
    served.until(lambda: "Lis" in served.roster("1000"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as away:
        away.bind(("127.0.0.1", served.away))
        away.settimeout(PATIENCE)
        ctl("dial", "1000", f"sip:kardiologi@127.0.0.1:{served.away}", "--role", "guest", "--name", "Kardiologi")
        assert away.recv(4000).startswith(b"INVITE sip:kardiologi@")
        assert roster(ctl, "1000")["Kardiologi"]["phase"] == "dialled"
        ctl("end", "1000")
        assert "Kardiologi" not in roster(ctl, "1000")
    assert roster(ctl, "1000")["Lis"]["phase"] == "leaving"

    ctl("kick", "2000", gerda)
    assert roster(ctl, "2000")["Gerda"]["phase"] == "leaving"


def test_a_server_with_few_ports_left_composes_one_picture_for_all(tmp_path: Path, prompts: Path) -> None:
    file, one = configured(tmp_path, prompts)
    file.write_text(file.read_text().replace("capacity: 20", "capacity: 2"))
    with running(file, one), ExitStack() as stack:
        people = [stack.enter_context(System(one.port, user=name)) for name in ("anna", "bo", "carl")]
        for each in people:
            assert "node.cramped" not in one.log.read_text()
            each.invite(one.uri("1000"))
            one.until(partial(lambda each: each._user.title() in one.roster("1000"), each))
        assert one.log.read_text().count("node.cramped") == 1
        people[2].request("BYE")
        people[2].ended()
        one.until(lambda: "node.roomy" in one.log.read_text() or None)


def test_changed_edges_are_taken_while_calls_are_up(tmp_path: Path, prompts: Path) -> None:
    file, one = configured(tmp_path, prompts)
    before = file.read_text()
    with running(file, one), System(one.port, user="anna") as anna, System(one.port, user="bo") as bo:
        anna.invite(one.uri("1000"))
        file.write_text(before.replace("127.0.0.0/8", "198.51.100.1/32").replace("capacity: 20", "capacity: 30"))
        assert one.order(Reload()) == Reloaded(("capacity",))
        bo._uri = one.uri("1000")
        bo.send("OPTIONS")
        file.write_text(before.replace("127.0.0.0/8", "no prefix"))
        denied = one.order(Reload())
        assert isinstance(denied, Denied)
        assert "edge: 'no prefix'" in denied.reason
        file.write_text(before)
        assert one.order(Reload()) == Reloaded()
        asked = bo.send("OPTIONS")
        assert f"CSeq: {asked} OPTIONS" in bo.receive()  # and the one before was not answered
        assert one.status().calls == 1
        assert anna.request("OPTIONS").startswith("SIP/2.0 200")


def test_a_server_that_drains_takes_no_new_room_and_goes_on_with_those_that_run(served: Served, ctl: Ctl) -> None:
    with System(served.port) as late, System(served.port, user="first") as first:
        first.invite(served.uri("1000"))
        ctl("drain")
        assert "draining" in ctl("status")
        assert late.request("INVITE", late.offer(), uri=served.uri("test")).startswith("SIP/2.0 503")
        late.send("ACK")
        late.ended()
        late.invite(served.uri("1000"))  # a room that runs goes on
    ctl("drain", "--off")
    assert "serving" in ctl("status")
    assert "does not run here" in ctl("kick", "nowhere", "somebody", status=1)
