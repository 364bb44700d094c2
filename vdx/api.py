"""The management API as a table: which message to `gatewayd` stands behind which path of HTTPS.

`gatewayd-web` serves it, `gatewayctl --host` asks it. What stands in the path are fields of the message; the others
are in the query of GET and DELETE, and in the JSON object that every other request carries. An answer is the message
as JSON, without the `id` that pairs questions and answers on a socket, and with every field, also those that have their
default. What was declined is a `Problem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from vdx import versions
from vdx.control import BanList, CallList, Ok, StatusReport
from vdx.management import AgreementList, EndCall, ListAgreements, ListRules, Look, RuleList, TakeIn, TakeOut
from vdx.pinhole import Listed, Part, RefusalCode

ROOT: Final = "/api/v1"

Method = Literal["GET", "POST", "PUT", "DELETE"]

HIDDEN: Final = frozenset(("id", "principal"))
"""Fields of messages that are no part of a request: who asks is known from how it is authenticated."""

REFUSED_STATUS: Final[Mapping[RefusalCode, int]] = {
    "policy": 403,
    "limit": 429,
    "ports": 503,
    "unknown": 404,
    "kernel": 502,
    "invalid": 422,
}
"""The HTTP status of each code of `vdx.pinhole.Refused`."""


class Problem(Part, frozen=True):
    """Why nothing was done: a code for programs, sentences for people.

    With `conflict`, `running` is the ref that should have been expected.
    """

    code: str
    reasons: tuple[str, ...]
    running: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One operation. `fixed` are fields of the message that this path stands for."""

    method: Method
    path: str
    message: type[msgspec.Struct]
    answer: type[msgspec.Struct]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    media: str = "application/json"

    @property
    def in_path(self) -> tuple[str, ...]:
        """The fields that stand in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def said(self) -> tuple[msgspec.structs.FieldInfo, ...]:
        """The fields that are said in query or body."""
        known = {*HIDDEN, *self.in_path, *self.fixed}
        return tuple(each for each in msgspec.structs.fields(self.message) if each.name not in known)

    def serves(self, message: msgspec.Struct) -> bool:
        """Tell whether a message can be asked by this path."""
        return (
            type(message) is self.message
            and all(getattr(message, name) == value for name, value in self.fixed.items())
            and all(getattr(message, name) is not None for name in self.in_path)
        )


ROUTES: Final = (
    Route("GET", "/whoami", versions.Whoami, versions.Who),
    Route("GET", "/situation", versions.Situation, versions.SituationReport),
    Route("POST", "/candidates", versions.Push, versions.Candidate),
    Route("GET", "/candidates", versions.Candidates, versions.CandidateList),
    Route("DELETE", "/candidates/{candidate}", versions.Withdraw, versions.Acknowledged),
    Route("POST", "/candidates/{candidate}/check", versions.CheckVersion, versions.Checked),
    Route("GET", "/candidates/{candidate}/differences", versions.DiffVersion, versions.Differences, {"number": None}),
    Route("POST", "/candidates/{candidate}/approve", versions.Approve, versions.Candidate),
    Route("POST", "/candidates/{candidate}/apply", versions.ApplyVersion, versions.Applied),
    Route("POST", "/confirm", versions.Confirm, versions.Applied),
    Route("POST", "/take-back", versions.TakeBack, versions.Applied),
    Route("GET", "/versions", versions.History, versions.VersionList),
    Route("GET", "/versions/{number}/differences", versions.DiffVersion, versions.Differences, {"candidate": None}),
    Route("POST", "/versions/{number}/rollback", versions.Rollback, versions.Applied),
    Route("GET", "/fragments/{fragment}", versions.ShowFragment, versions.FragmentContent),
    Route("PUT", "/freeze", versions.Freeze, versions.Acknowledged),
    Route("DELETE", "/freeze", versions.Unfreeze, versions.Acknowledged),
    Route("PUT", "/cuts/{kind}/{name}", versions.Cut, versions.Acknowledged),
    Route("DELETE", "/cuts/{kind}/{name}", versions.Uncut, versions.Acknowledged),
    Route("GET", "/journal", versions.Journal, versions.JournalLines),
    Route("GET", "/status", Look, StatusReport, {"what": "status"}),
    Route("GET", "/calls", Look, CallList, {"what": "calls"}),
    Route("DELETE", "/calls/{call}", EndCall, Ok),
    Route("PUT", "/drain", TakeOut, Ok),
    Route("DELETE", "/drain", TakeIn, Ok),
    Route("GET", "/pinholes", Look, Listed, {"what": "pinholes"}),
    Route("GET", "/bans", Look, BanList, {"what": "bans"}),
    Route("GET", "/rules", ListRules, RuleList),
    Route("GET", "/agreements", ListAgreements, AgreementList),
)


def told(answer: Any) -> Any:  # noqa: ANN401 - whatever a message holds
    """Give a message, or part of one, as the API answers it."""
    if isinstance(answer, msgspec.Struct):
        config = answer.__struct_config__
        found = {name: told(getattr(answer, name)) for name in answer.__struct_fields__}
        if config.tag is not None:
            found.pop("id", None)
            return {str(config.tag_field): config.tag, **found}
        return found
    if isinstance(answer, list | tuple):
        return [told(each) for each in answer]
    if isinstance(answer, dict):
        return {name: told(each) for name, each in answer.items()}
    return answer


def read(answer: Any, kind: type[msgspec.Struct]) -> msgspec.Struct:  # noqa: ANN401 - JSON
    """Give the message that an answer of the API tells; raises `msgspec.ValidationError`."""
    found: msgspec.Struct = msgspec.convert(_numbered(answer), kind)
    return found


def _numbered(told_: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(told_, list):
        return [_numbered(each) for each in told_]
    if isinstance(told_, dict):
        found = {name: _numbered(each) for name, each in told_.items()}
        return {**found, "id": 1} if told_.get("op") not in {None, "proof"} else found
    return told_
