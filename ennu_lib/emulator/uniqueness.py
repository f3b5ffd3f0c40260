"""Values that no two records may share, and addresses that may not return."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ennu_lib.emulator.calls import Portal
from ennu_lib.emulator.inputs import Input, already_exists, problem
from ennu_lib.emulator.model import ObjectType, Property

BLOCKED = "email has been GDPR blacklisted"


def refuse_taken_values(portal: Portal, kind: ObjectType, inputs: Sequence[Input]) -> None:
    """Note a problem on every input whose unique value another record, or an earlier input, holds."""
    for definition in kind.identifying:
        wanted = [item for item in inputs if item.good and item.values.get(definition.name)]
        if not wanted:
            continue
        values = {item.values[definition.name] for item in wanted}
        holders = portal.records(kind).holders(definition, values)
        claimed: set[str] = set()
        for item in wanted:
            value = item.values[definition.name]
            holder, own = holders.get(value), item.record.id if item.record else None
            if (holder is not None and holder != own) or value in claimed:
                _refuse(portal, kind, definition, item, None if value in claimed else holder)
            claimed.add(value)


def _refuse(portal: Portal, kind: ObjectType, definition: Property, item: Input, holder: int | None) -> None:
    if not definition.has_unique_value:
        item.error = already_exists(kind, holder)
        return
    portal_id, own = portal.settings.portal_id, item.record.id if item.record else -1
    message = (
        f"Cannot set PropertyValueCoordinates{{portalId={portal_id}, objectTypeId={kind.type_id}, "
        f"propertyName={definition.name}, value={item.values[definition.name]}}} on {own}. "
        f"{holder or 'Another input'} already has that value."
    )
    item.problems.append(problem(portal_id, "CONFLICTING_UNIQUE_VALUE", message, definition.name))


def refuse_blocked_emails(portal: Portal, kind: ObjectType, inputs: Sequence[Input]) -> None:
    """Note a problem on contacts whose address was deleted for good."""
    wanted = [item for item in inputs if item.values.get("email")] if kind.type_id == "0-1" else []
    if not wanted:
        return
    found = portal.store.execute(
        "SELECT email FROM blocked_emails WHERE email IN (SELECT value FROM json_each(?))",
        (orjson.dumps([item.values["email"] for item in wanted]).decode(),),
    )
    blocked = {email for (email,) in found}
    for item in wanted:
        if item.values["email"] in blocked:
            item.problems.append(problem(portal.settings.portal_id, "INVALID_EMAIL", BLOCKED, "email"))
