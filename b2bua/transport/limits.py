"""The bounds of what peers can make the sockets hold; each with its reason."""

BATCH = 64
"""Datagrams read per readiness event: then answers leave and timers get their turn."""

PACE_SECONDS = 0.1
"""How long datagrams are counted before it is said that they are many, or few again."""

BUSY_DATAGRAMS = 50
"""So many in that time, 80 calls/s, are many: at each look one or two are found then, and to look pays."""

POLL_SECONDS = 0.003
"""Between looks where datagrams are many. A call waits for two on its way to the callee and back: 3 ms in the middle,
6 at most, of the 20 that its set-up may be late."""

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Octets asked of the kernel per UDP socket: a second of 2,000 calls; the kernel grants what rmem_max allows."""

MAX_UDP_FLOWS = 10_000
"""Flow tokens kept per socket; spoofed sources empty the cache, which costs only making tokens anew."""

MAX_WRITE_QUEUE = 1024 * 1024
"""Octets that wait for a slow reader on one connection: four of the largest messages; then it is closed."""

MAX_WAITING = 64
"""Messages that wait for one connection to open."""

MAX_CONNECTIONS = 4_096
"""Connections accepted per listener: institutions use one each, browsers come through another listener."""

MAX_FROM_ONE_HOST = 64
"""Connections of these that one host may hold: a trunk has a few, phones behind one NAT some dozens; a listener full of
strangers takes 64 hosts."""

TICK = 0.05
"""Seconds between the strokes on which timers fire: those of SIP are guesses of round trips, from 0.2 s upwards."""

CONNECT_SECONDS = 5.0
"""RFC 3261 leaves it open; a caller should hear of a dead peer before they hang up."""

HANDSHAKE_SECONDS = 10.0
"""TLS and the opening of a WebSocket take three round trips; who takes longer holds a place for nothing."""

PING_SECONDS = {"tcp": 95.0, "wss": 50.0}
"""Idle time after which a connection is pinged: RFC 5626 4.4.1 has 95 to 120 s, and web proxies close after 60 s."""

PONG_SECONDS = 10.0
"""RFC 5626 4.4.1: a peer that answers pings and has not answered this one by then is gone."""

LINGER_SECONDS = 5.0
"""What was said last may still be read, by a peer that reads."""

CREDENTIALS_SECONDS = 60.0
"""Between looks at the files of certificates: one that was renewed serves within a minute."""

FIRST_MESSAGE_SECONDS = 30.0
"""An accepted connection that has sent no whole message by then is closed: it holds a place for nothing."""

IDLE_SECONDS = 600.0
"""An accepted connection that has brought nothing for so long is closed.

RFC 5626 4.4.1 has peers that need their connection say so every 95 to 120 s, so five such words were missed. A call
outlives it: its next request opens another connection to the peer's Contact.
"""
