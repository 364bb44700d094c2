"""The bounds of a description, each with its reason."""

MAX_BODY = 65_535
"""Bytes of a description: no datagram carries more, and the longest offers of real systems stay under 20 kB."""

MAX_LINES = 4_096
"""Lines of a description: a 60 kB body of the shortest useful attributes."""

MAX_LINE = 8_192
"""Characters of a line: parameter sets of codecs (sprop-*) and chains of candidates stay far below."""

MAX_MEDIA = 32
"""m-lines: each costs up to two pinholes; rooms with several cameras offer about a dozen."""

MAX_SESSION_ID = 2**63 - 1
"""Session id in o=: endpoints read it into signed 64-bit integers (RFC 8866 section 5.2)."""
