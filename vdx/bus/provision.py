"""Buckets and streams on the servers: made where they are missing, brought up to date where they differ."""

from __future__ import annotations

from nats.errors import Error
from nats.js.api import DiscardPolicy, RePublish, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError, ServerError

from vdx.bus.connection import Bus
from vdx.bus.errors import BusError
from vdx.bus.kinds import AnyKind
from vdx.bus.limits import (
    DUPLICATE_SECONDS,
    MAX_BUCKET,
    MAX_RECORD,
    SERVER_SECONDS,
    STREAM_BYTES,
    STREAM_SECONDS,
    TOMBSTONE_SECONDS,
)

NO_ROOM = 10047
"""The server's code where a disk is too small (insufficient storage resources)."""

GB = 10**9


def bucket(kind: AnyKind, replicas: int) -> StreamConfig:
    """Describe a bucket: the last write of each key; every change told to watchers, as soon as it is stored."""
    subjects = f"$KV.{kind.name}.>"
    return StreamConfig(
        name=kind.stream,
        subjects=[subjects],
        max_msgs_per_subject=1,
        max_msg_size=MAX_RECORD,
        max_bytes=MAX_BUCKET,
        discard=DiscardPolicy.NEW,
        storage=StorageType.FILE,
        num_replicas=replicas,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_direct=True,
        allow_msg_ttl=True,
        subject_delete_marker_ttl=TOMBSTONE_SECONDS,
        republish=RePublish(src=subjects, dest=kind.told),
    )


def stream(name: str, replicas: int) -> StreamConfig:
    """Describe a stream: what happened, kept for its time, the oldest dropped where the disk is full."""
    return StreamConfig(
        name=name,
        subjects=[f"vdx.{name}.>"],
        retention=RetentionPolicy.LIMITS,
        max_msg_size=MAX_RECORD,
        max_age=STREAM_SECONDS,
        max_bytes=STREAM_BYTES,
        discard=DiscardPolicy.OLD,
        storage=StorageType.FILE,
        num_replicas=replicas,
        deny_delete=True,
        duplicate_window=DUPLICATE_SECONDS,
    )


async def provision(bus: Bus, configs: list[StreamConfig]) -> list[str]:
    """Make or change what is described; gives the names of what was made. Raises `BusError` with the server's words."""
    context = bus.client().jetstream(timeout=SERVER_SECONDS)
    made = []
    for config in configs:
        try:
            made += await _one(context, config)
        except ServerError as error:
            if error.err_code != NO_ROOM:
                raise BusError(f"the bus does not take {config.name}: {error}") from error
            needed = sum(each.max_bytes or 0 for each in configs) / GB
            raise BusError(
                f"the bus has no room for {config.name}: it reserves {needed:.0f} GB, and takes three quarters"
                f" of what is free when it starts: give it a disk with {needed * 4 / 3:.0f} GB free, and restart it"
            ) from error
        except Error as error:
            raise BusError(f"the bus does not take {config.name}: {error}") from error
    return made


async def _one(context: JetStreamContext, config: StreamConfig) -> list[str]:
    try:
        await context.stream_info(str(config.name))
    except NotFoundError:
        await context.add_stream(config)
        return [str(config.name)]
    await context.update_stream(config)
    return []
