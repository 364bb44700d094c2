"""One call looks for somebody who takes it: the places left to try, and what each try begins with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from b2bua.call.attempts import LEADS_ON, PATIENCE, Attempt
from b2bua.call.start import Start
from b2bua.locate import COOL_DOWN, Cooldown
from vdx.admission import Admit, Refuse


class Hunt:
    """Gives one start after the other; places whose peer is full are passed over.

    `judge` admits a call to a place or refuses it, `equip` makes what a call to it begins with.
    """

    def __init__(
        self,
        places: Iterable[Attempt],
        judge: Callable[[Attempt, float], Admit | Refuse],
        equip: Callable[[Attempt], Start],
        cooldown: Cooldown,
    ) -> None:
        self._left = deque(places)
        self._judge = judge
        self._equip = equip
        self._cooldown = cooldown
        self.at: Attempt | None = None
        self.refused: Refuse | None = None

    def next(self, now: float) -> Start | None:
        """Give what the next try begins with; None where nothing is left, or nothing that has room."""
        while self._left:
            attempt = self._left.popleft()
            verdict = self._judge(attempt, now)
            if isinstance(verdict, Admit):
                self.at = attempt
                return self._equip(attempt)
            self.refused = verdict
        return None

    def failed(self, status: int, again: float | None, now: float) -> Start | None:
        """Give the next start after a failure that another place may not share; None where the failure stands.

        `again` is in how many seconds the place says to be back, where it says so.
        """
        if status not in LEADS_ON:
            return None
        if self.at is not None and status != 430:
            self._cooldown.failed(self.at.key, now, COOL_DOWN if again is None else again)
        return self.next(now)

    def patience(self, now: float, most: float) -> float:
        """Give until when the place may be silent: for long where there is no other one."""
        return now + (PATIENCE if self._left else most)

    def answered(self) -> None:
        """Note that the place is alive."""
        if self.at is not None:
            self._cooldown.alive(self.at.key)
