"""Who asks, and what they may. Pure.

`gatewayd-web` says who it has authenticated, and is believed that far; what that one may do is looked up here, in what
the running base says. So whoever takes over `gatewayd-web` can act as the people in that table, and as nobody else;
it can neither call hung-up verbs of the local socket nor become root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from gatewayd.config.errors import DeclineError
from vdx.management import (
    AboutManagement,
    EndCall,
    ListAgreements,
    ListRules,
    Look,
    SeeMachine,
    TakeIn,
    TakeOut,
    TendMachine,
)
from vdx.site.management import Management
from vdx.versions import (
    AboutVersions,
    ApplyVersion,
    Approve,
    Candidates,
    CheckVersion,
    Confirm,
    Cut,
    DiffVersion,
    Freeze,
    History,
    Journal,
    Principal,
    Push,
    Role,
    Rollback,
    ShowFragment,
    Situation,
    TakeBack,
    Uncut,
    Unfreeze,
    Whoami,
    Withdraw,
)

Verbs = frozenset[type]

_OWN: Verbs = frozenset({Candidates, CheckVersion, DiffVersion, History, Situation, Whoami, ListAgreements})
_READ: Verbs = _OWN | {Journal, Look, ListRules, SeeMachine}
_WATCH: Verbs = frozenset({Confirm, TakeBack, Approve, Cut, Uncut, Freeze, EndCall, TakeOut, TakeIn})
_CHANGE: Verbs = frozenset({Push, Withdraw, ApplyVersion, Rollback, ShowFragment, Confirm, TakeBack})

VERBS: dict[Role, Verbs] = {
    "viewer": _READ,
    "operator": _READ | _WATCH,
    "owner": _OWN | _CHANGE,
    "admin": _READ | _WATCH | _CHANGE | {Unfreeze, TendMachine},
}
"""What each role may ask. An owner, only about its own fragment."""

EVERY = (*get_args(AboutVersions), *get_args(AboutManagement))
assert VERBS["admin"] == set(EVERY)  # noqa: S101 - a request that nobody may ask is a mistake

ROOT = "root"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the name that stands in the journal, the role, whose fragment, what it may ask."""

    name: str
    role: Role
    organisation: str = ""
    verbs: Verbs = frozenset()

    def require(self, request: AboutVersions | AboutManagement) -> None:
        """Raise `DeclineError` where this one may not ask this."""
        if type(request) not in self.verbs:
            tag = request.__struct_config__.tag
            raise DeclineError("forbidden", f"{self.name!r} is {self.role} and may not ask for {tag!r}")

    def require_fragment(self, fragment: str) -> None:
        """Raise `DeclineError` where a fragment is not this one's."""
        if self.role == "owner" and fragment != self.organisation:
            text = f"{self.name!r} owns the fragment of {self.organisation!r} and no other"
            raise DeclineError("forbidden", text)

    def require_glass(self, request: ApplyVersion | Rollback) -> None:
        """Raise `DeclineError` where it would break the glass and may not, or does not say why."""
        if request.break_glass and (self.role != "admin" or not request.why):
            raise DeclineError("forbidden", "breaking the glass is for admins, and they say why")

    def sees(self, fragments: object) -> bool:
        """Tell whether this one may know of a change of these fragments."""
        return self.role != "owner" or (isinstance(fragments, dict | set | tuple) and self.organisation in fragments)


def local(principal: Principal | None) -> Asker:
    """Give who asks as root on this machine; a name that is given is noted beside."""
    if principal is None or principal.name == ROOT:
        return Asker(ROOT, "admin", verbs=VERBS["admin"])
    return Asker(f"{principal.name} as {ROOT}", "admin", verbs=VERBS["admin"] & VERBS[principal.role])


def remote(principal: Principal | None, management: Management, cut: frozenset[str]) -> Asker:
    """Give who asks through `gatewayd-web`; raises `DeclineError` for whoever is not in the table, or is cut off."""
    if principal is None:
        raise DeclineError("forbidden", "the message names nobody who asks: gatewayd-web is nobody by itself")
    person = management.people.get(principal.name)
    if person is None or principal.name in cut:
        raise DeclineError("forbidden", f"{principal.name!r} may not ask here: see `management.people` of the base")
    verbs = VERBS[person.role] & VERBS[principal.role]
    return Asker(principal.name, person.role, person.organisation or "", verbs)


def tags(verbs: Verbs) -> tuple[str, ...]:
    """Give the requests by their names on the wire."""
    asked = [each for each in EVERY if each in verbs]
    return tuple(str(each.__struct_config__.tag) for each in asked)
