"""A real call across the edge: two user agents, and what the kernel counted of their streams."""

import re
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from lab.agent import Agent
from lab.edge import EdgeCall, StreamCount, edge_calls
from lab.errors import CallError, UnknownHostError
from lab.lab import Lab
from lab.site import callable_hosts

ANSWER_S = 40.0  # both sides answer at once; a call into the void ends after 32 s (RFC 3261 timer B)
TURN_S = 0.5  # how long one agent is listened to before the other
HANGUP_S = 3.0
PICTURES = re.compile(r"vidisp: .*frames=(\d+)")


@dataclass(frozen=True, slots=True)
class CallReport:
    """What happened: times in seconds; `pictures` are video frames that came out of each side's decoder."""

    caller: str
    callee: str
    dialled: str
    setup: float
    seconds: float
    streams: tuple[StreamCount, ...]
    pictures_at_caller: int
    pictures_at_callee: int

    @property
    def carried(self) -> bool:
        """Tell whether there was a stream and every stream carried something both ways."""
        return bool(self.streams) and all(stream.carried for stream in self.streams)


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a call: its name in the dial plan, its host, and the IP family of its user agent."""

    name: str
    host: str
    family: Literal[4, 6]


class Call:
    """A call that is up, from `caller` to `callee` (as in `parties`); leave the context to end it."""

    def __init__(self, lab: Lab, caller: str, callee: str, *, record: bool = False) -> None:
        ends = parties(lab, caller, callee)
        self._lab = lab
        self._before = {call.call for call in edge_calls(lab.state.run)}
        self.uri = f"sip:{callee}@{edge_address(lab, ends[0])}"
        with ExitStack() as agents:
            self.caller, self.callee = (
                agents.enter_context(
                    Agent(lab, lab.host(end.host), end.name, end.family, calls=end is ends[0], record=record)
                )
                for end in ends
            )
            dialled = time.monotonic()
            self.caller.dial(self.uri)
            event = self.caller.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S)
            if event.type == "CALL_CLOSED":
                raise CallError(f"The call from {caller} to {self.uri} was not established: {event.param}")
            self.setup = event.at - dialled
            self._began = event.at
            self._agents = agents.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hangup()

    def talk(self, seconds: float) -> bool:
        """Let the call go on for that long; return early, and False, if either side ended it."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not all(agent.talk(min(left / 2, TURN_S)) for agent in (self.caller, self.callee)):
                return False
        return True

    def hold(self, seconds: float) -> CallReport:
        """Talk for that long and report; CallError if the call ended before."""
        if not self.talk(seconds):
            lasted = time.monotonic() - self._began
            raise CallError(f"The call to {self.uri} ended by itself after {lasted:.0f} s.")
        return self.report()

    def report(self) -> CallReport:
        """Return what happened so far; CallError if the edge does not know the call any more."""
        edge = self._edge_call()
        return CallReport(
            caller=self.caller.plan.user,
            callee=self.callee.plan.user,
            dialled=self.uri,
            setup=self.setup,
            seconds=time.monotonic() - self._began,
            streams=edge.streams,
            pictures_at_caller=_pictures(self.caller),
            pictures_at_callee=_pictures(self.callee),
        )

    def hangup(self) -> None:
        """End the call from the caller's side, and both agents; harmless if it ended already."""
        with self._agents:
            if not self.caller.ended():
                self.caller.hangup()
                with suppress(CallError):
                    self.callee.wait("CALL_CLOSED", seconds=HANGUP_S)

    def _edge_call(self) -> EdgeCall:
        for call in edge_calls(self._lab.state.run):
            if call.call not in self._before and call.caller == self.caller.plan.user:
                return call
        raise CallError("The user agents are in a call that the edge does not know (gatewayctl calls).")


def parties(lab: Lab, *names: str) -> list[Party]:
    """Return who is meant by names of the dial plan: a host, or a host with 6 behind it for its IPv6 user agent.

    Raises UnknownHostError for one that is not there or has no user agent, or for the same host twice.
    """
    known = {host.name for host in callable_hosts(lab.topology)}
    found: list[Party] = []
    for name in names:
        host = name.removesuffix("6")
        if host not in known:
            lab.host(host)
            raise UnknownHostError(f"Nobody can call on {host}; user agents run on {', '.join(sorted(known))}.")
        if any(party.host == host for party in found):
            raise UnknownHostError(f"{host} cannot call itself; choose two hosts.")
        found.append(Party(name, host, 4 if host == name else 6))
    return found


def edge_address(lab: Lab, party: Party) -> str:
    """Return the edge's SIP address that a party dials, in its zone and family, as URIs write it."""
    zone = lab.topology.host(party.host).zone
    if zone is None:
        raise UnknownHostError(f"{party.host} is the edge itself.")
    found = next(str(address.ip) for address in lab.topology.zone(zone).addresses if address.version == party.family)
    return f"[{found}]" if party.family == 6 else found


def _pictures(agent: Agent) -> int:
    with suppress(CallError):
        if found := PICTURES.search(agent.command("video_debug")):
            return int(found[1])
    return 0
