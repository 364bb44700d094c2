"""What a room worker cannot do, each with the sentence that the agent is told.

VdxError
└── RoomWorkerError
    ├── ConfineError      a right cannot be given up: the worker does not start
    ├── EngineError       an element of the media engine is missing, will not be linked or will not start
    ├── TransportError    a stream cannot be set up as described
    ├── SoundFileError    a prompt cannot be played
    └── CommandError      a command does not fit the room as it is
"""

from vdx.errors import VdxError


class RoomWorkerError(VdxError):
    """A room worker cannot do what it was asked; nothing was changed."""


class ConfineError(RoomWorkerError):
    """A right cannot be given up: the worker must not start."""


class EngineError(RoomWorkerError):
    """The media engine lacks an element, or refuses it."""


class TransportError(RoomWorkerError):
    """A stream cannot be set up as described."""


class SoundFileError(RoomWorkerError):
    """A sound file cannot be played."""


class CommandError(RoomWorkerError):
    """A command does not fit the room as it is."""
