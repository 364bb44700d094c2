"""What is agreed with one participant: their description read, streams chosen, ours written. Pure.

`read` says what each m-line is for and which codec it gets, as offer or as answer; `write` says the same back with our
addresses, `propose` makes an offer of our own.
"""

from mixer.session.codecs import Abilities, Codec, Quality
from mixer.session.errors import SessionError
from mixer.session.keys import SUITES, Key, new_key
from mixer.session.propose import propose
from mixer.session.read import FloorLine, Reading, Stream, read
from mixer.session.write import Place, Writer

__all__ = [
    "SUITES",
    "Abilities",
    "Codec",
    "FloorLine",
    "Key",
    "Place",
    "Quality",
    "Reading",
    "SessionError",
    "Stream",
    "Writer",
    "new_key",
    "propose",
    "read",
]
