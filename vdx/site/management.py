"""Who may change a site, when, and with whose consent. What counts is what the running base says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vdx.site.block import LocatedError, Model, Zone
from vdx.site.delegation import Delegation, OrganisationName
from vdx.site.dialplan import When
from vdx.site.values import Word

MAX_PEOPLE = 5_000
"""Names that may ask: a few for each organisation."""


class Person(Model):
    """Somebody, or a program, that asks over the management API; an owner has an organisation."""

    role: Literal["viewer", "operator", "owner", "admin"]
    organisation: OrganisationName | None = None

    @model_validator(mode="after")
    def _whose(self) -> Person:
        if (self.role == "owner") != (self.organisation is not None):
            raise ValueError("an owner has an `organisation`, and nobody else does")
        return self


class Management(Model):
    """`people` by name. `windows`: times in which changes may be applied (none: always).

    `approvers`: zones in which another person has to agree to a change, and who may. `prove`: nothing is applied before
    the kernel has shown with packets that the policy does what it says.
    """

    people: Annotated[dict[Word, Person], Field(max_length=MAX_PEOPLE)] = Field(default_factory=dict)
    windows: Annotated[tuple[When, ...], Field(max_length=64)] = ()
    approvers: dict[Zone, Annotated[tuple[Word, ...], Field(min_length=1, max_length=100)]] = Field(
        default_factory=dict
    )
    prove: bool = False


def management_faults(management: Management, delegations: Mapping[str, Delegation]) -> Iterator[LocatedError]:
    """Give people and approvers that nobody knows."""
    for name, person in management.people.items():
        if person.organisation is not None and person.organisation not in delegations:
            text = f"{person.organisation!r} is no organisation of `delegations`: add it there"
            yield LocatedError(text, "management", "people", name, "organisation")
    for zone, names in management.approvers.items():
        for index, name in enumerate(names):
            known = management.people.get(name)
            if known is None or known.role not in {"operator", "admin"}:
                text = f"{name!r} is no operator or admin of `people`, and cannot approve"
                yield LocatedError(text, "management", "approvers", zone, index)
