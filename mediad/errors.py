"""What `mediad` refuses, each with the sentence that `gatewayd` logs.

VdxError
└── MediadError         mediad cannot start or go on: exit status 2
    ├── RelayError      a message asks for what cannot be done: answered with `refused`, nothing was changed
    └── PacketError     a packet on the socket cannot be used or answered: the connection is closed
"""

from vdx.errors import VdxError


class MediadError(VdxError):
    """`mediad` cannot do what it was started for."""


class RelayError(MediadError):
    """A message asks for what cannot be done; its text is the reason in the answer."""


class PacketError(MediadError):
    """A packet on the socket cannot be used, so no answer can name the message it belongs to."""
