"""What `ennu portal plan` and `ennu portal apply` do, with plain arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ennu_lib.hubspot.apply import Progress, apply_plan
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.live import Snapshot, read_portal
from ennu_lib.hubspot.plan import Plan
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import PortalSchema, load_portal_schema
from ennu_lib.hubspot.preflight import Environment, Problem, preflight, require_preflight
from ennu_lib.hubspot.render import render_plan


@dataclass(frozen=True)
class PortalReview:
    """A plan, everything that stands in its way, and the text that shows both."""

    schema: PortalSchema
    plan: Plan
    problems: list[Problem]

    @property
    def text(self) -> str:
        """What the operator reads."""
        shown = render_plan(self.plan)
        if self._sensitivity_is_untold():
            shown += (
                "Whether the account takes sensitive data cannot be read, only tried. The first property of the plan\n"
                "is a sensitive one: when it is refused, no other property has been made.\n"
            )
        if self.problems:
            shown += "\nPreflight:\n" + "".join(f"  {number}. {item}\n" for number, item in enumerate(self.problems, 1))
        return shown

    def _sensitivity_is_untold(self) -> bool:
        """Whether the plan makes sensitive properties in a portal that shows none of ours yet."""
        sensitive = {
            f"{name}.{each.name}"
            for name, held in self.schema.properties.items()
            for each in held
            if each.sensitivity != "none"
        }
        return any("dataSensitivity" in step.body for step in self.plan.steps) and sensitive.isdisjoint(self.plan.keep)


def portal_plan(
    client: PortalClient,
    base_url: str,
    environment: Environment,
    records: Mapping[str, int] | None = None,
) -> PortalReview:
    """Compare params/portal with the portal. Changes nothing. `records` are the records to be loaded, by object.

    Raises ConfigurationError, TargetRefused, TargetUnreachable.
    """
    schema = load_portal_schema()
    client.adopt_time_zone()
    plan = make_plan(schema, read_portal(client, schema))
    return PortalReview(schema, plan, preflight(client, schema, environment, base_url, plan, records))


def portal_apply(
    client: PortalClient, review: PortalReview, allow_irreversible: Collection[str], progress: Progress | None = None
) -> Snapshot:
    """Carry out a reviewed plan and return the schema with its hash, for the evidence.

    Raises TargetRefused, naming every problem, when the preflight found any; GateFailed as `apply_plan` does.
    """
    require_preflight(review.problems)
    return apply_plan(review.plan, client, review.schema, allow_irreversible, progress)
