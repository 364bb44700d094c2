"""Which rooms there are: from the bus, from a file beside it; and what a record says to the room's logic."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from mixer.errors import ConfigError
from mixer.layout import View
from mixer.room import Kind, OpenDoor, Pins, Role, RoomSettings
from mixer.session import Quality
from vdx.rooms import MIN_KEY, Aliases, Room, pin_digest, pin_fits

log = logging.getLogger("mixer.rooms")

MAX_FILE = 16 * 1024 * 1024
"""Octets of a file of rooms: ten thousand rooms."""

_KINDS = {"conference": Kind.MEETING, "lecture": Kind.MEETING, "test": Kind.TEST, "reception": Kind.RECEPTION}


class Records(Protocol):
    """The rooms of the bus, by uuid, as a plain dict that others change."""

    @property
    def records(self) -> Mapping[str, Room]:
        """All of them."""
        ...


class Entered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A room in a file: the record, with PINs as they are pressed; such a file is for one machine, and mode 0600."""

    room: Room
    host_pin: str = ""
    guest_pin: str = ""


class Directory:
    """Rooms by what is dialled; those of the bus come first. `put` and `drop` follow the bus."""

    def __init__(self, file: Mapping[str, Room]) -> None:
        self._file = Aliases(file.values())
        self._bus = Aliases()
        self._by_uuid: dict[str, Room] = dict(file)

    def find(self, alias: str) -> Room | None:
        """Give the room that is dialled as `alias`."""
        return self._bus.find(alias) or self._file.find(alias)

    def get(self, uuid: str) -> Room | None:
        """Give a room by its uuid."""
        return self._by_uuid.get(uuid)

    def put(self, room: Room) -> None:
        """Take in a room of the bus."""
        self._bus.put(room)
        self._by_uuid[room.uuid] = room

    def drop(self, uuid: str) -> None:
        """Forget one."""
        self._bus.drop(uuid)
        self._by_uuid.pop(uuid, None)

    @property
    def rooms(self) -> tuple[Room, ...]:
        """All of them."""
        return tuple(self._by_uuid.values())


def load(path: Path | None, key: bytes) -> dict[str, Room]:
    """Read a file of rooms (YAML: a list of `Entered`); raises `ConfigError` that names the field."""
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ConfigError(f"{path} is longer than {MAX_FILE} bytes")
        entered = msgspec.yaml.decode(data, type=tuple[Entered, ...])
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: {error}") from error
    return {one.room.uuid: _digested(one, key, path) for one in entered}


def _digested(entered: Entered, key: bytes, path: Path) -> Room:
    room = entered.room
    if (entered.host_pin or entered.guest_pin) and not key:
        raise ConfigError(f"{path}: room {room.uuid} has a PIN, and the configuration names no file `pins` with a key")
    for pin in (entered.host_pin, entered.guest_pin):
        if pin and not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 9):
            raise ConfigError(f"{path}: a PIN of room {room.uuid} is not 4 to 9 digits")
    return msgspec.structs.replace(
        room,
        host_pin=pin_digest(key, room.uuid, entered.host_pin) or room.host_pin,
        guest_pin=pin_digest(key, room.uuid, entered.guest_pin) or room.guest_pin,
    )


def read_key(path: Path | None) -> bytes:
    """Read the installation's key of PINs: at least 32 octets; b"" where there is none. Raises `ConfigError`."""
    if path is None:
        return b""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if path.stat().st_mode & 0o007:
        raise ConfigError(f"{path} can be read by everybody: chmod o= {path}")
    if len(key) < MIN_KEY:
        raise ConfigError(f"{path} has {len(key)} bytes, at least {MIN_KEY} are needed: openssl rand -hex 32")
    return key


class KeyedPins:
    """The PINs of a record."""

    def __init__(self, room: Room, key: bytes) -> None:
        self._room = room
        self._key = key

    @property
    def host(self) -> bool:
        """Whether hosts have one."""
        return bool(self._room.host_pin)

    @property
    def guest(self) -> bool:
        """Whether guests have one; where hosts have none, it is everybody's."""
        return bool(self._room.guest_pin)

    def role(self, digits: str) -> Role | None:
        """Give whose PIN this is. Both are compared, so that the time says nothing."""
        room = self._room
        if not self._key:
            return None
        host = bool(room.host_pin) and pin_fits(self._key, room.uuid, digits, room.host_pin)
        guest = bool(room.guest_pin) and pin_fits(self._key, room.uuid, digits, room.guest_pin)
        if host or (guest and not room.host_pin):
            return Role.HOST
        return Role.GUEST if guest else None


def settings_of(room: Room, key: bytes, *, records: bool = False) -> RoomSettings:
    """Give what a record says to the room's logic; `records`: whether this server has a place for recordings.

    Without the key of PINs, none fits.
    """
    pins: Pins = KeyedPins(room, key) if room.host_pin or room.guest_pin else OpenDoor()
    return RoomSettings(
        alias=room.aliases[0] if room.aliases else room.uuid,
        name=room.name,
        theme=room.theme,
        kind=_KINDS[room.kind],
        language=room.language,
        quality=Quality.SD if room.quality == "audio" else Quality(room.quality),
        host_view=View(room.host_view),
        guest_view=View(room.guest_view),
        lecture=room.kind == "lecture",
        pins=pins,
        limit=room.most,
        overlay=room.overlay_names,
        guests_present=room.guests_present,
        force_presenter=room.presenter_in_main,
        force_encryption=room.force_encryption,
        mute_guests=room.mute_guests,
        recording=records and room.may_record,
        camera_control=room.camera_control,
        ends=room.ends if room.ends_hard else None,
    )
