"""A meeting in a room of the mixing server: user agents that dial it through the edge, who is there, what they see."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.agent import Agent
from lab.call import ANSWER_S, edge_address, parties
from lab.errors import CallError
from lab.lab import Lab
from lab.programs import CHECKOUT

ASK_S = 30.0
SEEN_S = 40.0  # joining, a key picture and its first answers take seconds on a busy machine
TURN_S = 0.3


@dataclass(frozen=True, slots=True)
class MeetingReport:
    """A meeting as it was: who was in, mixerctl's roster as text, the composed picture."""

    dialled: str
    people: tuple[str, ...]
    expected: int
    roster: str
    picture: str

    @property
    def complete(self) -> bool:
        """Tell whether everybody was in, with media both ways."""
        return len(self.people) == self.expected


class Meeting:
    """A room that hosts of the lab have dialled into; leave the context to end it."""

    def __init__(self, lab: Lab, alias: str, callers: Sequence[str]) -> None:
        ends = parties(lab, *callers)
        self._lab = lab
        self.alias = alias
        self.expected = len(ends)
        with ExitStack() as stack:
            self._agents = [
                stack.enter_context(Agent(lab, lab.host(end.host), end.name, end.family, calls=True)) for end in ends
            ]
            for agent, end in zip(self._agents, ends, strict=True):
                uri = f"sip:{alias}@{edge_address(lab, end)}"
                agent.dial(uri)
                event = agent.wait("CALL_ESTABLISHED", "CALL_CLOSED", seconds=ANSWER_S)
                if event.type == "CALL_CLOSED":
                    raise CallError(f"The call from {end.name} to {uri} was not established: {event.param}")
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def talk(self, seconds: float) -> bool:
        """Let the meeting go on for that long; return early, and False, if somebody's call ended."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not all(agent.talk(min(left, TURN_S)) for agent in self._agents):
                return False
        return True

    def hold(self, seconds: float, picture: Path) -> MeetingReport:
        """Talk for that long, and on until everybody is seen; save the picture, report. CallError if a call ended."""
        ends = time.monotonic() + max(seconds, SEEN_S)
        if not self.talk(seconds):
            raise CallError(f"A call to room {self.alias} ended by itself.")
        while len(self._present()) < self.expected and time.monotonic() < ends:
            if not self.talk(TURN_S):
                raise CallError(f"A call to room {self.alias} ended by itself.")
        picture.parent.mkdir(parents=True, exist_ok=True)
        self._ctl("snapshot", self.alias, str(picture))
        return MeetingReport(
            self.alias, self._present(), self.expected, self._ctl("roster", self.alias).rstrip(), str(picture)
        )

    def _present(self) -> tuple[str, ...]:
        """Return who is inside, with sound and picture that come and go."""
        roster: dict[str, Any] = json.loads(self._ctl("--json", "roster", self.alias))
        return tuple(
            one["name"] or one["address"]
            for one in roster["attendees"]
            if one["phase"] == "inside" and one.get("streams") and all(_flows(stream) for stream in one["streams"])
        )

    def _ctl(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "mixer.ctl", "--run-dir", str(self._lab.state.mixer / "run"), *arguments]
        try:
            done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=ASK_S, check=True)
        except subprocess.CalledProcessError as failed:
            raise CallError(f"mixerctl {arguments[0]} failed: {failed.stderr.strip()}") from failed
        except subprocess.TimeoutExpired as late:
            raise CallError(f"mixerctl {arguments[0]} gave no answer: {late}") from late
        return done.stdout


def _flows(stream: dict[str, Any]) -> bool:
    return bool(stream["received_kbps"] and stream["sent_kbps"])
