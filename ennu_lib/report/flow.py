"""Where every field goes: source field, rule, target property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ennu_lib.report.grid import Column, grid
from ennu_lib.report.html import Html, block, element, inline, join

ARROW = element("span", "→", class_="ennu-arrow", aria_hidden="true")


def flow(
    steps: Sequence[Mapping[str, str]],
    *,
    caption: str,
    source: str = "Source field",
    target: str = "Target property",
    note: str = "",
) -> Html:
    """One row per step: `source`, `rule`, `target`, and where known `type`, `sensitivity`, `purpose`.

    `source` and `target` head their columns, for example `patients (Open Medical)` and `Contact (HubSpot)`. A step
    without a target is shown as excluded, with its rule as the reason. Raises ValueError for a step without source or
    rule.
    """
    incomplete = [i for i, step in enumerate(steps, start=1) if not (step.get("source") and step.get("rule"))]
    if incomplete:
        raise ValueError(f"flow {caption!r}: step {incomplete[0]} lacks its source or its rule")
    with_purpose = any(step.get("purpose") for step in steps)
    columns = [Column(source), Column("Rule"), Column(target), *([Column("Purpose")] if with_purpose else [])]
    cells = [
        [
            element("code", step["source"]),
            inline(step["rule"]),
            _target(step),
            *([step.get("purpose", "")] if with_purpose else []),
        ]
        for step in steps
    ]
    excluded = sum(1 for step in steps if not step.get("target"))
    count = f"{len(steps) - excluded:,} of {len(steps):,} fields are carried over, {excluded:,} excluded."
    return block("flow", grid(caption, columns, cells, notes=[count, note]))


def _target(step: Mapping[str, str]) -> Html:
    if not step.get("target"):
        return element("span", "excluded", class_="ennu-none")
    details = " · ".join(filter(None, [step.get("type", ""), step.get("sensitivity", "")]))
    small = element("span", details, class_="ennu-small") if details else None
    return join([ARROW, element("code", step["target"]), small])
