"""The bounds of what one peer can make us hold or read; each with its reason."""

MAX_MESSAGE = 262_144
"""Octets of one message on a stream: a 60 kB SDP of a large room system, fourfold."""

MAX_HEAD = 49_152
"""Octets before the body: the longest head seen in the wild (many Record-Routes, Geolocation) is about 12 kB."""

MAX_LINES = 256
"""Header lines: a request through 70 hops carries 140 Via and Record-Route lines."""

MAX_VALUES = 128
"""Values of one list header (Via, Route, Contact): Max-Forwards starts at 70, so no path is longer."""

MAX_URI = 4_096
"""Characters of a Request-URI: RFC 4475 3.1.1.7 has one of about 1,000."""

MAX_CSEQ = 2**31 - 1
"""RFC 3261 8.1.1.5: a sequence number is below 2**31."""

MAX_SECONDS = 2**32 - 1
"""RFC 3261 25.1: what delta-seconds may say."""

MAX_LENGTHENED = 8
"""Answers 422 to one request that are followed: a long path has as many elements with an interval of their own."""

MAX_FORKS = 16
"""Early dialogs of one INVITE: more phones than one person has; further ones are not reported."""

MAX_WAITING_PROVISIONAL = 8
"""Reliable provisional responses that wait for the PRACK of one before them; further ringing says nothing new."""

MAX_NEW_REQUESTS = 50_000
"""Server transactions outside dialogs that one zone may hold; over it a new request is answered 503.

200 calls a second that all ring their 180 s and are remembered for 32 s more are 42,400; at some 2 kB each the bound is
about 100 MB. Each zone has its own, so that none can shut out another.
"""

NAME_ADDR_CACHE = 512
"""Parsed From, To and Contact values kept: each is seen four to eight times during the set-up of a call, and some fifty
calls are set up at a time."""

NAME_ADDR_CACHED = 256
"""Characters up to which such a value is kept: nobody fills the memory with long ones."""

URI_CACHE = 512
"""Parsed URIs kept: Request-URIs and Contacts repeat through a call."""
