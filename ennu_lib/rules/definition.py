"""A rule as data: what it says, what it counts over, what is tolerated and why, and who repairs what it finds."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.evidence import Severity

# The categories of Kahn et al. 2016, "A harmonized data quality assessment terminology".
Kahn = Literal[
    "value conformance",
    "relational conformance",
    "computational conformance",
    "completeness",
    "uniqueness plausibility",
    "atemporal plausibility",
    "temporal plausibility",
]
Action = Literal["fix", "flag", "quarantine", "block"]
Role = Literal["front desk", "billing", "clinical", "data team"]
Moment = Literal["source", "mapped", "scored", "loaded"]
MOMENTS: dict[str, str] = {
    "source": "02_remediation",
    "mapped": "04_mapping",
    "scored": "05_health_scores",
    "loaded": "08_reconciliation",
}
FILES = ("patient", "clinical", "financial", "office", "general", "gates")


class Rule(Strict):
    """One data-quality rule.

    `population` says in words what it counts over. A share of it up to `tolerated` may fail; `reason` says why, with a
    date. `limits` are shares of their own for some reasons, or columns, where the rule has several gates. Rows that
    fail for one of the reasons in `quarantine` are kept from the load; those that fail for one in `automatic` are
    repaired by standardization or mapping, and nobody needs to; reasons in `listed` are reported and never count
    against a threshold. A rule of severity `block` tolerates what is in quarantine or repaired, and nothing else.
    `settings` go to the rule's check.
    """

    id: str = Field(pattern=r"^[A-Z]{3}-\d{2}$")
    title: str
    kahn: Kahn
    severity: Severity
    tables: list[str]
    population: str
    tolerated: float = Field(0.0, ge=0, le=1)
    limits: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    reason: str = Field(pattern=r"\(\d{4}-\d{2}\)")
    action: Action
    moment: Moment = "source"
    repaired_by: Role
    staff: str
    data_team: str
    quarantine: list[str] = []
    automatic: list[str] = []
    listed: list[str] = []
    settings: dict[str, Any] = {}

    @model_validator(mode="after")
    def _quarantine_needs_reasons(self) -> Rule:
        if self.action == "quarantine" and not self.quarantine:
            raise ValueError("action is 'quarantine', and no reason is listed under quarantine")
        if self.quarantine and self.action not in ("quarantine", "block"):
            raise ValueError("reasons are listed under quarantine, and action is neither 'quarantine' nor 'block'")
        return self

    @cached_property
    def settled(self) -> list[str]:
        """The reasons that do not count against the threshold."""
        handled = [*self.quarantine, *self.automatic] if self.severity is Severity.BLOCK else []
        return [*self.listed, *handled]

    @cached_property
    def phase(self) -> str:
        """The phase whose page has its result."""
        return MOMENTS[self.moment]


class RuleFile(Strict):
    """One file of rules."""

    rules: list[Rule]

    @field_validator("rules")
    @classmethod
    def _no_rule_twice(cls, rules: list[Rule]) -> list[Rule]:
        twice = sorted(id for id, times in Counter(rule.id for rule in rules).items() if times > 1)
        if twice:
            raise ValueError(f"{', '.join(twice)}: a rule stands twice")
        return rules


def load_rules(folder: Path) -> dict[str, Rule]:
    """Every rule of `folder` (params/rules) by id, in the order of the files.

    Raises ConfigurationError with every mistake of every file, and for a rule without a check or a check without one.
    """
    from ennu_lib.rules.registry import CHECKS

    found: list[Rule] = []
    mistakes: list[str] = []
    for name in FILES:
        path = folder / f"{name}.yml"
        try:
            found += load_model(path, RuleFile).rules
        except ConfigurationError as error:
            mistakes += [f"{path.name}: {mistake}" for mistake in error.mistakes]
    rules = {rule.id: rule for rule in found}
    if not mistakes:
        mistakes += [f"{id} has no check in ennu_lib/rules/checks" for id in sorted(set(rules) - set(CHECKS))]
        mistakes += [f"{id} has a check and no rule" for id in sorted(set(CHECKS) - set(rules))]
        mistakes += [f"{id} stands in two files" for id, n in Counter(r.id for r in found).items() if n > 1]
    if mistakes:
        raise ConfigurationError(str(folder), mistakes)
    return rules
