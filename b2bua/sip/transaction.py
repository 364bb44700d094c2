"""The four transaction machines of RFC 3261 17 as tables, with the Accepted states of RFC 6026.

A row reads: in this state, on this input, go to that state and do these actions in order. An input without a row is
ignored. Inputs are responses by class (`1xx`, `2xx`, `final`: 300 to 699, or 200 to 699 outside INVITE), `request`
(a retransmission), `ack`, the letters of RFC 3261's timers, `lost` (the transport could not deliver) and `abandon`
(the owner gave up after CANCEL, 9.1). Where a timer is 0 on reliable transports, the transaction ends at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from b2bua.sip.uri import host_port
from b2bua.sip.write import Head, content, request_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from b2bua.sip.flow import Flow, Target
    from b2bua.sip.layer import Layer, Timer
    from b2bua.sip.message import Request, Response

    Action = Callable[["Transaction", Request | Response | None], None]
    Table = dict[tuple[str, str], tuple[str, tuple[Action, ...]]]

CALLING, TRYING, PROCEEDING, COMPLETED = "calling", "trying", "proceeding", "completed"
CONFIRMED, ACCEPTED, TERMINATED = "confirmed", "accepted", "terminated"


class ClientOwner(Protocol):
    """The transaction user of a request we sent."""

    def on_response(self, response: Response) -> None:
        """Take a response: every provisional one, every 2xx of an INVITE, the first final one of others."""
        ...

    def on_failure(self, status: int, sentence: str) -> None:
        """Take the end without an answer: 408 after 64*T1, 503 if the transport could not deliver."""
        ...


class ServerOwner(Protocol):
    """The transaction user of a request we received."""

    def on_ack(self, request: Request) -> None:
        """Take an ACK to a 2xx that came with the INVITE's own branch."""
        ...


class Transaction(ABC):
    """What all four machines share: a state, at most one repeating timer and one that ends the wait."""

    __slots__ = ("_interval", "_life", "_repeat", "data", "key", "layer", "reliable", "state", "table", "to")

    def __init__(self, layer: Layer, table: Table, state: str, key: str, to: Flow | Target) -> None:
        self.layer = layer
        self.table = table
        self.state = state
        self.key = key
        self.to = to
        self.reliable = to.reliable
        self.data = b""
        self._interval = 0.0
        self._life: Timer | None = None
        self._repeat: Timer | None = None

    def handle(self, name: str, message: Request | Response | None = None) -> None:
        """Take one step of the table."""
        row = self.table.get((self.state, name))
        if row is None:
            return
        self.state = row[0]
        for action in row[1]:
            action(self, message)
        if self.state is TERMINATED:
            self.stop(None)
            self.forget()

    def fire(self, name: str) -> None:
        """Take a timer as an input."""
        self.handle(name)

    @abstractmethod
    def forget(self) -> None:
        """Leave the layer's tables."""

    def stop(self, _message: Request | Response | None) -> None:
        """Cancel both timers."""
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None
        if self._life is not None:
            self._life.cancel()
            self._life = None

    def transmit(self, _message: Request | Response | None = None) -> None:
        """Send what was sent last, again."""
        if self.data:
            self.layer.send(self.to, self.data, self.key)

    def repeat(self, name: str, interval: float) -> None:
        """Set the repeating timer."""
        self._interval = interval
        self._repeat = self.layer.start(interval, self, name)

    def wait(self, name: str, seconds: float) -> None:
        """Set the timer that ends the present wait, in place of the one before."""
        if self._life is not None:
            self._life.cancel()
        self._life = self.layer.start(seconds, self, name)

    def linger(self, name: str, seconds: float) -> None:
        """Absorb retransmissions for a while; where the transport makes none, end now."""
        self.stop(None)
        if self.reliable:
            self.state = TERMINATED
        else:
            self.wait(name, seconds)


class ClientTransaction(Transaction):
    """A request we sent. `head` is what its ACK and CANCEL repeat."""

    __slots__ = ("_narrow", "head", "method", "owner")

    def __init__(self, layer: Layer, method: str, head: Head, to: Flow | Target, owner: ClientOwner) -> None:
        invite = method == "INVITE"
        branch = head.via[head.via.rindex("=") + 1 :]
        table, state = (INVITE_CLIENT, CALLING) if invite else (CLIENT, TRYING)
        super().__init__(layer, table, state, f"{branch} {method}", to)
        self.method = method
        self.head = head
        self.owner: ClientOwner | None = owner
        self._narrow: tuple[Flow | Target, Head, bytes] | None = None  # as it was before it went over TCP

    def send(self, data: bytes) -> None:
        """Send the request, a large one over TCP if there is a way."""
        layer = self.layer
        way = layer.large.way(self.to, len(data), layer.now)
        if way is not None:
            self._narrow = self.to, self.head, data
            head = self.head._replace(via=over_tcp(self.head.via, way.sent_by))
            data = data.replace(self.head.via.encode(), head.via.encode(), 1)
            self.to, self.head, self.reliable = way.to, head, True
        self._start(data)

    def lost(self) -> None:
        """Take the transport's word that it could not deliver: a large request goes back to UDP (18.1.1)."""
        if self._narrow is None or self.state not in {CALLING, TRYING}:
            self.handle("lost")
            return
        self.layer.large.refused(self.to, self.layer.now)
        self.layer.standing.forget_client(self)
        self.stop(None)
        (self.to, self.head, data), self._narrow = self._narrow, None
        self.reliable = False
        self._start(data)

    def _start(self, data: bytes) -> None:
        """Start timers A and B, or E and F."""
        settings = self.layer.settings
        invite = self.method == "INVITE"
        self.data = data
        self.layer.clients[self.key] = self
        self.layer.standing.note_client(self)
        self.transmit()
        if not self.reliable:
            self.repeat("A" if invite else "E", settings.t1)
        self.wait("B" if invite else "F", settings.life)

    def let_go(self) -> None:
        """Forget the octets of a request that was answered: thousands are remembered for 64*T1."""
        self.data = b""
        self._narrow = None

    def forget(self) -> None:
        """Leave the layer's table."""
        self.layer.clients.pop(self.key, None)
        self.layer.standing.forget_client(self)
        self.owner = None  # it may hold us: a cycle would wait for the garbage collector


class ServerTransaction(Transaction):
    """A request we received. `tag` is our tag for To, `lines` the response's lines copied from the request."""

    __slots__ = ("flow", "lines", "merge_key", "method", "owner", "tag")

    def __init__(self, layer: Layer, method: str, key: str, flow: Flow, to: Flow | Target) -> None:
        invite = method == "INVITE"
        super().__init__(layer, INVITE_SERVER if invite else SERVER, PROCEEDING if invite else TRYING, key, to)
        self.method = method
        self.flow = flow
        self.owner: ServerOwner | None = None
        self.tag = ""
        self.lines = ""
        self.merge_key = ""

    def open(self) -> None:
        """Enter the layer's table; an owner that never answers is forgotten when the peer gives up."""
        self.layer.servers[self.key] = self
        if self.merge_key:
            self.layer.merged[self.flow.zone].add(self.merge_key)
        settings = self.layer.settings
        if self.method == "INVITE":
            self._repeat = self.layer.start(settings.trying_delay, self, "trying")

    def expect_answer(self) -> None:
        """Give the owner of a request other than INVITE 64*T1 to answer; nobody listens after that."""
        if self.state is TRYING:
            self.wait("J", self.layer.settings.life)

    def send(self, status: int, data: bytes) -> None:
        """Send a response of the owner."""
        self.data = data
        if status >= 200:
            self.lines = ""  # the answer stands in `data`
        if status < 200:
            self.handle("send 1xx")
        elif status < 300:
            self.handle("send 2xx")
        else:
            self.handle("send final")

    def forget(self) -> None:
        """Leave the layer's tables."""
        self.layer.servers.pop(self.key, None)
        if self.merge_key:
            self.layer.merged[self.flow.zone].discard(self.merge_key)
        self.owner = None


def over_tcp(via: str, sent_by: tuple[str, int]) -> str:
    """Write a Via of ours for TCP, the branch and what else it says as it was."""
    return f"SIP/2.0/TCP {host_port(*sent_by)};{via.partition(';')[2]}"


# Actions. Each has the shape of Action; what they need of the message is said by the machine they stand in.


def _client(transaction: Transaction) -> ClientTransaction:
    assert isinstance(transaction, ClientTransaction)  # noqa: S101 - the tables put client actions into client machines
    return transaction


def deliver(transaction: Transaction, message: Request | Response | None) -> None:
    """Hand a response to the owner."""
    owner = _client(transaction).owner
    if owner is not None:
        owner.on_response(message)  # type: ignore[arg-type]


def resend_doubling(transaction: Transaction, _message: Request | Response | None) -> None:
    """Timer A: send again, wait twice as long."""
    transaction.transmit()
    transaction.repeat("A", transaction._interval * 2)  # noqa: SLF001 - an action is part of its machine


def resend_up_to_t2(transaction: Transaction, _message: Request | Response | None) -> None:
    """Timers E and G: send again, wait twice as long but not over T2; T2 at once when something was answered."""
    t2 = transaction.layer.settings.t2
    interval = min(transaction._interval * 2, t2)  # noqa: SLF001
    transaction.transmit()
    if transaction.table is INVITE_SERVER:
        transaction.repeat("G", interval)
    else:
        transaction.repeat("E", t2 if transaction.state is PROCEEDING else interval)


def timed_out(transaction: Transaction, _message: Request | Response | None) -> None:
    """Timers B and F: nobody answered."""
    owner = _client(transaction).owner
    if owner is not None:
        owner.on_failure(408, "no answer within 64*T1")


def undelivered(transaction: Transaction, _message: Request | Response | None) -> None:
    """8.1.3.1: a transport failure counts as 503."""
    owner = _client(transaction).owner
    if owner is not None:
        owner.on_failure(503, "the message could not be delivered")


def acknowledge(transaction: Transaction, message: Request | Response | None) -> None:
    """17.1.1.3: the ACK to a refusal repeats the INVITE's head, with the To of the response."""
    client = _client(transaction)
    to = message.index["to"][0]  # type: ignore[union-attr]
    ack = request_head("ACK", client.head._replace(to=to)) + content("", b"", "")
    client.data = ack
    client.layer.send(client.to, ack)


def start_d(transaction: Transaction, _message: Request | Response | None) -> None:
    """Wait for retransmissions of the refusal."""
    transaction.linger("D", transaction.layer.settings.timer_d)


def start_k(transaction: Transaction, _message: Request | Response | None) -> None:
    """Wait for retransmissions of the answer; the request goes out no more."""
    _client(transaction).let_go()
    transaction.linger("K", transaction.layer.settings.t4)


def start_m(transaction: Transaction, _message: Request | Response | None) -> None:
    """RFC 6026 7.2: wait for 2xx of other forks, on every transport; the INVITE goes out no more."""
    _client(transaction).let_go()
    transaction.stop(None)
    transaction.wait("M", transaction.layer.settings.life)


def trying(transaction: Transaction, _message: Request | Response | None) -> None:
    """Send the last provisional answer again; 100 if there was none."""
    if not transaction.data:
        lines = transaction.lines if isinstance(transaction, ServerTransaction) else ""
        transaction.data = f"SIP/2.0 100 Trying\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    transaction.transmit()


def start_gh(transaction: Transaction, _message: Request | Response | None) -> None:
    """Repeat a refusal until its ACK, for 64*T1 at most."""
    transaction.stop(None)
    settings = transaction.layer.settings
    if not transaction.reliable:
        transaction.repeat("G", settings.t1)
    transaction.wait("H", settings.life)


def start_i(transaction: Transaction, _message: Request | Response | None) -> None:
    """Absorb further ACKs."""
    transaction.linger("I", transaction.layer.settings.t4)


def start_j(transaction: Transaction, _message: Request | Response | None) -> None:
    """Absorb retransmissions of the request."""
    transaction.linger("J", transaction.layer.settings.life)


def start_l(transaction: Transaction, _message: Request | Response | None) -> None:
    """RFC 6026 7.1: absorb retransmissions of the INVITE; the owner repeats the 2xx."""
    transaction.stop(None)
    transaction.wait("L", transaction.layer.settings.life)


def deliver_ack(transaction: Transaction, message: Request | Response | None) -> None:
    """Hand over an ACK to a 2xx whose sender kept the INVITE's branch."""
    owner = transaction.owner if isinstance(transaction, ServerTransaction) else None
    if owner is not None:
        owner.on_ack(message)  # type: ignore[arg-type]


STOP, SEND = Transaction.stop, Transaction.transmit

# RFC 3261 17.1.1.2 figure 5, RFC 6026 8.4
INVITE_CLIENT: Table = {
    (CALLING, "A"): (CALLING, (resend_doubling,)),
    (CALLING, "B"): (TERMINATED, (timed_out,)),
    (CALLING, "lost"): (TERMINATED, (undelivered,)),
    (CALLING, "abandon"): (TERMINATED, ()),
    (CALLING, "1xx"): (PROCEEDING, (STOP, deliver)),
    (CALLING, "2xx"): (ACCEPTED, (start_m, deliver)),
    (CALLING, "final"): (COMPLETED, (acknowledge, start_d, deliver)),
    (PROCEEDING, "1xx"): (PROCEEDING, (deliver,)),
    (PROCEEDING, "2xx"): (ACCEPTED, (start_m, deliver)),
    (PROCEEDING, "final"): (COMPLETED, (acknowledge, start_d, deliver)),
    (PROCEEDING, "lost"): (TERMINATED, (undelivered,)),
    (PROCEEDING, "abandon"): (TERMINATED, ()),
    (COMPLETED, "final"): (COMPLETED, (SEND,)),
    (COMPLETED, "D"): (TERMINATED, ()),
    (ACCEPTED, "2xx"): (ACCEPTED, (deliver,)),
    (ACCEPTED, "M"): (TERMINATED, ()),
}

# RFC 3261 17.1.2.2 figure 6
CLIENT: Table = {
    (TRYING, "E"): (TRYING, (resend_up_to_t2,)),
    (TRYING, "F"): (TERMINATED, (timed_out,)),
    (TRYING, "lost"): (TERMINATED, (undelivered,)),
    (TRYING, "1xx"): (PROCEEDING, (deliver,)),
    (TRYING, "final"): (COMPLETED, (start_k, deliver)),
    (PROCEEDING, "E"): (PROCEEDING, (resend_up_to_t2,)),
    (PROCEEDING, "F"): (TERMINATED, (timed_out,)),
    (PROCEEDING, "lost"): (TERMINATED, (undelivered,)),
    (PROCEEDING, "1xx"): (PROCEEDING, (deliver,)),
    (PROCEEDING, "final"): (COMPLETED, (start_k, deliver)),
    (COMPLETED, "K"): (TERMINATED, ()),
}

# RFC 3261 17.2.1 figure 7, RFC 6026 8.5; "trying" is the 200 ms timer before a 100
INVITE_SERVER: Table = {
    (PROCEEDING, "trying"): (PROCEEDING, (trying,)),
    (PROCEEDING, "request"): (PROCEEDING, (trying,)),
    (PROCEEDING, "send 1xx"): (PROCEEDING, (STOP, SEND)),
    (PROCEEDING, "send 2xx"): (ACCEPTED, (SEND, start_l)),
    (PROCEEDING, "send final"): (COMPLETED, (SEND, start_gh)),
    (COMPLETED, "request"): (COMPLETED, (SEND,)),
    (COMPLETED, "G"): (COMPLETED, (resend_up_to_t2,)),
    (COMPLETED, "H"): (TERMINATED, ()),
    (COMPLETED, "ack"): (CONFIRMED, (start_i,)),
    (CONFIRMED, "I"): (TERMINATED, ()),
    (ACCEPTED, "send 2xx"): (ACCEPTED, (SEND,)),
    (ACCEPTED, "ack"): (ACCEPTED, (deliver_ack,)),
    (ACCEPTED, "L"): (TERMINATED, ()),
}

# RFC 3261 17.2.2 figure 8; J in Trying: an owner that did not answer while the peer listened
SERVER: Table = {
    (TRYING, "send 1xx"): (PROCEEDING, (SEND,)),
    (TRYING, "send 2xx"): (COMPLETED, (SEND, start_j)),
    (TRYING, "send final"): (COMPLETED, (SEND, start_j)),
    (TRYING, "J"): (TERMINATED, ()),
    (PROCEEDING, "request"): (PROCEEDING, (SEND,)),
    (PROCEEDING, "send 1xx"): (PROCEEDING, (SEND,)),
    (PROCEEDING, "send 2xx"): (COMPLETED, (SEND, start_j)),
    (PROCEEDING, "send final"): (COMPLETED, (SEND, start_j)),
    (PROCEEDING, "J"): (TERMINATED, ()),
    (COMPLETED, "request"): (COMPLETED, (SEND,)),
    (COMPLETED, "J"): (TERMINATED, ()),
}
