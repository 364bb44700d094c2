"""Two mixing servers behind one edge: a room calls somebody, and sends him on to a room that the other server holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from lab.agent import Agent
from lab.call import ANSWER_S, edge_address, parties
from lab.core import NODE, Core
from lab.edge import explain, wait_until_serving
from lab.lab import Lab
from lab.programs import PROGRAMS, Program, start
from lab.topology import MIXER
from lab.users import GROUP
from lab.users import MIXER as USER
from tests.mixer.agent.served import Served
from tests.system.calls.edge import Edge, wait_for
from vdx.bus.grants import Role
from vdx.meetings import DialOut, Done, Transfer
from vdx.rooms import Room

pytestmark = pytest.mark.system

SECONDS = 30.0
OTHER, ADDRESS = "mixer2", "192.0.2.21"


class Pair(Core):
    """The core of a lab with another mixing server, on the same host at an address of its own."""

    @property
    def programs(self) -> dict[str, Role]:
        """Who may connect to the bus."""
        return {**super().programs, OTHER: "mixer"}

    def start_other(self) -> None:
        """Start it."""
        state, host = self._lab.state, self._lab.host("core")
        host.run(["ip", "addr", "add", f"{ADDRESS}/25", "dev", "eth0"])
        said = yaml.safe_load((state.mixer / "mixer.yaml").read_text())
        said |= {"name": OTHER, "media": {"address": ADDRESS}}
        said["sip"][0]["address"] = ADDRESS
        said["bus"]["credentials"] = str(self.bus.secret(OTHER))
        os.chown(self.bus.secret(OTHER), USER.uid, USER.gid)
        for key in ("run_dir", "state_dir"):
            folder = state.mixer / f"{OTHER}-{key}"
            folder.mkdir()
            os.chown(folder, USER.uid, GROUP)
            said[key] = str(folder)
        file = state.mixer / f"{OTHER}.yaml"
        file.write_text(yaml.safe_dump(said))
        start(Program("mixer", ("--config", str(file)), USER, host.name, state.mixer / "cache"), host, state)


@dataclass(frozen=True, slots=True)
class House:
    """A lab, and both its mixing servers."""

    lab: Lab
    core: Pair
    one: Served
    other: Served


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with Lab.temporary("elsewhere") as lab:
        core = Pair(lab)
        core.prepare()
        site = yaml.safe_load(lab.state.site.read_text())
        site["peers"]["mixers"] |= {key: [f"{MIXER}/32", f"{ADDRESS}/32"] for key in ("sources", "media")}
        lab.state.site.write_text(yaml.safe_dump(site, sort_keys=False))
        lab.start(*PROGRAMS)
        wait_until_serving(lab.state.run)
        core.start()
        core.start_other()
        log = lab.state.logs / "mixer.log"
        folders = lab.state.mixer / "run", lab.state.mixer / f"{OTHER}-run_dir"
        yield House(lab, core, *(Served(0, 0, 0, folder, log) for folder in folders))


def held_by(house: House, alias: str, node: str) -> Room:
    """Make a room that a server holds, and wait until the edge knows."""
    room = house.core.add_room(alias, owner=node)
    said = f"is held by {node}"
    run = house.lab.state.run
    wait_for(lambda: said in explain(run, "hospital", alias), SECONDS, lambda: explain(run, "hospital", alias))
    return room


def flowing(served: Served, alias: str) -> int:
    """Count who is in a room with sound and picture both ways."""
    both = [one.streams for one in served.attendees(alias) if len(one.streams) == 2 and one.phase == "inside"]
    return sum(all(min(each.received_kbps, each.sent_kbps) > 5 for each in streams) for streams in both)


def test_a_room_calls_somebody_and_sends_all_on_to_another_server(house: House) -> None:
    here, there = "8000", "9000"
    held_by(house, here, NODE)
    ways = [there, held_by(house, there, OTHER).uuid]
    clinic, municipality = parties(house.lab, "clinic", "municipality")
    edge = Edge(house.lab, "udp")
    with (
        Agent(house.lab, house.lab.host("clinic"), clinic.name) as called,
        Agent(house.lab, house.lab.host("municipality"), municipality.name, calls=True) as caller,
    ):
        caller.dial(f"sip:{here}@{edge_address(house.lab, municipality)}")
        caller.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        wait_for(lambda: bool(house.one.attendees(here)), SECONDS, lambda: "nobody is there")
        answer = house.one.order(DialOut(here, f"sip:{clinic.name}@{edge.address('core')}", "guest", "Clinic"))
        assert isinstance(answer, Done), answer
        called.wait("CALL_ESTABLISHED", seconds=ANSWER_S)
        wait_for(lambda: flowing(house.one, here) == 2, SECONDS, lambda: str(house.one.attendees(here)))
        for one, to in zip(house.one.attendees(here), ways, strict=True):
            assert house.one.order(Transfer(here, one.participant, to)) == Done()
        wait_for(lambda: flowing(house.other, there) == 2, SECONDS, lambda: str(house.other.attendees(there)))
        wait_for(lambda: not house.one.attendees(here), SECONDS, lambda: str(house.one.attendees(here)))
        assert not called.ended()
        assert not caller.ended()
        called.hangup()
        caller.hangup()
    edge.wait_idle()
