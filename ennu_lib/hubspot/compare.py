"""Where one live definition differs from the wanted one, and whether that can be put right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ennu_lib.hubspot.schema import FIELD_TYPES, Property

# What HubSpot calls the same thing in different versions and portals.
SAME_TYPE = {"phone_number": "string"}
CHANGEABLE = ("label", "description", "groupName", "fieldType", "options", "labels", "requiredProperties",
              "searchableProperties")  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One field of a definition, before and after."""

    field: str
    before: Any
    after: Any


def differences(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The changeable fields that differ. Options that only the portal has are kept, after the wanted ones."""
    found = []
    for name in (name for name in CHANGEABLE if name in wanted):
        before, after = present.get(name), wanted[name]
        if name == "options":
            after = merged_options(before or [], after)
            before, compared = _comparable(before or []), _comparable(after)
        else:
            before, compared = (before or "" if isinstance(after, str) else before), after
        if before != compared:
            found.append(Difference(name, before, after))
    return tuple(found)


def merged_options(present: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The wanted options, and behind them those that only the portal has: a record may hold them."""
    values = {option["value"] for option in wanted}
    extra = [option for option in present if option.get("value") not in values]
    return [*wanted, *({**option, "displayOrder": len(wanted) + n} for n, option in enumerate(extra))]


def _comparable(options: list[dict[str, Any]]) -> list[tuple[str, str]]:
    ordered = sorted(options, key=lambda option: option.get("displayOrder", -1))
    return [(str(option.get("value")), str(option.get("label"))) for option in ordered]


def conflicts_of(object_name: str, wanted: Property, present: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What of an existing property cannot be changed and is not as wanted: the problem and its cure."""
    rename = f"rename ours to ennu_{wanted.name} in params/portal/properties/{object_name}.yml and in the mapping files"
    if not _same_type(wanted, present):
        yield f"exists with type {present.get('type')}/{present.get('fieldType')}, not {wanted.type}", rename
    if wanted.default:
        return
    if bool(present.get("hasUniqueValue")) != wanted.unique:
        yield f"exists {'without' if wanted.unique else 'with'} unique values, which cannot be changed", rename
    sensitivity = present.get("dataSensitivity") or "non_sensitive"
    if sensitivity != (wanted.sensitivity if wanted.sensitivity != "none" else "non_sensitive"):
        yield f"exists as {sensitivity}, which cannot be changed", rename
    if present.get("calculated"):
        yield "exists as a calculated property, which takes no values", rename


def _same_type(wanted: Property, present: Mapping[str, Any]) -> bool:
    live = SAME_TYPE.get(str(present.get("type")), str(present.get("type")))
    if wanted.type == "bool":
        return present.get("fieldType") == "booleancheckbox"
    multiple = wanted.field_type == "checkbox", present.get("fieldType") == "checkbox"
    if live != wanted.type or (wanted.type == "enumeration" and multiple[0] != multiple[1]):
        return False
    return wanted.default or present.get("fieldType") in FIELD_TYPES[wanted.type]
