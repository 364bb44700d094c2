"""The bounds of what is remembered; each with its reason."""

FIRST_ENTRIES = 60
"""Entries of a call that are never pushed out by later ones: its set-up, with PRACK, forks and retransmissions."""

LAST_ENTRIES = 140
"""Entries of a call kept after those, the oldest going first: a dozen session changes and how it ended."""

MAX_CALL_OCTETS = 512 * 1024
"""Octets of one call's messages: two offers of 60 kB, passed on and answered. Half of it at most is for the first
entries, so that the last message fits always: `b2bua.sip` takes none of more than the other half."""

MAX_PINS = 16
"""PINs of one call that are kept out of its trace: its own and those of three redirections with four places each. Who
refers a call on and on does not make each of its messages dearer."""

PACK_SECONDS = 2.0
"""After which what was said in a call is packed: set-up is mostly over, and calls that were refused are gone."""

PACKED_AT_ONCE = 16
"""Traces packed at one time: each takes some 0.05 ms, in which nobody is answered."""

KEPT_CALLS = 1_000
"""Calls kept after their end: a complaint comes within the hour, and a region has some hundred calls in it."""

MAX_OCTETS = 64 * 1024 * 1024
"""Octets of all calls' messages: 5,000 calls of an ordinary set-up. The calls that ended first go first."""

SOURCES = 256
"""Sources of which the requests that began no call are kept: scanners come from many, the last ones matter."""

SOURCE_MESSAGES = 24
"""Messages kept of one source: a registration with its challenge six times over."""

SOURCES_OCTETS = 4 * 1024 * 1024
"""Octets of all these messages together: strangers never take the memory that calls have."""

FOLLOWED_ENTRIES = 2_000
"""Entries that wait for a person who follows along: ten seconds of 20 calls a second."""

FOLLOWED_SECONDS = 10.0
"""How long they are kept for somebody who asks no more."""
