"""Names nobody can guess: what `b2bua.sip` needs, and those of calls and SDP sessions."""

from b2bua.transport import RandomIds
from vdx.ids import CallId

CALL_LETTERS = 13
"""Of the name of a call: 65 random bits."""

_LETTERS = b"abcdefghijklmnopqrstuvwxyz234567" * 8
"""What a random octet is written as."""


class GatewayIds(RandomIds):
    """Tags, branches, Call-IDs, names of calls, SDP sessions."""

    def call(self) -> CallId:
        """Give the name of a new call: 65 random bits."""
        return CallId((self._take() + self._take())[:CALL_LETTERS].translate(_LETTERS).decode())

    def session(self) -> int:
        """Give an SDP session id."""
        return int.from_bytes(self._take()) >> 2
