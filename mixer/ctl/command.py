"""The verbs of `mixerctl`. Exit status: 0 done, 1 refused, 2 it cannot be asked."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from mixer.ctl import records, tables
from mixer.ctl.terminal import complain, say
from mixer.errors import MixerError
from vdx import meetings as orders
from vdx import wire
from vdx.errors import VdxError
from vdx.meetings import Denied, LocalOrder, OrderAnswer, SnapshotTaken
from vdx.rooms import View

RUN_DIR = Path("/run/vdx-mixer")
CONFIG = Path("/etc/vdx/mixer.yaml")
ANSWER_SECONDS = 15.0
"""A snapshot of a room that does not run takes a worker's start."""

AnswerCodec: wire.Codec[OrderAnswer] = wire.Codec(OrderAnswer)

Make = Callable[[argparse.Namespace], LocalOrder]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "room":
            return asyncio.run(records.run(options))
        answer = asyncio.run(ask(options.run_dir, options.make(options)))
        if isinstance(answer, SnapshotTaken):
            shutil.copyfile(answer.path, options.file)
            Path(answer.path).unlink(missing_ok=True)  # faces stay no longer than they are needed
            say(options.file)
            return 0
    except (VdxError, OSError) as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        return 130
    if isinstance(answer, Denied):
        complain(answer.reason)
        return 1
    say(json.dumps(msgspec.to_builtins(answer), indent=2) if options.json else tables.text(answer))
    return 0


async def ask(run_dir: Path, order: LocalOrder) -> OrderAnswer:
    """Give one order to the server on this machine; raises `WireError`, `MixerError`."""
    connection = await wire.connect(run_dir / "mixer.sock", AnswerCodec)
    try:
        connection.send(order)
        async with asyncio.timeout(ANSWER_SECONDS):
            answer = await connection.receive()
    except TimeoutError as error:
        raise MixerError(f"the server did not answer in {ANSWER_SECONDS:g} s: see its log") from error
    finally:
        connection.close()
    if answer is None:
        raise MixerError("the server closed the connection: see its log")
    return answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mixerctl", description="Steers the rooms of a mixing server.")
    parser.add_argument("--run-dir", type=Path, default=RUN_DIR, help="where the server's socket is (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print what programs can read")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    records.add_parser(verbs.add_parser("room", help="add, list, show or remove rooms on the bus"), CONFIG)

    def add(name: str, words: str, make: Make, *positions: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=words)
        verb.set_defaults(make=make)
        for position in positions:
            verb.add_argument(position)
        return verb

    add("status", "how this server does", lambda _: orders.ShowStatus())
    add("rooms", "which rooms run here", lambda _: orders.ListRooms())
    _undo(add("drain", "take no new rooms", lambda o: orders.DrainNode(not o.off)))
    add("reload", "read the configuration again: who may call here, and whom it calls", lambda _: orders.Reload())
    add("roster", "who is in a room", lambda o: orders.ShowRoster(o.room), "room")
    add("admit", "let in somebody who waits", lambda o: orders.Admit(o.room, o.participant), "room", "participant")
    _undo(add("mute", "mute somebody", lambda o: orders.Mute(o.room, o.participant, not o.off), "room", "participant"))
    _undo(add("mute-guests", "mute all guests", lambda o: orders.MuteGuests(o.room, not o.off), "room"))
    spotlight = lambda o: orders.Spotlight(o.room, tuple(o.participants))  # noqa: E731 - one line says it
    add("spotlight", "keep people in the main places", spotlight, "room").add_argument("participants", nargs="*")
    layout = add("layout", "change the views", lambda o: orders.Layout(o.room, o.host, o.guest), "room")
    layout.add_argument("--host", choices=get_args(View), metavar="VIEW", help=", ".join(get_args(View)))
    layout.add_argument("--guest", choices=get_args(View), metavar="VIEW")
    _undo(add("lock", "keep out all but hosts", lambda o: orders.Lock(o.room, not o.off), "room"))
    role = add(
        "role",
        "make somebody host or guest",
        lambda o: orders.SetRole(o.room, o.participant, o.role),
        *("room", "participant"),
    )
    role.add_argument("role", choices=("host", "guest"))
    add("kick", "ask somebody to leave", lambda o: orders.Kick(o.room, o.participant), "room", "participant")
    move = lambda o: orders.Transfer(o.room, o.participant, o.to)  # noqa: E731 - one line says it
    add("transfer", "take somebody to another room", move, "room", "participant", "to")
    dial = lambda o: orders.DialOut(o.room, o.address, o.role, o.name)  # noqa: E731 - one line says it
    called = add("dial", "call a SIP address into a room", dial, "room", "address")
    called.add_argument("--role", choices=("host", "guest"), default="guest")
    called.add_argument("--name", default="", help="how they are called in the room")
    shown = add(
        "text", "show a line on every screen", lambda o: orders.ShowText(o.room, o.text, o.seconds), "room", "text"
    )
    shown.add_argument("--seconds", type=float, default=30.0)
    _undo(add("record", "record a room that allows it", lambda o: orders.Recording(o.room, not o.off), "room"))
    add("end", "end a meeting for everybody", lambda o: orders.End(o.room), "room")
    add("snapshot", "save a room's picture as PNG", lambda o: orders.TakeSnapshot(o.room), "room").add_argument(
        "file", type=Path
    )
    return parser


def _undo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--off", action="store_true", help="take it back")
