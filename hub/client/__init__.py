"""A client of the video API: calls are plain values, and two thin clients send them, one of them with asyncio.

    with Client("https://hub.example", token) as client:
        made = client.send(calls.create_meeting(NewMeeting("Rounds", start, end)))
        room = client.send(calls.room(made.uuid))

    async with AsyncClient("https://hub.example", token) as client:
        made = await client.send(calls.create_meeting(NewMeeting("Rounds", start, end)))

What is refused raises `RefusedError` with status and code; a hub that cannot be reached raises `UnreachableError`, and
so does 503 when trying again did not help. Calls that change nothing twice are sent again by themselves.
"""

from hub.client import calls
from hub.client.errors import ClientError, RefusedError, UnreachableError
from hub.client.http import AsyncClient, Client
from hub.client.wire import Change, Conferences, Meeting, NewMeeting, Room, Usage

__all__ = [
    "AsyncClient",
    "Change",
    "Client",
    "ClientError",
    "Conferences",
    "Meeting",
    "NewMeeting",
    "RefusedError",
    "Room",
    "UnreachableError",
    "Usage",
    "calls",
]
