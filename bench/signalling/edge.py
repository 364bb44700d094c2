"""This edge in the middle: all of its programs, with media addresses for the rate."""

from __future__ import annotations

from bench.signalling.way import Way
from bench.signalling.way import way as through
from bench.site import add_media_addresses
from lab.lab import Lab
from lab.programs import PROGRAMS

MEDIA_ADDRESSES = 12
"""Beside the one of the lab: a port rests for a minute after its call, so each carries about 40 calls/s for long."""


def way(lab: Lab) -> Way:
    """Start the programs in a lab."""
    add_media_addresses(lab, MEDIA_ADDRESSES)
    lab.start(*PROGRAMS)
    return through(lab, tuple(process.pid for process in lab.state.programs().values()))
