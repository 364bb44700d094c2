"""`mixerctl room`: records of rooms on the bus. PINs are typed or drawn, never given as arguments."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import secrets
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import msgspec

from mixer.agent.config import load
from mixer.agent.directory import read_key
from mixer.ctl import tables
from mixer.ctl.terminal import say
from mixer.errors import ConfigError, MixerError
from vdx.bus import Address, Bucket, Bus, Watch
from vdx.ports import Quality
from vdx.rooms import ROOMS, Class, Kinds, Room, Steerers, View, pin_digest

BUS_SECONDS = 10.0
"""For the bus to be there."""

DRAWN_DIGITS = 6
"""Of a drawn PIN: one in a million, and six digits are kept in mind from the invitation to the remote control."""


def add_parser(parser: argparse.ArgumentParser, config: Path) -> None:
    """Add the verbs."""
    parser.add_argument("--config", type=Path, default=config, help="names the bus and the key of PINs (%(default)s)")
    verbs = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = verbs.add_parser("add", help="write a room")
    add.add_argument("aliases", nargs="+", metavar="ALIAS", help="what is dialled")
    add.add_argument("--name", default="")
    add.add_argument("--kind", choices=get_args(Kinds), default="conference")
    add.add_argument("--language", choices=("da", "en"), default="da")
    add.add_argument("--quality", choices=get_args(Quality), default="hd")
    add.add_argument("--class", dest="klass", choices=get_args(Class), default="administrative")
    add.add_argument("--host-view", choices=get_args(View), default="one_main_seven_pips", metavar="VIEW")
    add.add_argument("--guest-view", choices=get_args(View), default="one_main_seven_pips", metavar="VIEW")
    add.add_argument("--most", type=int, default=50, metavar="N", help="participants at once (%(default)s)")
    add.add_argument("--encrypted", action="store_true", help="take encrypted calls only")
    add.add_argument("--mute-guests", action="store_true")
    add.add_argument("--may-record", action="store_true")
    add.add_argument("--theme", default="", metavar="NAME", help="whose prompts and screens: a folder of `themes`")
    add.add_argument("--hide-names", action="store_true", help="write no names into pictures")
    add.add_argument("--hosts-present", action="store_true", help="let no guest show a document")
    add.add_argument(
        "--camera-control", choices=get_args(Steerers), default="hosts", help="who moves the cameras of others"
    )
    add.add_argument("--host-pin", action="store_true", help="ask for the hosts' PIN (a terminal, or a line of stdin)")
    add.add_argument("--guest-pin", action="store_true", help="ask for the guests' PIN, likewise")
    add.add_argument("--draw-pins", action="store_true", help="draw both PINs and print them, once")
    verbs.add_parser("list", help="list all rooms")
    for name, words in (("show", "show a room"), ("remove", "take a room away")):
        verbs.add_parser(name, help=words).add_argument("room", help="alias or uuid")


async def run(options: argparse.Namespace) -> int:
    """Do what was asked; raises `VdxError`."""
    config = load(options.config)
    if config.bus is None:
        raise ConfigError(f"{options.config} names no bus: rooms stand in {config.rooms or 'its file `rooms`'}")
    room = _room(options, read_key(config.pins)) if options.action == "add" else None
    address = Address(config.bus.servers, config.name, config.bus.credentials, config.bus.trust)
    async with _watched(address) as (bus, rooms):
        if room is not None:
            await _add(bus, rooms, room)
        elif options.action == "list":
            say(tables.rooms(sorted(rooms.records.values(), key=lambda one: one.aliases)))
        else:
            found = _find(rooms, options.room)
            if options.action == "remove":
                await Bucket(bus, ROOMS).delete(found.uuid)
            else:
                shown = msgspec.to_builtins(msgspec.structs.replace(found, host_pin="", guest_pin=""))
                say(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


@asynccontextmanager
async def _watched(address: Address) -> AsyncIterator[tuple[Bus, Watch[Room]]]:
    """Connect and read all rooms; raises `MixerError` where the bus is not there."""
    bus = Bus(address)
    rooms = Watch(ROOMS)
    bus.add(rooms)
    running = asyncio.create_task(bus.run())
    try:
        async with asyncio.timeout(BUS_SECONDS):
            await rooms.until_synced()
        yield bus, rooms
    except TimeoutError as error:
        raise MixerError(f"the bus at {', '.join(address.servers)} does not answer") from error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _add(bus: Bus, rooms: Watch[Room], room: Room) -> None:
    wanted = {alias.casefold() for alias in room.aliases}
    for other in rooms.records.values():
        if taken := wanted & {alias.casefold() for alias in other.aliases}:
            raise MixerError(f"{', '.join(sorted(taken))} is dialled for room {other.uuid} already")
    await Bucket(bus, ROOMS).create(room.uuid, room)
    say(room.uuid)


def _find(rooms: Watch[Room], name: str) -> Room:
    for room in rooms.records.values():
        if name == room.uuid or name.casefold() in {alias.casefold() for alias in room.aliases}:
            return room
    raise MixerError(f"there is no room {name}: `mixerctl room list` lists all")


def _room(options: argparse.Namespace, key: bytes) -> Room:
    """Make the record; raises `MixerError` for what it cannot hold."""
    ident = str(uuid.uuid4())
    host, guest = "", ""
    if options.draw_pins:
        host, guest = _draw(), _draw()
        say(f"host PIN {host}\nguest PIN {guest}")
    else:
        host = _ask("hosts' PIN: ") if options.host_pin else ""
        guest = _ask("guests' PIN: ") if options.guest_pin else ""
    if (host or guest) and not key:
        raise ConfigError(f"{options.config} names no file `pins` with the installation's key")
    entered = {
        "uuid": ident,
        "aliases": options.aliases,
        "name": options.name,
        "kind": options.kind,
        "host_pin": pin_digest(key, ident, host) if host else "",
        "guest_pin": pin_digest(key, ident, guest) if guest else "",
        "most": options.most,
        "klass": options.klass,
        "host_view": options.host_view,
        "guest_view": options.guest_view,
        "quality": options.quality,
        "language": options.language,
        "force_encryption": options.encrypted,
        "mute_guests": options.mute_guests,
        "may_record": options.may_record,
        "theme": options.theme,
        "overlay_names": not options.hide_names,
        "guests_present": not options.hosts_present,
        "camera_control": options.camera_control,
    }
    try:
        return msgspec.convert(entered, Room)
    except msgspec.ValidationError as error:
        raise MixerError(f"no such room can be: {error}") from error


def _draw() -> str:
    return str(10 ** (DRAWN_DIGITS - 1) + secrets.randbelow(9 * 10 ** (DRAWN_DIGITS - 1)))


def _ask(prompt: str) -> str:
    pin = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 9):
        raise MixerError("a PIN is 4 to 9 digits")
    return pin
