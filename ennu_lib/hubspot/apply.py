"""Carry out a plan: exactly its steps, in its order, nothing irreversible that was not named."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ennu_lib.errors import GateFailed
from ennu_lib.hubspot.client import PortalClient
from ennu_lib.hubspot.live import Snapshot, read_portal, snapshot_of
from ennu_lib.hubspot.plan import Plan, Step
from ennu_lib.hubspot.planning import make_plan
from ennu_lib.hubspot.portal_schema import PortalSchema

Progress = Callable[[int, int, str], None]


def apply_plan(
    plan: Plan,
    client: PortalClient,
    schema: PortalSchema,
    allow_irreversible: Collection[str] = (),
    progress: Progress | None = None,
) -> Snapshot:
    """Send the plan's requests and return the schema as it then is.

    Every step may already be done, by a run that was killed after the portal's answer was lost: "exists already"
    counts as done when the definition is the wanted one. `progress` is told (steps done, steps, target).
    Raises GateFailed, before anything is sent, when the plan has conflicts, when it holds irreversible steps that
    `allow_irreversible` does not name, or when the portal has changed since the plan was made; afterwards, when the
    portal does not show every step (it may take minutes to); TargetRefused and TargetUnreachable.
    """
    _check(plan, set(allow_irreversible))
    if make_plan(schema, read_portal(client, schema)).digest != plan.digest:
        raise GateFailed("the portal has changed since this plan was made; make the plan again and read it")
    steps = plan.steps
    for done, step in enumerate(steps, start=1):
        _send(step, client)
        if progress:
            progress(done, len(steps), step.target)
    live = read_portal(client, schema)
    left = make_plan(schema, live).steps
    if left:
        raise GateFailed(
            f"the portal does not show {len(left)} of {len(steps)} steps, the first is {left[0].target}; "
            "plan again in a few minutes"
        )
    return snapshot_of(live)


def _check(plan: Plan, allowed: set[str]) -> None:
    if plan.conflicts:
        told = "; ".join(f"{item.target} {item.problem} (cure: {item.cure})" for item in plan.conflicts)
        raise GateFailed(f"the plan has {len(plan.conflicts)} conflicts: {told}")
    refused = [step for step in plan.steps if step.missing(allowed)]
    if refused:
        names = sorted({name for step in refused for name in step.missing(allowed)})
        raise GateFailed(
            f"{len(refused)} steps cannot be undone, the first is {refused[0].target}; allow them by name: "
            f"{', '.join(names)}"
        )


def _send(step: Step, client: PortalClient) -> None:
    match step.kind, step.action:
        case "schema", "create":
            client.create_schema(step.body)
        case "schema", "change":
            client.update_schema(step.object, step.body)
        case "group", "create":
            client.create_group(step.object, step.body)
        case "group", "change":
            client.update_group(step.object, step.name, step.body)
        case "property", "create":
            client.create_property(step.object, step.body)
        case "property", "change":
            client.update_property(step.object, step.name, step.body)
        case "association", "create":
            client.define_association(step.object, step.to_object, step.name)
        case "label", "create":
            client.create_label(step.object, step.to_object, step.body)
        case "label", "change":
            client.update_label(step.object, step.to_object, step.body)
