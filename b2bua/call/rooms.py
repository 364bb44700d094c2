"""Rooms: which peer holds the one that is called as dialled."""

from __future__ import annotations

from typing import Protocol

from vdx.dialplan import RoomPlace


class Rooms(Protocol):
    """Where rooms are looked up; answers come from memory, whoever fills it."""

    def find(self, alias: str, domain: str) -> RoomPlace | None:
        """Give the place of a room by its name, in any case, in one of our domains ("" where none was dialled)."""
        ...


class SiteRooms:
    """The rooms of the site file: the same in every domain of ours."""

    def __init__(self, places: tuple[RoomPlace, ...]) -> None:
        self._places = {place.alias.casefold(): place for place in places}

    def find(self, alias: str, domain: str) -> RoomPlace | None:
        """Give the place of a room."""
        del domain
        return self._places.get(alias.casefold())
