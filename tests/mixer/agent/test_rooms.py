"""Real user agents in real rooms: doors, lobbies, who is seen and heard, moves, and what survives a worker's death."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.mixer.agent.baresip import Baresip, strength
from tests.mixer.agent.served import Served
from tests.mixer.agent.system import System
from vdx import meetings as orders
from vdx.meetings import Attendee, Denied, Done, SnapshotTaken

pytestmark = pytest.mark.system

ANNA, BO, CARL = 440.0, 1000.0, 1700.0


def hears(one: Baresip, other: float, own: float) -> bool | None:
    """Tell whether somebody hears another, and not himself."""
    return (strength(one.heard(), other) > -45 and strength(one.heard(), own) < -60) or None


def flows(one: Attendee) -> bool:
    return len(one.streams) == 2 and all(stream.received_kbps > 5 and stream.sent_kbps > 5 for stream in one.streams)


def test_three_meet_see_and_hear_each_other_and_go(served: Served, tmp_path: Path) -> None:
    with ExitStack() as stack:
        names = (("anna", ANNA), ("bo", BO), ("carl", CARL))
        anna, bo, carl = people = [stack.enter_context(Baresip(tmp_path, name, tone)) for name, tone in names]
        for one in people:
            one.dial(served.uri("1000"))
        for one in people:
            one.wait("CALL_ESTABLISHED")
        served.until(lambda: len(served.roster("1000")) == 3 and all(map(flows, served.roster("1000").values())))
        assert {one.phase for one in served.roster("1000").values()} == {"inside"}
        served.until(lambda: hears(anna, BO, ANNA) and hears(anna, CARL, ANNA))
        served.until(lambda: hears(bo, CARL, BO))
        taken = served.order(orders.TakeSnapshot("1000"))
        assert isinstance(taken, SnapshotTaken)
        assert Path(taken.path).stat().st_size > 5_000
        assert served.order(orders.Mute("1000", served.roster("1000")["Carl"].participant)) == Done()
        served.until(lambda: strength(anna.heard(), CARL, 1.0) < -60 and hears(anna, BO, ANNA))
        served.order(orders.Kick("1000", served.roster("1000")["Carl"].participant))
        carl.wait("CALL_CLOSED")
        anna.command("hangup")
        bo.command("hangup")
        served.until(lambda: served.status().calls == 0 or None)


def test_a_guest_waits_for_the_host_and_wrong_pins_end_the_call(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "gerda", ANNA) as gerda, Baresip(tmp_path, "hans", BO) as hans:
        gerda.dial(served.uri("2000"))
        gerda.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("2000").get("Gerda"))
        gerda.press("5678#")
        served.until(lambda: served.roster("2000")["Gerda"].phase == "lobby")
        hans.dial(served.uri("2000"))
        hans.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("2000").get("Hans"))
        hans.press("1111#")
        hans.press("1234#")
        served.until(lambda: [one.phase for one in served.roster("2000").values()] == ["inside"] * 2)
        assert [one.role for one in served.roster("2000").values()] == ["guest", "host"]
        hans.command("hangup")
        gerda.command("hangup")
        served.until(lambda: served.status().calls == 0)
        gerda.dial(served.uri("2000"))
        gerda.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("2000").get("Gerda"))
        for _ in range(3):
            gerda.press("9999#")
        gerda.wait("CALL_CLOSED")
    log = served.log.read_text()
    assert "1234" not in log
    assert "9999" not in log


def test_the_reception_leads_into_a_room_and_a_transfer_out_of_it(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "anna", ANNA) as anna:
        anna.dial(served.uri("0"))
        anna.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("0").get("Anna"))
        anna.press("1000#")
        served.until(lambda: served.roster("1000").get("Anna"))
        served.until(lambda: flows(served.roster("1000")["Anna"]))
        served.order(orders.Transfer("1000", served.roster("1000")["Anna"].participant, "test"))
        served.until(lambda: served.roster("test").get("Anna"))
        served.until(lambda: (strength(anna.heard(), ANNA, 1.0) > -45) or None)  # heard again: the room loops back


def test_encryption_is_demanded_and_met(served: Served, tmp_path: Path) -> None:
    with (
        Baresip(tmp_path, "anna", ANNA) as anna,
        Baresip(tmp_path, "bo", BO, account=";mediaenc=srtp-mand") as bo,
    ):
        bo.dial(served.uri("safe"))
        bo.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("safe").get("Bo"))
        served.until(lambda: flows(served.roster("safe")["Bo"]))
        assert served.roster("safe")["Bo"].encrypted
        anna.dial(served.uri("safe"))
        anna.wait("CALL_ESTABLISHED")  # to be told in words
        served.until(lambda: served.roster("safe").get("Anna"))
        assert served.roster("safe")["Anna"].phase == "leaving"
        anna.wait("CALL_CLOSED")


def test_a_dead_worker_is_replaced_and_everybody_heard_again(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "anna", ANNA) as anna, Baresip(tmp_path, "bo", BO) as bo:
        for one in (anna, bo):
            one.dial(served.uri("1000"))
            one.wait("CALL_ESTABLISHED")
        served.until(lambda: hears(anna, BO, ANNA))
        agent = next(int(path.name) for path in Path("/proc").iterdir() if is_worker_parent(path, served))
        for pid in Path(f"/proc/{agent}/task/{agent}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        served.until(lambda: "room.revived" in served.log.read_text())
        served.until(lambda: all(map(flows, served.roster("1000").values())))
        served.until(lambda: hears(anna, BO, ANNA))
        assert served.status().calls == 2


def is_worker_parent(path: Path, served: Served) -> bool:
    try:
        command = (path / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"mixer" in command and str(served.run_dir.parent / "mixer.yaml").encode() in command


def test_a_room_calls_somebody_in(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "anna", ANNA, port=served.away) as anna:
        answer = served.order(orders.DialOut("1000", f"sip:anna@127.0.0.1:{served.away}", "host", "Anna"))
        assert isinstance(answer, Done)
        assert answer.participant
        anna.wait("CALL_ESTABLISHED")
        served.until(lambda: served.roster("1000").get("Anna"))
        served.until(lambda: flows(served.roster("1000")["Anna"]))
        served.order(orders.End("1000"))
        anna.wait("CALL_CLOSED")


def test_orders_about_nobody_are_refused_in_words(served: Served) -> None:
    refused = served.order(orders.Kick("1000", "eve"))
    assert isinstance(refused, Denied)
    assert "does not run here" in refused.reason


def test_unknown_rooms_are_refused(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "anna", ANNA, video=False) as anna:
        anna.dial(served.uri("nowhere"))
        assert "404" in str(anna.wait("CALL_CLOSED"))


def test_two_ends_are_bridged_and_end_together(served: Served, tmp_path: Path) -> None:
    with Baresip(tmp_path, "dorte", ANNA, port=served.away) as callee:
        to = f"Vdx-Bridge: sip:dorte@127.0.0.1:{served.away}\r\n"
        with System(served.port) as caller:
            caller.invite(served.uri("whoever"), headers=to)
            callee.wait("CALL_ESTABLISHED")
            served.until(lambda: served.status().calls == 2 or None)
        callee.wait("CALL_CLOSED")
        served.until(lambda: served.status().calls == 0 or None)
        with System(served.port) as caller:
            nowhere = "Vdx-Bridge: mailto:dorte\r\n"
            assert caller.request("INVITE", caller.offer(), nowhere, uri=served.uri("x")).startswith("SIP/2.0 480")
            caller.send("ACK")
        served.until(lambda: served.status().calls == 0 or None)
