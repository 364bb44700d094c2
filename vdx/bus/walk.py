"""A walk through a bucket: what it holds from a revision on, asked for in batches.

By *direct get* (NATS ADR-31), which every copy of the bucket answers and which needs no consumer on the server: a
program that may read a bucket needs no right to create anything there.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as Silence

from vdx.bus.errors import BusError, NoAnswer
from vdx.bus.kinds import AnyKind
from vdx.bus.limits import SERVER_SECONDS, WALK_BATCH
from vdx.bus.replica import Entry

_SPAN = re.compile(r"(\d+)(ns|us|ms|s|m|h)?")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


async def walk(client: Client, kind: AnyKind, start: int) -> AsyncIterator[Entry]:
    """Give every stored change from revision `start` on, deletions included; raises `NoAnswer` or `BusError`."""
    box = client.new_inbox()
    subscription = await client.subscribe(box)
    try:
        more = True
        while more:
            asked = {"seq": max(start, 1), "next_by_subj": f"$KV.{kind.name}.>", "batch": WALK_BATCH}
            await client.publish(f"$JS.API.DIRECT.GET.{kind.stream}", json.dumps(asked).encode(), reply=box)
            more = False
            while True:
                try:
                    message = await subscription.next_msg(SERVER_SECONDS)
                except (TimeoutError, Silence) as error:
                    raise NoAnswer(f"the bus does not give bucket {kind.name}") from error
                status = (message.headers or {}).get("Status")
                if status is None:
                    entry = stored(kind, message)
                    start = entry.revision + 1
                    yield entry
                elif status == "204":  # the end of a batch
                    more = int((message.headers or {}).get("Nats-Num-Pending", "0")) > 0
                    break
                elif status == "404":  # nothing from there on
                    break
                else:
                    what = "there is none, or nobody holds it now" if status == "503" else f"status {status}"
                    raise BusError(f"bucket {kind.name} cannot be read: {what}")
    finally:
        await subscription.unsubscribe()


def stored(kind: AnyKind, message: Msg) -> Entry:
    """Read a change as the server tells it: live or in a walk; raises `BusError` where it says nothing."""
    headers = message.headers or {}
    subject, sequence = headers.get("Nats-Subject", ""), headers.get("Nats-Sequence", "")
    prefix = f"$KV.{kind.name}."
    if not subject.startswith(prefix) or not sequence.isdigit():
        raise BusError(f"a message on {message.subject} does not say what it is of {kind.name}")
    gone = "KV-Operation" in headers or "Nats-Marker-Reason" in headers
    lease = None if gone or "Nats-TTL" not in headers else seconds(headers["Nats-TTL"])
    expired = headers.get("Nats-Marker-Reason") == "MaxAge"
    return Entry(subject.removeprefix(prefix), None if gone else message.data, int(sequence), lease, expired=expired)


def seconds(span: str) -> float | None:
    """Read a span as the server writes it: ``15`` or ``1m0s``; None where it never ends, or cannot be read."""
    parts = list(_SPAN.finditer(span))
    if not parts or "".join(part.group() for part in parts) != span:
        return None
    return sum(int(part.group(1)) * _UNITS[part.group(2) or ""] for part in parts)
