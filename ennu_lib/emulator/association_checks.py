"""Which associations of a request can be made, and how they are shown."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Call, Portal
from ennu_lib.emulator.errors import ApiError, objects_not_found
from ennu_lib.emulator.link_caps import over_cap
from ennu_lib.emulator.links import Links, Wish
from ennu_lib.emulator.model import Definition
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import ASSOCIATION_PAGE


def links_of(portal: Portal, call: Call, mode: str) -> Links:
    """The types of the path, and the scopes to see or change what joins them."""
    from_kind = portal.registry.find(call.path["from_type"])
    to_kind = portal.registry.find(call.path["to_type"])
    for kind in (from_kind, to_kind):
        access.require_objects(portal.settings, kind, mode)
    return Links(portal, from_kind, to_kind)


def judge_pairs(
    links: Links, inputs: list[dict[str, Any]], definitions: list[Any]
) -> tuple[list[Wish], list[dict[str, Any]]]:
    """The pairs that can be associated, and the errors of the others."""
    errors: list[dict[str, Any]] = []
    wishes: list[Wish] = []
    for item, specs in zip(inputs, definitions, strict=True):
        texts = [str((item.get(end) or {}).get("id", "")) for end in ("from", "to")]
        numbers = [number_of(text) for text in texts]
        invalid = [text for text, number in zip(texts, numbers, strict=True) if number is None]
        if invalid:
            errors += [row_error(f"{text} is not a valid ID", "INVALID_IDENTIFIER", {"id": [text]}) for text in invalid]
        elif numbers[0] == numbers[1] and links.from_kind is links.to_kind:
            errors.append(row_error(f"Object {texts[0]} cannot be associated to itself ({texts[1]})"))
        elif isinstance(specs, ApiError):
            errors.append({**specs.body, "context": {"fromObjectId": [texts[0]], "toObjectId": [texts[1]]}})
        else:
            wishes.append(Wish(numbers[0] or 0, numbers[1] or 0, specs))
    return _existing(links, wishes, errors)


def _existing(
    links: Links, wishes: list[Wish], errors: list[dict[str, Any]]
) -> tuple[list[Wish], list[dict[str, Any]]]:
    """Drop pairs whose records are not there, or that would go over a cap."""
    live_from = links.portal.records(links.from_kind).live_ids({wish.from_id for wish in wishes})
    live_to = links.portal.records(links.to_kind).live_ids({wish.to_id for wish in wishes})
    for kind, live, end in ((links.from_kind, live_from, 0), (links.to_kind, live_to, 1)):
        unknown = sorted({wish[end] for wish in wishes} - live)
        if unknown:
            errors.append(objects_not_found(kind.noun, [str(number) for number in unknown]))
    found = [wish for wish in wishes if wish.from_id in live_from and wish.to_id in live_to]
    refused = over_cap(links, found)
    errors += [error.body for error in refused.values()]
    return [wish for position, wish in enumerate(found) if position not in refused], errors


def row_error(message: str, sub_category: str = "", context: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """One refused input."""
    error: dict[str, Any] = {"status": "error", "category": "VALIDATION_ERROR", "message": message}
    if sub_category:
        error["subCategory"] = f"crm.associations.{sub_category}"
    if context:
        error["context"] = context
    return error


def labels_between(links: Links, wish: Wish) -> dict[str, Any]:
    """A pair as batch create and the single PUT answer it."""
    return {
        "fromObjectTypeId": links.from_kind.type_id,
        "fromObjectId": wish.from_id,
        "toObjectTypeId": links.to_kind.type_id,
        "toObjectId": wish.to_id,
        "labels": [definition.label for definition in wish.definitions if definition.label],
    }


def default_shapes(portal: Portal, wish: Wish, base: Definition) -> list[dict[str, Any]]:
    """A pair as the default endpoints answer it: once per direction."""
    inverse = portal.registry.definitions[base.inverse]
    ends = (wish.from_id, wish.to_id)
    return [
        {
            "from": {"id": str(start)},
            "to": {"id": str(end)},
            "associationSpec": {
                "associationCategory": definition.category,
                "associationTypeId": definition.type_id,
            },
        }
        for definition, (start, end) in ((base, ends), (inverse, ends[::-1]))
    ]


def target_page(
    portal: Portal, links: Links, from_id: int, after: str, limit: int = ASSOCIATION_PAGE
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What one record is associated with, from `after` on, and the paging of what follows."""
    found = links.page(from_id, number_of(after) or 0, limit + 1)
    ids = sorted(found)
    targets = [
        {
            "toObjectId": to_id,
            "associationTypes": [portal.registry.definitions[number].spec() for number in sorted(found[to_id])],
        }
        for to_id in ids[:limit]
    ]
    if len(ids) <= limit:
        return targets, {}
    link = f"https://api.hubapi.com/crm/v4/objects/{links.from_kind.type_id}/{from_id}/associations/"
    link += f"{links.to_kind.type_id}?after={ids[limit]}"
    return targets, {"paging": {"next": {"after": str(ids[limit]), "link": link}}}
