"""Names nobody can guess: what `b2bua.sip` needs, and those of calls and SDP sessions."""

import base64
import secrets

from b2bua.transport import RandomIds
from vdx.ids import CallId


class GatewayIds(RandomIds):
    """Tags, branches, Call-IDs, names of calls, SDP sessions."""

    def call(self) -> CallId:
        """Give the name of a new call: 65 random bits."""
        return CallId(base64.b32encode(secrets.token_bytes(9))[:13].decode().lower())

    def session(self) -> int:
        """Give an SDP session id."""
        return secrets.randbits(62)
