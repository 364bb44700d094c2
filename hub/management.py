"""The management port: whether the hub is well, and its numbers for Prometheus. Plain HTTP, for the inside only.

One thread of the parent process answers; workers leave their counts in a folder (`hub.api.metrics`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
from sqlalchemy import text

from hub.api.metrics import BOUNDS, Counts
from hub.domain.healthcheck import Check
from hub.errors import HubError
from hub.settings import Settings
from hub.store import healthcheck as store
from hub.store.database import Database

TEXT = "text/plain; version=0.0.4; charset=utf-8"
JSON = "application/json"

ASK_SECONDS = 5
"""How long somebody may take to send a request."""

Answer = tuple[int, str, str]
"""Status, type and text."""


@contextmanager
def serving(configured: Settings, folder: Path, host: str, port: int) -> Iterator[int]:
    """Answer on the management port in a thread of its own; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        timeout = ASK_SECONDS

        def do_GET(self) -> None:
            found = PATHS.get(self.path.partition("?")[0])
            status, kind, body = found(configured, folder) if found else (404, JSON, '{"status":404}')
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Say nothing of each scrape."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="management", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def health(configured: Settings, folder: Path) -> Answer:
    """Say whether the database can be reached, in the form of Spring's actuator."""
    del folder

    async def ask() -> None:
        database = Database(configured.database)
        try:
            async with database.read() as connection:
                await connection.execute(text("SELECT 1"))
        finally:
            await database.close()

    try:
        asyncio.run(ask())
    except HubError:
        return 503, JSON, json.dumps({"status": "DOWN", "components": {"db": {"status": "DOWN"}}})
    return 200, JSON, json.dumps({"status": "UP", "components": {"db": {"status": "UP"}}})


def numbers(configured: Settings, folder: Path) -> Answer:
    """Give the numbers of all workers together, and of the last health check."""
    counts = Counts()
    for path in folder.glob("*.json"):
        try:
            counts.add(msgspec.json.decode(path.read_bytes(), type=Counts))
        except (OSError, msgspec.MsgspecError):
            continue  # being replaced, or of an older version
    return 200, TEXT, "".join(line + "\n" for line in [*written(counts), *_checked(_last(configured))])


PATHS: dict[str, Callable[[Settings, Path], Answer]] = {
    "/manage/actuator/health": health,
    "/manage/prometheus": numbers,
}


def written(counts: Counts) -> Iterator[str]:
    """Write counts in Prometheus' text format, version 0.0.4."""
    yield "# HELP http_server_requests_total Requests by operation and status."
    yield "# TYPE http_server_requests_total counter"
    for key, many in sorted(counts.requests.items()):
        method, path, status = key.split(" ")
        yield f"http_server_requests_total{_labels(method=method, uri=path, status=status)} {many}"
    yield "# HELP http_server_requests_seconds How long answers took."
    yield "# TYPE http_server_requests_seconds histogram"
    for operation, seconds in sorted(counts.seconds.items()):
        method, path = operation.split(" ")
        total = 0
        for number, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
            total += counts.buckets.get(f"{operation} {number}", 0)
            yield f"http_server_requests_seconds_bucket{_labels(method=method, uri=path, le=bound)} {total}"
        yield f"http_server_requests_seconds_sum{_labels(method=method, uri=path)} {seconds:.6f}"
        yield f"http_server_requests_seconds_count{_labels(method=method, uri=path)} {total}"
    yield "# HELP api_request_fields_usage_total Fields that clients set in bodies."
    yield "# TYPE api_request_fields_usage_total counter"
    for key, many in sorted(counts.fields.items()):
        model, field = key.split(" ")
        yield f"api_request_fields_usage_total{_labels(request=model, field=field)} {many}"


def _checked(check: Check | None) -> Iterator[str]:
    yield "# HELP vdx_hub_health_up Whether a part was well at the last health check."
    yield "# TYPE vdx_hub_health_up gauge"
    parts = check.parts if check else ()
    for part in parts:
        yield f"vdx_hub_health_up{_labels(part=part.name)} {int(part.well)}"
    yield "# HELP vdx_hub_health_seconds How long a part took at the last health check."
    yield "# TYPE vdx_hub_health_seconds gauge"
    for part in parts:
        if part.seconds is not None:
            yield f"vdx_hub_health_seconds{_labels(part=part.name)} {part.seconds:.6f}"
    if check is not None:
        yield "# TYPE vdx_hub_health_time_seconds gauge"
        yield f"vdx_hub_health_time_seconds {check.began.timestamp():.0f}"


def _last(configured: Settings) -> Check | None:
    async def ask() -> Check | None:
        database = Database(configured.database)
        try:
            async with database.read() as connection:
                return await store.last(connection)
        finally:
            await database.close()

    try:
        return asyncio.run(ask())
    except HubError:
        return None


def _labels(**labels: str) -> str:
    kept = (f'{name}="{value}"' for name, value in labels.items())
    return "{" + ",".join(kept).replace("\n", " ") + "}"
