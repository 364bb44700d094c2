"""Log lines as events with fields: in systemd's journal where a program writes there, else as `key=value` on stderr.

A line begins with its event, `noun.verb`, and may have a sentence after it. Fields are given as
``extra=fields(peer="hospital")``; the call that is being handled (`subject`) is added to every line by itself. In the
journal each field is one of its own (`VDX_CALL`, `VDX_PEER`), so that ``journalctl VDX_CALL=...`` shows one call.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

subject: ContextVar[str] = ContextVar("subject", default="")
"""The call that is being handled; "" outside calls."""

Value = str | int | float | None
Send = Callable[..., None]

MAX_VALUE = 1_000
"""Characters of a field: foreign text is cut before, this is the last resort."""

_FIELDS = "vdx_fields"
_EVENT = re.compile(r"[a-z0-9-]+\.[a-z0-9.-]*[a-z0-9]")
_PLAIN = re.compile(r"[\w.:/@+-]+", re.ASCII)
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def fields(**named: Value) -> dict[str, Mapping[str, Value]]:
    """Give fields to a log call, as its `extra`."""
    return {_FIELDS: named}


def of(record: logging.LogRecord) -> dict[str, Value]:
    """Give the fields of a line, with its event first and the call that was being handled."""
    found: dict[str, Value] = {}
    event = _EVENT.match(str(record.msg))
    if event:
        found["event"] = event[0]
    given: Mapping[str, Value] = getattr(record, _FIELDS, {})
    if subject.get() and "call" not in given:
        found["call"] = subject.get()
    return found | {name: value for name, value in given.items() if value is not None}


class Line(logging.Formatter):
    """One line on stderr: level, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a line; what could end it or steer a terminal is written as an escape."""
        named = {name: value for name, value in of(record).items() if name != "event"}
        message = record.getMessage()
        if not message.isprintable():
            message = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in message)
        text = " ".join([record.levelname, message, *(f"{name}={_written(value)}" for name, value in named.items())])
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


class Journal(logging.Handler):
    """Hands lines to the journal; `send` is `systemd.journal.send`."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line with its fields."""
        try:
            named = {f"VDX_{name.upper()}": str(value)[:MAX_VALUE] for name, value in of(record).items()}
            if record.exc_info:
                named["VDX_TRACEBACK"] = logging.Formatter().formatException(record.exc_info)
            priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
            self._send(
                record.getMessage(),
                PRIORITY=str(priority),
                LOGGER=record.name,
                CODE_FILE=record.pathname,
                CODE_LINE=record.lineno,
                CODE_FUNC=record.funcName,
                **named,
            )
        except Exception:  # noqa: BLE001 - logging's own rule: a line that cannot be written ends nothing
            self.handleError(record)


def begin(*, verbose: bool = False) -> None:
    """Have every line of this program go to the journal, or to stderr."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    root.handlers[:] = [_handler(os.environ.get("JOURNAL_STREAM", ""))]
    # Of no use to any handler here, and looked up anew for each line
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _handler(stream: str) -> logging.Handler:
    if _is_stderr(stream):
        try:
            from systemd import journal  # noqa: PLC0415 - only where systemd runs us
        except ImportError:
            pass
        else:
            return Journal(journal.send)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Line())
    return handler


def _is_stderr(stream: str) -> bool:
    """Tell whether stderr is the stream that systemd connected to the journal (`device:inode`, systemd.exec(5))."""
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return stream == f"{stderr.st_dev}:{stderr.st_ino}"


def _written(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)[:MAX_VALUE]
    return text if _PLAIN.fullmatch(text) else ascii(text)
