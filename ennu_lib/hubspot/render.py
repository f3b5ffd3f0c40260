"""A plan as text, in the manner of a Terraform plan: nothing is sent that is not printed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ennu_lib.hubspot.plan import Plan, Step

SIGNS = {"create": "+", "change": "~"}


def render_plan(plan: Plan) -> str:
    """The plan line by line, its conflicts with their cures, and a summary."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield from _step(step)
    for name, count in sorted(Counter(_object(target) for target in plan.keep).items()):
        yield f"  = {name}: {count} definitions stay as they are"
    for conflict in plan.conflicts:
        yield f"  ! {conflict.target} {conflict.problem}"
        yield f"      cure: {conflict.cure}"
    yield ""
    yield (
        f"Plan: {len(plan.create)} to create, {len(plan.change)} to change, {len(plan.keep)} to keep, "
        f"{len(plan.conflicts)} conflicts."
    )
    if plan.conflicts:
        yield "Nothing is applied while there are conflicts."
    elif plan.steps:
        if permissions := plan.permissions():
            yield f"Steps marked [!] cannot be undone and must be allowed by name: {', '.join(permissions)}"
        yield f"Plan digest: {plan.digest}"
    else:
        yield "The portal is as it should be."


def _step(step: Step) -> Iterator[str]:
    mark = "  [!]" if step.needs else ""
    shown = f"  {step.shown}" if step.shown else ""
    yield f"  {SIGNS[step.action]} {step.kind:<11} {step.target}{shown}{mark}"
    for item in step.differences:
        yield f"      {item.field}: {_brief(item.before)} -> {_brief(item.after)}"


def _brief(value: object) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _object(target: str) -> str:
    return target.split(".")[0].split(" > ")[0]
