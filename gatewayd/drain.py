"""Out of service and back: what an operator said is kept beside the sockets, and so outlives `b2bua` and `gatewayd`.

It does not outlive the machine: an appliance that was restarted serves.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gatewayd.errors import VersionError
from gatewayd.signalling import AwayError, B2buaLink
from vdx.drain import Drain as DrainMessage
from vdx.drain import Undrain
from vdx.pinhole import Refused

log = logging.getLogger(__name__)


class Drain:
    """Whether the appliance takes calls; `wall` gives the seconds since 1970. The state is in the file at `path`."""

    def __init__(self, path: Path, b2bua: B2buaLink, wall: Callable[[], float]) -> None:
        self._path = path
        self._b2bua = b2bua
        self._wall = wall
        self._until = _read(path)

    @property
    def left(self) -> float | None:
        """Give the seconds until calls that are up are ended, `math.inf` for never; None in service."""
        return None if self._until is None else max(0.0, self._until - self._wall())

    async def begin(self, seconds: float | None) -> None:
        """Take no more calls, from now on and after a restart of any program; raises `VersionError`."""
        self._keep(math.inf if seconds is None else self._wall() + seconds)
        log.warning("drain.begun deadline=%s", "none" if seconds is None else f"{seconds:g} s")
        await self._hand_if_there()

    async def end(self) -> None:
        """Take calls again; raises `VersionError`."""
        self._keep(None)
        log.warning("drain.ended")
        await self._hand_if_there()

    async def hand(self) -> None:
        """Tell `b2bua` how it stands; raises `VersionError` where it does not hear."""
        left = self.left
        seconds = None if left is None or math.isinf(left) else left
        answer = await self._b2bua.ask(
            lambda number: Undrain(number) if left is None else DrainMessage(number, seconds)
        )
        if isinstance(answer, Refused):
            raise VersionError(f"b2bua refused: {answer.reason}")

    async def greet(self) -> None:
        """Tell a `b2bua` that has just appeared; one that refuses still gets its site version. Raises `AwayError`."""
        try:
            await self.hand()
        except AwayError:
            raise
        except VersionError as error:
            log.error("drain.refused by=b2bua: %s", error)  # noqa: TRY400 - a sentence

    def sentence(self) -> str:
        """Say how it stands, "" in service."""
        left = self.left
        if left is None:
            return ""
        return "calls end when they like" if math.isinf(left) else f"calls end in {left:.0f} s"

    async def _hand_if_there(self) -> None:
        with suppress(AwayError):  # it hears when it is back, before it gets its site version
            await self.hand()

    def _keep(self, until: float | None) -> None:
        try:
            if until is None:
                self._path.unlink(missing_ok=True)
            else:
                part = self._path.with_suffix(".part")
                part.write_text(json.dumps({"until": None if math.isinf(until) else until}))
                part.replace(self._path)
        except OSError as error:
            raise VersionError(f"{self._path} cannot be written, so nothing is changed: {error.strerror}") from error
        self._until = until


def _read(path: Path) -> float | None:
    try:
        until = json.loads(path.read_text())["until"]
        return math.inf if until is None else float(until)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("drain.unreadable path=%s: %s: the appliance serves", path, error)
        return None
