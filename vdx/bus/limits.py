"""Every bound of the bus, with its reason."""

REQUEST_SECONDS = 0.3
"""How long a decision may be waited for: a caller notices half a second, and the edge can decide alone."""

SERVER_SECONDS = 2.0
"""How long the server may take to store or to read: beyond it a disk or an election hangs, and a retry is due."""

CONNECT_SECONDS = 3
"""How long one attempt to connect may take, TLS included."""

ATTEMPT_SECONDS = 10.0
"""How long one attempt may take over all servers, greeting included: one that accepts and is silent keeps nobody."""

CLOSE_SECONDS = 1.0
"""How long a connection or a task may take to end, before it is closed or cancelled again: nobody is held up."""

PING_SECONDS = 5
"""How often the connection is asked whether it lives; two without an answer end it: dead peers cost 10 to 15 s."""

BACKOFF_SECONDS = (0.2, 5.0)
"""The first and the longest pause between attempts to connect, doubled in between and spread by chance."""

MAX_RECORD = 64 * 1024
"""Bytes of one record: a room with a hundred aliases takes 6 kB."""

MAX_BUCKET = 256 * 1024 * 1024
"""Bytes of one bucket on the servers' disks: a hundred thousand rooms, with room to spare."""

WALK_BATCH = 512
"""Records asked for at once; the server allows 1024."""

AUDIT_SECONDS = 10.0
"""How often a watcher asks whether it has missed anything: one question, answered by one line when it has not."""

SETTLE_SECONDS = 1.0
"""How long after a comparison a watcher asks for the first time: the server may tell the first changes to nobody, while
our interest still spreads from account to account."""

GRACE_SECONDS = 2.0
"""How long after a lease ran out a watcher waits for the server's word, before it goes by its own clock."""

SNAPSHOT_SECONDS = 2.0
"""How long changes are gathered before the state is written to disk again."""

TOMBSTONE_SECONDS = 3600
"""How long the server remembers that a key was deleted. Who was away for longer compares the whole state anyway."""

DUPLICATE_SECONDS = 600
"""How long a stream knows the ids of what it holds: a program that restarts and repeats itself is back within it."""

STREAM_SECONDS = 30 * 24 * 3600
"""How long streams keep what happened, for a hub that was away; the hub's database keeps it for good."""

STREAM_BYTES = 4 * 1024 * 1024 * 1024
"""Bytes of one stream on disk: two million records of 2 kB."""

OUTBOX = 10_000
"""Events that wait for the bus in memory: an hour of a busy edge. Beyond, the oldest are dropped and counted."""

AT_ONCE = 64
"""Questions that one program answers at once; more are refused as busy, so that nobody waits in vain."""

KEY_LENGTH = 128
"""Characters of a key."""
