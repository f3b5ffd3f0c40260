"""How many associations a record may have: by subscription, and by what administrators set for a definition."""

from __future__ import annotations

from collections.abc import Sequence

from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.links import Links, Wish


def over_cap(links: Links, wishes: Sequence[Wish]) -> dict[int, ApiError]:
    """By position, the wishes that would give a record of either end more associations than it may have."""
    definitions = links.portal.registry.definitions
    back = Links(links.portal, links.to_kind, links.from_kind)
    reversed_wishes = [
        Wish(wish.to_id, wish.from_id, tuple(definitions[d.inverse] for d in wish.definitions)) for wish in wishes
    ]
    return _one_way(back, reversed_wishes) | _one_way(links, wishes)


def _one_way(links: Links, wishes: Sequence[Wish]) -> dict[int, ApiError]:
    most, base = links.portal.settings.associations_per_record, links.base()
    counts = links.counts(wish.from_id for wish in wishes)
    present = links.between((wish.from_id, wish.to_id) for wish in wishes)
    errors: dict[int, ApiError] = {}
    for position, wish in enumerate(wishes):
        has = present[wish.from_id, wish.to_id]
        new = [definition for definition in {base, *wish.definitions} if definition.number not in has]
        limits = [d.max_to or most for d in new if counts[wish.from_id, d.number] >= (d.max_to or most)]
        if limits:
            errors[position] = _refused(wish.from_id, min(limits))
            continue
        has |= {definition.number for definition in new}
        counts.update((wish.from_id, definition.number) for definition in new)
    return errors


def _refused(record_id: int, limit: int) -> ApiError:
    return bad_request(
        f"Record {record_id} cannot be associated: it has reached its limit of {limit} associations",
        subCategory="crm.associations.ASSOCIATION_LIMIT_EXCEEDED",
        context={"id": [str(record_id)], "limit": [str(limit)]},
    )
