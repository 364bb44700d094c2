"""What `gatewayd-web` refuses by itself.

WebError
├── SetupError         a file or argument that it was started with cannot be used
└── RefusedError       a request is answered with a status and a problem
    ├── UnknownError       nobody knows who asks (401)
    ├── ForgedError        a page of somebody else may have sent this (403)
    ├── LargeError         more octets than a request may have (413)
    ├── OftenError         too many requests (429)
    ├── SlowError          the request does not come to its end (408)
    ├── DeedError          the machine did not do it (422)
    └── AwayError          gatewayd does not answer (503)
"""

from __future__ import annotations

from typing import ClassVar

from vdx.errors import VdxError


class WebError(VdxError):
    """The root of this package's errors."""


class SetupError(WebError):
    """A file or argument cannot be used: which, why, and what to do."""


class RefusedError(WebError):
    """A request that is answered with a status and a problem."""

    status: ClassVar[int] = 422
    code: ClassVar[str] = "invalid"


class UnknownError(RefusedError):
    """Nobody knows who asks."""

    status = 401
    code = "unauthenticated"


class ForgedError(RefusedError):
    """It may have been sent by a page of somebody else."""

    status = 403
    code = "forged"


class LargeError(RefusedError):
    """It has more octets than such a request may have."""

    status = 413
    code = "large"


class OftenError(RefusedError):
    """There were too many; `seconds` until the next may come."""

    status = 429
    code = "often"

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


class SlowError(RefusedError):
    """It does not come to its end."""

    status = 408
    code = "slow"


class DeedError(RefusedError):
    """The machine did not do what it was asked, and says why."""


class AwayError(RefusedError):
    """`gatewayd` does not answer."""

    status = 503
    code = "away"
