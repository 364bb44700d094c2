"""Rooms as records on the bus: what a mixing server needs to hold one, and the edge to find it.

A room is written by whoever plans it (`mixerctl room add`, the hub) and by the node that holds it, which enters itself
as `owner`; each with compare-and-set, so that none undoes the other's word. The key is the room's `uuid`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Literal

from msgspec import Meta, Struct

from vdx.bus.kinds import Kind
from vdx.ports import Quality

View = Literal[
    "one_main_zero_pips",
    "one_main_seven_pips",
    "one_main_twentyone_pips",
    "one_main_thirtythree_pips",
    "two_mains_twentyone_pips",
    "four_mains_zero_pips",
    "five_mains_seven_pips",
    "nine_mains_zero_pips",
    "sixteen_mains_zero_pips",
    "twentyfive_mains_zero_pips",
]
"""How many are shown large and small, by the names of the video API."""

Class = Literal["clinical", "administrative", "trial"]
"""Whose need goes first when capacity is short: clinical, then administrative, trial last."""

Kinds = Literal["conference", "lecture", "reception", "test"]
"""A meeting; one that guests listen to; a desk that asks for a room's number; a mirror to try a system with."""

Steerers = Literal["nobody", "hosts", "everybody"]
"""Who may move the camera of whom they see."""

Alias = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\s@<>\"]+$")]
"""What is dialled, without the domain."""

Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")]
"""A keyed digest of a PIN (`pin_digest`), empty: none is asked for."""

Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Node = Annotated[str, Meta(max_length=63, pattern=r"^([A-Za-z0-9_-]+)?$")]
"""The name of a mixing server, empty: none."""

MOST_PARTICIPANTS = 500
"""Participants of one room: more than one server carries."""

MOST_ALIASES = 100
"""Aliases of one room; they are all known to every edge."""

MIN_KEY = 32
"""Bytes of the installation's key: as long as the digests it makes."""


class Room(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One meeting room. Times in seconds since 1970; PINs only as digests."""

    uuid: Uuid
    aliases: Annotated[tuple[Alias, ...], Meta(max_length=MOST_ALIASES)]
    name: Annotated[str, Meta(max_length=200)] = ""
    """Shown and spoken of to people."""
    kind: Kinds = "conference"
    state: Literal["open", "closed"] = "open"
    """Closed: refused by the edge, ended by the node that holds it."""
    owner: Node = ""
    """The node that holds it, empty: none yet."""
    starts: float | None = None
    """Before, nobody is let in; None: it is always there."""
    ends: float | None = None
    ends_hard: bool = False
    """Whether it ends for those within at `ends`; else nobody new is let in."""

    host_pin: Digest = ""
    guest_pin: Digest = ""
    """Empty beside a `host_pin`: guests come in without one, and wait for a host."""
    most: Annotated[int, Meta(ge=1, le=MOST_PARTICIPANTS)] = 50
    """Participants let in at once."""
    klass: Class = "administrative"
    field: Annotated[str, Meta(max_length=64)] = ""
    """The field of use it is booked for: health, eldercare, labour market ..."""
    organisation: Annotated[str, Meta(max_length=64)] = ""
    reserved: Annotated[int, Meta(ge=0)] = 0
    """Twelfths of a port that are kept for it on its node, from `starts` on."""

    host_view: View = "one_main_seven_pips"
    guest_view: View = "one_main_seven_pips"
    quality: Quality = "hd"
    theme: Annotated[str, Meta(max_length=100)] = ""
    """The set of prompts and pictures; empty: the installation's."""
    language: Literal["da", "en"] = "da"
    overlay_names: bool = True
    guests_present: bool = True
    presenter_in_main: bool = True
    force_encryption: bool = False
    mute_guests: bool = False
    may_record: bool = False
    camera_control: Steerers = "hosts"
    """Who may move the camera of whom they see large (H.224), where that system lets itself be moved."""


ROOMS: Kind[Room] = Kind("rooms", Room)


def pin_digest(key: bytes, uuid: str, pin: str) -> str:
    """Give the digest of a PIN in a room, "" for none; equal PINs of two rooms have different digests.

    `key` is the installation's, on mixing servers and hub alone: PINs are short, and without it none can be tried out.
    """
    if not pin:
        return ""
    if len(key) < MIN_KEY:
        raise ValueError(f"the key of PINs has {len(key)} bytes: it needs {MIN_KEY}")
    return blake2b(pin.encode(), key=key[:64], salt=bytes.fromhex(uuid.replace("-", "")), digest_size=32).hexdigest()


def pin_fits(key: bytes, uuid: str, pin: str, digest: str) -> bool:
    """Tell whether a PIN is the one of `digest`, in a time that does not depend on what was entered."""
    return bool(pin) and hmac.compare_digest(pin_digest(key, uuid, pin), digest)


class Aliases:
    """Rooms by what is dialled, in any case. Where two rooms bear one alias, the one with the lower uuid has it."""

    def __init__(self, rooms: Iterable[Room] = ()) -> None:
        self._by_alias: dict[str, dict[str, Room]] = {}
        self._aliases: dict[str, tuple[str, ...]] = {}  # [uuid]
        for room in rooms:
            self.put(room)

    def find(self, alias: str) -> Room | None:
        """Give the room that is dialled as `alias`."""
        rooms = self._by_alias.get(alias.casefold())
        return rooms[min(rooms)] if rooms else None

    def put(self, room: Room) -> None:
        """Take in a room, new or changed."""
        self.drop(room.uuid)
        self._aliases[room.uuid] = aliases = tuple({alias.casefold(): None for alias in room.aliases})
        for alias in aliases:
            self._by_alias.setdefault(alias, {})[room.uuid] = room

    def drop(self, uuid: str) -> None:
        """Forget a room; one that is not known is no error."""
        for alias in self._aliases.pop(uuid, ()):
            rooms = self._by_alias[alias]
            del rooms[uuid]
            if not rooms:
                del self._by_alias[alias]
