"""A browser's user agent: JsSIP under Node.js on a host, over secure WebSocket, for signalling only."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.peers.host import Host

FOLDER = Path(__file__).parent / "jssip"
PATIENCE = 20.0


class Browser:
    """One page with one user agent; use it with ``with``."""

    def __init__(
        self, host: Host, url: str, uri: str, *, root: Path, origin: str, sdp: str, password: str = ""
    ) -> None:
        assert (FOLDER / "node_modules").is_dir(), f"JsSIP is missing: run `npm ci` in {FOLDER}, as tools/setup does"
        config = {"url": url, "uri": uri, "ca": str(root), "origin": origin, "sdp": sdp, "password": password}
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._seen: list[dict[str, Any]] = []
        self._process = host.popen(
            ["node", str(FOLDER / "agent.mjs"), json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._process.stdin
        assert self._process.stderr
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(PATIENCE)
        if error is not None:
            error.add_note(f"the browser saw {self._seen}\n{self._process.stderr.read()}")
        self._process.stderr.close()
        assert self._process.stdout
        self._process.stdout.close()

    def do(self, what: str, **more: object) -> None:
        """Have the page do something: call, answer, refuse, hangup, change, press, drop."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
        self._process.stdin.flush()

    def expect(self, event: str, **facts: object) -> Mapping[str, Any]:
        """Return the next event of that name, with those facts; others are passed over."""
        while True:
            try:
                got = self._events.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"the browser expected {event}; it saw {self._seen}") from None
            assert got is not None, f"the browser ended; it saw {self._seen}"
            self._seen.append(got)
            if got["event"] == event and all(got.get(name) == value for name, value in facts.items()):
                return got

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)
