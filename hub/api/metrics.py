"""What is counted of requests in one worker: operations, how long they took, fields that clients set.

Each worker writes its counts to a file of its own beside the others' (`hub.management` adds them up): once a second at
most, when a request has been answered, and when it ends.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "VDX_HUB_METRICS"
"""The variable that names the folder of the counts to worker processes."""

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the histogram, in seconds."""

WRITE_SECONDS = 1.0

OTHER = "other"
"""The operation of requests that fit none: their paths are the client's own choice."""


class Counts(msgspec.Struct):
    """The counts of one worker, or of all together. Keys are labels, joined by blanks."""

    requests: dict[str, int] = msgspec.field(default_factory=dict)
    """[method, path and status]"""
    buckets: dict[str, int] = msgspec.field(default_factory=dict)
    """[method, path and the number of the bound]"""
    seconds: dict[str, float] = msgspec.field(default_factory=dict)
    """[method and path]"""
    fields: dict[str, int] = msgspec.field(default_factory=dict)
    """[model and field]"""

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        operation = f"{method} {path}"
        _more(self.requests, f"{operation} {status}", 1)
        _more(self.buckets, f"{operation} {bisect_left(BOUNDS, seconds)}", 1)
        self.seconds[operation] = self.seconds.get(operation, 0.0) + seconds

    def used(self, model: str, field: str) -> None:
        """Count a field that a client has set."""
        _more(self.fields, f"{model} {field}", 1)

    def add(self, other: Counts) -> None:
        """Take another worker's counts in."""
        for ours, theirs in (
            (self.requests, other.requests),
            (self.buckets, other.buckets),
            (self.fields, other.fields),
        ):
            for key, many in theirs.items():
                _more(ours, key, many)
        for operation, seconds in other.seconds.items():
            self.seconds[operation] = self.seconds.get(operation, 0.0) + seconds


def _more(counts: dict[str, int], key: str, many: int) -> None:
    counts[key] = counts.get(key, 0) + many


COUNTS = Counts()
"""Those of this process."""


class Metered:
    """Count every request by the operation that answered it."""

    def __init__(self, app: ASGIApp, counts: Counts = COUNTS, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._counts = counts
        self._clock = clock
        self._written = 0.0
        named = os.environ.get(FOLDER)
        self._path = Path(named) / f"{os.getpid()}.json" if named else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            self._write()
            return
        began, status = self._clock(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            path = getattr(scope.get("route"), "path", OTHER)
            method = scope["method"] if path != OTHER else OTHER
            self._counts.answered(method, path, status, self._clock() - began)
            if self._clock() >= self._written + WRITE_SECONDS:
                self._write()

    def _write(self) -> None:
        self._written = self._clock()
        if self._path is not None:
            whole = self._path.with_suffix(".new")
            whole.write_bytes(msgspec.json.encode(self._counts))
            whole.replace(self._path)
