"""What a program may not do, the server does not let it do, by no way round."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from nats.aio.msg import Msg

from lab.bus import BusServer
from tests.system.bus.programs import ONE, a_node, a_room, hub, program
from vdx.bus import Answering, Bucket, Bus, Denied, Happening, NoAnswer, Outbox, Question, Reader
from vdx.nodes import NODES
from vdx.placed import CALLS, PlacedCalls
from vdx.rooms import ROOMS

pytestmark = pytest.mark.system


class Said(msgspec.Struct):
    text: str


def test_an_edge_reads_rooms_and_writes_only_its_own_calls(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge, program(server, "mixer1") as mixer:
            await Bucket(ours, ROOMS).put(ONE, a_room())
            found = await Bucket(edge, ROOMS).get(ONE)
            assert found is not None
            refused = [
                Bucket(edge, ROOMS).put(ONE, a_room(alias="mine")),
                Bucket(edge, NODES).put("mixer1", a_node()),
                Bucket(edge, CALLS).put("edge2.c1", PlacedCalls(edge="edge2", calls=())),
                edge.write("vdx.audit.edge1", b"{}"),
                edge.write("vdx.records.edge2", b"{}"),
                edge.request("$JS.API.STREAM.DELETE.KV_rooms", b"", seconds=1.0),
                edge.request("$JS.API.CONSUMER.CREATE.KV_rooms", b"{}", seconds=1.0),
                Bucket(mixer, NODES).put("mixer2", a_node("mixer2")),
                Bucket(mixer, CALLS).put("mixer1.c1", PlacedCalls(edge="mixer1", calls=())),
            ]
            results = await asyncio.gather(*refused, return_exceptions=True)
            assert [type(result) for result in results] == [Denied] * len(refused)
            assert await Bucket(ours, ROOMS).get(ONE) == found
            await Bucket(edge, CALLS).put("edge1.c1", PlacedCalls(edge="edge1", calls=()))
            await edge.write("vdx.records.edge1", b"{}")
            await Bucket(mixer, NODES).put("mixer1", a_node())

    asyncio.run(story())


def test_no_answer_of_the_server_can_be_made_to_write_for_an_edge(server: BusServer) -> None:
    """The way round permissions: what the server answers goes to the subject that the question names."""

    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge:
            await Bucket(edge, CALLS).put("edge1.c1", PlacedCalls(edge="edge1", calls=()))
            asked = json.dumps({"last_by_subj": f"$KV.rooms.{ONE}"}).encode()
            await Bucket(ours, ROOMS).put(ONE, a_room())
            for where in ("$KV.rooms.evil", "$KV.calls.edge2.evil", "$KV.calls.edge1.through"):
                await edge.client().publish("$JS.API.DIRECT.GET.KV_rooms", asked, reply=where)
            await Bucket(edge, ROOMS).get(ONE)  # answered after those
            assert await Bucket(ours, ROOMS).get("evil") is None
            assert await Bucket(ours, CALLS).get("edge2.evil") is None
            assert await Bucket(ours, CALLS).get("edge1.c1") is not None

    asyncio.run(story())


def test_nobody_listens_to_the_answers_of_others(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server), program(server, "edge1") as edge, program(server, "edge2") as other:
            heard: list[str] = []

            async def hear(message: Msg) -> None:
                heard.append(message.subject)

            for subject in ("_INBOX_edge1.>", "$KV.rooms.>", "vdx.kv.calls.>", ">"):
                await other.client().subscribe(subject, cb=hear)
            await Bucket(edge, ROOMS).get(ONE)
            await Bucket(edge, CALLS).put("edge1.c1", PlacedCalls(edge="edge1", calls=()))
            await Bucket(other, ROOMS).get(ONE)
            assert [subject for subject in heard if not subject.startswith("_INBOX_edge2.")] == []

    asyncio.run(story())


def test_a_password_that_is_wrong_opens_nothing(server: BusServer) -> None:
    async def story() -> None:
        server.secret("edge1").write_text("edge1\nnot-the-password-at-all\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0), program(server, "edge1"):
                pass

    asyncio.run(story())


PORT: Question[Said, Said] = Question("port", Said, Said)
STEER: Question[Said, Said] = Question("steer", Said, Said)
RECORDS: Happening[Said] = Happening("records", Said)


def test_questions_reach_who_is_meant_and_nobody_else(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge, program(server, "mixer1") as mixer:
            await _answer(ours, PORT)
            await _answer(mixer, STEER, "mixer1")
            async with program(server, "desk") as desk:
                assert await edge.ask(PORT, Said("one"), seconds=5.0) == Said("one yes")
                assert await desk.ask(STEER, Said("roster"), "mixer1", seconds=5.0) == Said("roster yes")
                with pytest.raises(NoAnswer):
                    await desk.ask(STEER, Said("roster"), "mixer9")
                with pytest.raises(Denied):
                    await edge.ask(STEER, Said("roster"), "mixer1")

    asyncio.run(story())


async def _answer(bus: Bus, question: Question[Said, Said], about: str = "") -> None:
    async def yes(said: Said) -> Said:
        return Said(f"{said.text} yes")

    bus.add(Answering(question, yes, about))
    await asyncio.sleep(0)
    await bus.client().flush()


def test_events_come_at_least_once_and_an_id_only_once(server: BusServer) -> None:
    async def story() -> None:
        async with hub(server) as ours, program(server, "edge1") as edge:
            taken: list[tuple[str, str]] = []
            done = asyncio.Event()

            async def take(source: str, said: Said) -> None:
                taken.append((source, said.text))
                if len(taken) == 1:
                    raise OSError("the database is away")
                if said.text == "two":
                    done.set()

            outbox = Outbox(edge, RECORDS)
            outbox.post("1", Said("one"))
            outbox.post("1", Said("one"))
            edge.add(outbox)
            ours.add(Reader(RECORDS, "hub", take))
            await asyncio.to_thread(server.stop, kill=True)
            outbox.post("2", Said("two"))
            await asyncio.to_thread(server.start)
            await asyncio.wait_for(done.wait(), 20)
            assert ("edge1", "two") in taken
            assert 1 <= taken.count(("edge1", "one")) <= 2  # once in the stream; again because it was not taken
            assert len(outbox) == 0

    asyncio.run(story())
