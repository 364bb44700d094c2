"""Whether the program that listens at a socket is the one that should.

The directory of sockets may be open to a group. While a program is down, each member could take its name, and would be
handed what is meant for the program: the site's peers and dial plan, media sockets with their marks. The kernel vouches
for the user who listens (SO_PEERCRED).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

log = logging.getLogger(__name__)


class Trust:
    """The numeric users that may listen as `program`."""

    def __init__(self, program: str, users: Iterable[int]) -> None:
        self._program = program
        self._users = frozenset(users)
        self._refused: int | None = None

    def admits(self, user: int) -> bool:
        """Tell whether a listener's user is one of them; the log names a stranger once, not at every attempt."""
        if user in self._users:
            self._refused = None
            return True
        if user != self._refused:
            allowed = ", ".join(str(each) for each in sorted(self._users))
            log.error(
                "%s.refused: user %d listens at its socket, where only %s may: end that program, or name its user",
                self._program,
                user,
                allowed,
            )
        self._refused = user
        return False
