"""Devices that know MD5 alone, and give up where another algorithm is asked for beside it.

RFC 8760 2.3 has the strongest first and a client pass over what it does not know. Some do not: JsSIP reads the first
challenge only, libre before 2.0 refuses the whole answer. Whoever was asked, did not answer and comes back is therefore
asked for MD5 alone, and from then on for as long as he answers that. It weakens nobody else: who could bring this about
from between could as well have taken the other challenges out.
"""

from __future__ import annotations

ANOTHER_TRY = 2.0
"""Seconds after which a request without an answer is another try, and no retransmission that crossed our challenge."""

GIVEN_UP = 600.0
"""Seconds in which a device that gave up tries again; also for how long it is then asked for MD5 alone."""

REMEMBERED = 86_400.0
"""Seconds for which it is remembered once it answered: devices register many times a day."""

MAX_DEVICES = 10_000
"""Devices remembered of each kind, the longest unheard forgotten first: 3 MB, filled by forged sources at worst."""


class OldDevices:
    """Who was asked and has not answered, and who answers MD5 alone; a device is named by source and user."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._old: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._asked) + len(self._old)

    def ask(self, device: str, now: float) -> bool:
        """Take in that a device is being asked; tells whether for MD5 alone."""
        if self._old.get(device, 0.0) > now:
            return True
        before = self._asked.get(device)
        if before is not None and ANOTHER_TRY <= now - before <= GIVEN_UP:
            del self._asked[device]
            _remember(self._old, device, now + GIVEN_UP)
            return True
        if before is None or now - before > GIVEN_UP:
            _remember(self._asked, device, now)
        return False

    def answered(self, device: str, algorithm: str, now: float) -> None:
        """Take in an answer, right or wrong, by an algorithm in upper case."""
        self._asked.pop(device, None)
        if device not in self._old:
            return
        if algorithm.startswith("MD5"):
            _remember(self._old, device, now + REMEMBERED)
        else:
            del self._old[device]


def _remember(places: dict[str, float], device: str, time: float) -> None:
    places.pop(device, None)
    if len(places) >= MAX_DEVICES:
        del places[next(iter(places))]
    places[device] = time
