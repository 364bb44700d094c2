"""The bus: what programs on different machines know of each other, over NATS with JetStream.

    bus = Bus(Address(servers, name, credentials, trust))    one a program; `run` is its task
    rooms = Watch(ROOMS, folder); bus.add(rooms)             a bucket in memory: `rooms.records[key]`
    Bucket(bus, ROOMS)                                       writes: put, create, update, delete, get
    Lease(Bucket(bus, NODES), key, seconds)                  a key that is ours while we renew it
    Outbox(bus, RECORDS); Reader(RECORDS, name, take)        events, at least once
    bus.ask(QUESTION, record); Answering(QUESTION, answer)   a decision, within 300 ms

`docs/bus.md` tells what stands on it, and who may write what. A part is loaded when its name is asked for (PEP 562):
who only reads kinds of records loads no client of NATS, which takes longer than all the rest of a start.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vdx.bus.answering import Answering
    from vdx.bus.bucket import Bucket, Lease, Versioned
    from vdx.bus.connection import Address, Bus
    from vdx.bus.errors import BadRecord, BusDown, BusError, Conflict, Denied, NoAnswer, Taken
    from vdx.bus.kinds import Happening, Kind, Question
    from vdx.bus.replica import Change, Gone, Put, Synced
    from vdx.bus.streams import Outbox, Reader
    from vdx.bus.watch import Watch

__all__ = [
    "Address",
    "Answering",
    "BadRecord",
    "Bucket",
    "Bus",
    "BusDown",
    "BusError",
    "Change",
    "Conflict",
    "Denied",
    "Gone",
    "Happening",
    "Kind",
    "Lease",
    "NoAnswer",
    "Outbox",
    "Put",
    "Question",
    "Reader",
    "Synced",
    "Taken",
    "Versioned",
    "Watch",
]

_PARTS = {
    "answering": ("Answering",),
    "bucket": (
        "Bucket",
        "Lease",
        "Versioned",
    ),
    "connection": (
        "Address",
        "Bus",
    ),
    "errors": (
        "BadRecord",
        "BusDown",
        "BusError",
        "Conflict",
        "Denied",
        "NoAnswer",
        "Taken",
    ),
    "kinds": (
        "Happening",
        "Kind",
        "Question",
    ),
    "replica": (
        "Change",
        "Gone",
        "Put",
        "Synced",
    ),
    "streams": (
        "Outbox",
        "Reader",
    ),
    "watch": ("Watch",),
}


def __getattr__(name: str) -> object:
    for part, names in _PARTS.items():
        if name in names:
            return getattr(importlib.import_module(f"vdx.bus.{part}"), name)
    raise AttributeError(f"vdx.bus has no {name}")
