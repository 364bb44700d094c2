"""The management API and page beside versions: how the appliance is, rules and what they have met, agreements, calls.

As in `vdx.versions`, each message names who asks, and `gatewayd` looks up what that one may. An answer is the named
message, `vdx.versions.Declined` or, from what is steered, `vdx.pinhole.Refused`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from vdx.drain import MAX_DEADLINE
from vdx.pinhole import Call, Part, Sequence
from vdx.versions import Asking, Why
from vdx.wire import Message


class Look(Asking, frozen=True, tag="look"):
    """Ask how things are -> `StatusReport`, `CallList`, `Listed`, `BanList`, `MetricText`."""

    id: Sequence
    what: Literal["status", "calls", "pinholes", "bans", "metrics"]


class EndCall(Asking, frozen=True, tag="end-call"):
    """End one call -> `Ok`."""

    id: Sequence
    call: Call
    why: Why = ""


class TakeOut(Asking, frozen=True, tag="take-out"):
    """Take no new calls, and end those that are up after `seconds` (None: they end when they like) -> `Ok`."""

    id: Sequence
    seconds: Annotated[float, Meta(ge=0, le=MAX_DEADLINE)] | None = None
    why: Why = ""


class TakeIn(Asking, frozen=True, tag="take-in"):
    """Take calls again -> `Ok`."""

    id: Sequence
    why: Why = ""


class ListRules(Asking, frozen=True, tag="list-rules"):
    """Ask for the rules between zones, in the order in which they decide -> `RuleList`."""

    id: Sequence


class ListAgreements(Asking, frozen=True, tag="list-agreements"):
    """Ask for agreements; an owner is told of those in which its organisation takes part -> `AgreementList`."""

    id: Sequence


class SeeMachine(Asking, frozen=True, tag="see-machine"):
    """Ask whether one may look at the machine itself; `gatewayd-web` then has it done at a desk -> `Ok`."""

    id: Sequence
    what: Literal["versions", "doctor"]


class TendMachine(Asking, frozen=True, tag="tend-machine"):
    """Ask whether one may do this to the machine itself; `gatewayd-web` then has it done at a desk -> `Ok`."""

    id: Sequence
    deed: Literal["update", "rollback", "restart", "support-bundle"]
    why: Why = ""


class RuleInfo(Part, frozen=True):
    """One rule; no sources, targets or services mean any. `packets` and `octets` that it has decided, None: unknown.

    A rule keeps its numbers through other versions for as long as it says the same; a restart of the machine ends them.
    """

    origin: str
    source: str
    target: str
    action: Literal["allow", "deny"]
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    rate: int = 0
    connections: int = 0
    packets: int | None = None
    octets: int | None = None


class RuleList(Message, frozen=True, tag="rule-list"):
    """The rules of the version that runs."""

    id: Sequence
    rules: tuple[RuleInfo, ...]


AgreementState = Literal["asked", "rejected", "planned", "running", "ended"]


class AgreementInfo(Part, frozen=True):
    """One agreement; `starts` until before `ends` in seconds since 1970.

    asked: the provider has not answered; planned: it starts later. `soon`: it ends within the time of notice.
    `rejected` is why, where the provider does not want it.
    """

    name: str
    consumer: str
    provider: str
    client: str
    service: str
    state: AgreementState
    starts: float
    ends: float
    soon: bool = False
    rejected: str = ""


class ServiceInfo(Part, frozen=True):
    """A service that may be asked for; `hosts` are the names of its endpoints."""

    name: str
    organisation: str
    description: str = ""
    approval: bool = True
    hosts: tuple[str, ...] = ()


class AgreementList(Message, frozen=True, tag="agreement-list"):
    """The agreements of the version that runs, the services that may be asked for, and the asking one's clients.

    `notice_days` before its end an agreement is `soon` over.
    """

    id: Sequence
    agreements: tuple[AgreementInfo, ...]
    services: tuple[ServiceInfo, ...]
    clients: tuple[str, ...]
    notice_days: int


AboutManagement = Look | EndCall | TakeOut | TakeIn | SeeMachine | TendMachine | ListRules | ListAgreements
ToldOfManagement = RuleList | AgreementList
