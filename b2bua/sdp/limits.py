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

REMEMBERED = 512
"""Sets of lines below m-lines that are remembered, with what was found in them: those of a product are the same in each
of its calls, and a region has some hundred products and versions. What is a call's own is never among them."""

REMEMBERED_LENGTH = 2_048
"""Characters up to which such lines are remembered: a megabyte in all."""
