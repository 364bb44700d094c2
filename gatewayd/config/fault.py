"""Faults of our own while a site is read, judged or made active: one sentence for who asked, the rest in the log.

What a site file says is checked where it is read. Should something slip through all the same, it must neither end
`gatewayd` nor keep an earlier version from starting.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from gatewayd.config.errors import FaultError
from vdx.errors import VdxError

log = logging.getLogger(__name__)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Make `FaultError` of whatever is no sentence yet; its place in the program is in the log."""
    try:
        yield
    except VdxError:
        raise
    except Exception as error:
        log.exception("gatewayd.fault what=%r", what)
        text = (
            f"{what} met a fault of gatewayd itself ({type(error).__name__}): its log has the place, please report it"
        )
        raise FaultError(text) from error
