"""A plan: the requests that would bring a portal to the wanted schema, and what stands in their way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

import orjson

from ennu_lib.hubspot.compare import Difference

Kind = Literal["schema", "group", "property", "association", "label"]
ORDER: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Step:
    """One request of a plan. `needs` are the permissions it takes: of each inner tuple, one name must be allowed."""

    kind: Kind
    action: Literal["create", "change"]
    object: str
    name: str
    body: dict[str, Any]
    shown: str = ""
    differences: tuple[Difference, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    to_object: str = ""

    @property
    def target(self) -> str:
        """How a plan and an error name the step."""
        place = f"{self.object} > {self.to_object}" if self.to_object else self.object
        return place if self.kind in ("schema", "association") else f"{place}.{self.name}"

    def missing(self, allowed: set[str]) -> list[str]:
        """The permissions that are still to be given, in their widest form."""
        return [names[0] for names in self.needs if allowed.isdisjoint(names)]


@dataclass(frozen=True)
class Conflict:
    """Something that no request can put right, with what a person can do about it."""

    target: str
    problem: str
    cure: str


@dataclass(frozen=True)
class Plan:
    """What `apply` would do, in its order, and what it would leave alone."""

    create: tuple[Step, ...] = ()
    change: tuple[Step, ...] = ()
    keep: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every request, in the order in which `apply` sends them."""
        return tuple(sorted((*self.create, *self.change), key=_order))

    @property
    def empty(self) -> bool:
        """Whether the portal is as it should be."""
        return not (self.create or self.change or self.conflicts)

    @property
    def digest(self) -> str:
        """A hash of every request, by which an approval can name the plan."""
        requests = [(step.kind, step.action, step.target, step.body) for step in self.steps]
        return hashlib.sha256(orjson.dumps(requests, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def permissions(self) -> list[str]:
        """What must be allowed by name before the plan can be applied."""
        return sorted({name for step in self.steps for name in step.missing(set())})


def _order(step: Step) -> tuple[int, bool, bool]:
    """Schemas before their groups, groups before properties, then associations.

    Sensitive properties before all others, because only they show whether the account takes them; unique ones last,
    because they use up what cannot be given back.
    """
    return ORDER.index(step.kind), bool(step.body.get("hasUniqueValue")), not step.body.get("dataSensitivity")
