"""What can go wrong in a mixing server.

VdxError
├── mixer.room.RoomError   a room cannot do what it was asked
└── MixerError             the server cannot do what it was asked
    ├── ConfigError        its configuration cannot be used
    ├── PromptError        prompts cannot be made
    ├── NoPorts            no capacity, or no UDP port, is left
    └── WorkerError        a room worker did not start, or could not carry out a command

`mixer.session.SessionError` and the errors of `b2bua.sdp` are about one participant's description, and carry the SIP
status that it is answered with.
"""

from vdx.errors import VdxError


class MixerError(VdxError):
    """The server cannot do what it was asked."""


class ConfigError(MixerError):
    """The configuration cannot be used."""


class PromptError(MixerError):
    """Prompts or pictures cannot be made."""


class NoPorts(MixerError):  # noqa: N818 - a state, named as operators say it
    """No capacity, or no UDP port, is left."""


class WorkerError(MixerError):
    """A room worker did not start, died, or refused a command."""
