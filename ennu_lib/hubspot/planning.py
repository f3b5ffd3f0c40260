"""Compare the wanted schema with the live portal: what to create, what to change, what stays, what conflicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ennu_lib.hubspot.bodies import group_body, in_schema, label_body, property_body, schema_body, schema_wording
from ennu_lib.hubspot.compare import Difference, conflicts_of, differences
from ennu_lib.hubspot.live import LivePortal
from ennu_lib.hubspot.plan import Conflict, Plan, Step
from ennu_lib.hubspot.portal_schema import PortalSchema
from ennu_lib.hubspot.schema import UNIQUE_PROPERTIES_PER_OBJECT, Association, Group, Label, ObjectType, Property


@dataclass
class _Draft:
    create: list[Step] = field(default_factory=list)
    change: list[Step] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def frozen(self) -> Plan:
        return Plan(tuple(self.create), tuple(self.change), tuple(self.keep), tuple(self.conflicts))


def make_plan(schema: PortalSchema, live: LivePortal) -> Plan:
    """The steps from the live portal to the wanted schema. Applying it and planning again gives an empty plan."""
    draft = _Draft()
    for found in schema.objects.values():
        _plan_schema(draft, found, schema.properties[found.name], live)
        for group in found.groups:
            _plan_group(draft, found, group, live)
        for held in schema.properties[found.name]:
            _plan_property(draft, found, held, live)
        draft.conflicts += _too_many_unique(found, schema.properties[found.name], live)
    for association in schema.associations:
        _plan_association(draft, association, live)
    return draft.frozen()


def _plan_schema(draft: _Draft, found: ObjectType, properties: Sequence[Property], live: LivePortal) -> None:
    if found.kind == "standard":
        return
    if found.name not in live.schemas:
        body = schema_body(found, tuple(properties))
        needs = (("schema", f"schema:{found.name}"), ("unique", f"unique:{found.name}"))
        draft.create.append(Step("schema", "create", found.name, found.name, body, f'"{found.plural}"', needs=needs))
        return
    present = live.schemas[found.name]
    changed = differences(present, schema_wording(found))
    draft.conflicts += [Conflict(found.name, *why) for why in _fixed_in_schema(found, present)]
    if changed:
        body = {item.field: item.after for item in changed}
        draft.change.append(Step("schema", "change", found.name, found.name, body, differences=changed))
    else:
        draft.keep.append(found.name)


def _fixed_in_schema(found: ObjectType, present: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if found.allows_sensitive_properties and not present.get("allowsSensitiveProperties"):
        yield (
            "the object exists and does not allow sensitive properties",
            "rename the object in params/portal/objects.yml, or delete the empty one in the portal",
        )
    if present.get("primaryDisplayProperty") != found.primary_display_property:
        yield (
            "the object exists with another primary display property",
            f"set it to {found.primary_display_property} in the portal's settings, or rename the object",
        )


def _plan_group(draft: _Draft, found: ObjectType, group: Group, live: LivePortal) -> None:
    present = live.groups.get(found.name, {}).get(group.name)
    if present is not None:
        _plan_wording(draft, found, group, present)
    elif found.name in live.groups or not group.created_with_schema:
        draft.create.append(Step("group", "create", found.name, group.name, group_body(group)))


def _plan_wording(draft: _Draft, found: ObjectType, group: Group, present: Mapping[str, Any]) -> None:
    """HubSpot words the group that it makes with a schema itself, and that wording stays."""
    changed = () if group.created_with_schema else differences(present, group_body(group))
    if changed:
        body = {item.field: item.after for item in changed}
        draft.change.append(Step("group", "change", found.name, group.name, body, differences=changed))
    else:
        draft.keep.append(f"{found.name}.{group.name}")


def _plan_property(draft: _Draft, found: ObjectType, held: Property, live: LivePortal) -> None:
    target = f"{found.name}.{held.name}"
    present = live.properties.get(found.name, {}).get(held.name)
    if present is None:
        _plan_new_property(draft, found, held, live)
        return
    ours = {group.name for group in found.groups}
    problems = list(conflicts_of(found.name, held, present))
    draft.conflicts += [Conflict(target, *why) for why in problems]
    if held.default or problems:
        draft.keep += [target] if not problems else []
        return
    changed = differences(present, property_body(held))
    foreign = present.get("groupName") not in ours
    if changed:
        body = {item.field: item.after for item in changed}
        needs = ((f"adopt:{target}",),) if foreign else ()
        shown = "exists already and would be taken over" if foreign else ""
        draft.change.append(Step("property", "change", found.name, held.name, body, shown, changed, needs))
    else:
        draft.keep.append(target)


def _plan_new_property(draft: _Draft, found: ObjectType, held: Property, live: LivePortal) -> None:
    target = f"{found.name}.{held.name}"
    if held.default:
        cure = "give it a group in the properties file instead of default: true"
        draft.conflicts.append(Conflict(target, "is not among this portal's default properties", cure))
    elif found.name in live.properties or not in_schema(found, held.name):
        draft.create.append(
            Step("property", "create", found.name, held.name, property_body(held), _in_words(held),
                 needs=tuple(_irreversible(found, held)))
        )  # fmt: skip


def _irreversible(found: ObjectType, held: Property) -> Iterator[tuple[str, ...]]:
    for what, holds in (("sensitive", held.sensitivity != "none"), ("unique", held.unique)):
        if holds:
            yield what, f"{what}:{found.name}", f"{what}:{found.name}.{held.name}"


def _in_words(held: Property) -> str:
    words = [f"{held.type}/{held.field_type}"]
    words += [f"{len(held.options)} option{'s' if len(held.options) > 1 else ''}"] if held.options else []
    words += ["unique"] if held.unique else []
    words += [held.sensitivity] if held.sensitivity != "none" else []
    return ", ".join(words)


def _too_many_unique(found: ObjectType, properties: Sequence[Property], live: LivePortal) -> list[Conflict]:
    present = {
        name
        for name, body in live.properties.get(found.name, {}).items()
        if body.get("hasUniqueValue") and not body.get("hubspotDefined")
    }
    wanted = {held.name for held in properties if held.unique}
    if len(present | wanted) <= UNIQUE_PROPERTIES_PER_OBJECT:
        return []
    return [
        Conflict(
            found.name,
            f"{len(present | wanted)} unique properties would be needed, {len(present - wanted)} of them not ours; "
            f"HubSpot allows {UNIQUE_PROPERTIES_PER_OBJECT}",
            "archive a unique property that nobody uses, or give up one of ours",
        )
    ]


def _plan_association(draft: _Draft, found: Association, live: LivePortal) -> None:
    pair = (found.from_object, found.to_object)
    present = live.labels.get(pair, [])
    target = f"{pair[0]} > {pair[1]}"
    if present:
        draft.keep.append(target)
    elif found.definition == "hubspot":
        cure = "check that the token may read both objects"
        draft.conflicts.append(Conflict(target, "HubSpot's own association is not there", cure))
        return
    else:
        body = {"name": found.name}
        draft.create.append(Step("association", "create", pair[0], found.name, body, found.id, to_object=pair[1]))
    for label in found.labels:
        _plan_label(draft, found, label, present, live.labels.get(pair[::-1], []))


def _plan_label(
    draft: _Draft,
    found: Association,
    label: Label,
    present: Sequence[dict[str, Any]],
    backwards: Sequence[dict[str, Any]],
) -> None:
    known = next((item for item in present if item.get("label") == label.label), None)
    inverse = label.inverse or label.label
    common = {"object": found.from_object, "name": label.name, "to_object": found.to_object}
    if known is None:
        words = f'"{label.label}"' + (f' / "{label.inverse}"' if label.inverse else "")
        draft.create.append(Step("label", "create", body=label_body(found, label), shown=words, **common))
    elif any(item.get("label") == inverse for item in backwards):
        draft.keep.append(f"{found.from_object} > {found.to_object}.{label.name}")
    else:
        body = {"associationTypeId": known.get("typeId"), "label": label.label, "inverseLabel": inverse}
        changed = (Difference("inverseLabel", None, inverse),)
        draft.change.append(Step("label", "change", body=body, differences=changed, **common))
