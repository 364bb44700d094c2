"""A scripted room system: it registers, answers challenges, and is called."""

from __future__ import annotations

from dataclasses import dataclass, field

from b2bua.sip import digest
from b2bua.sip.digest import Secret, parse_challenge
from tests.peers.agent import Agent, Dialog, Fields
from tests.peers.message import Message
from tests.peers.wires import Place


@dataclass(slots=True)
class Room:
    """One user at one agent; `edge` is where it registers."""

    agent: Agent
    edge: Place
    user: str
    password: str
    call: Dialog = field(init=False)
    _answers: int = 0

    def __post_init__(self) -> None:
        host = f"[{self.edge[0]}]" if ":" in self.edge[0] else self.edge[0]
        aor = f"<sip:{self.user}@{host}>"
        local = f"{aor};tag=1"
        self.call = Dialog(
            f"reg-{self.user}@{self.agent.address}", local, aor, f"sip:{host}", self.edge, 0, Message("", [])
        )

    def ask(self, method: str = "REGISTER", more: Fields = ()) -> Message:
        """Send a request without credentials and give its challenge."""
        self.agent.request(self.call, method, more=self._more(method, more))
        return self.agent.expect(401)

    def log_in(self, challenge: Message, method: str = "REGISTER", more: Fields = ()) -> None:
        """Send the request again, with an answer to a challenge."""
        secret = Secret(self.password)
        fields = [value for value in challenge.all("WWW-Authenticate") if value.startswith("Digest")]
        offered = [parse_challenge(value) for value in fields]
        chosen = digest.choose(offered, secret, self.user)
        assert chosen
        self._answers += 1
        proof = digest.answer(chosen, secret, self.user, method, self.call.target, b"", f"c{self._answers}", 1)
        self.agent.request(self.call, method, more=[*self._more(method, more), ("Authorization", str(proof))])

    def register(self, seconds: int = 600) -> Message:
        """Register and give the 200."""
        more = [("Expires", str(seconds))]
        self.log_in(self.ask(more=more), more=more)
        return self.agent.expect(200)

    def _more(self, method: str, more: Fields) -> Fields:
        return [("Contact", f"<{self.agent._uri()}>"), *more] if method == "REGISTER" else more
