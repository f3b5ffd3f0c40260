"""The associations of one record: list, put, delete; and the report of records near their limit."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.association_checks import default_shapes, judge_pairs, labels_between, links_of, target_page
from ennu_lib.emulator.calls import Answer, Call, Portal, batch_answer
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.links import Links, Wish
from ennu_lib.emulator.model import Definition
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import ASSOCIATION_PAGE
from ennu_lib.emulator.times import iso


def list_page(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/{id}/associations/{type}: what one record is associated with."""
    links = links_of(portal, call, access.READ)
    from_id = _existing_id(links.portal, links.from_kind.type_id, call.path["from_id"])
    limit = call.limit(ASSOCIATION_PAGE, ASSOCIATION_PAGE)
    targets, paging = target_page(portal, links, from_id, call.first("after") or "0", limit)
    return Answer(200, {"results": targets, **paging})


def _existing_id(portal: Portal, type_id: str, text: str) -> int:
    number = number_of(text)
    kind = portal.registry.by_type_id(type_id)
    if number is None:
        raise bad_request(
            f"{text} is not a valid ID", subCategory="crm.associations.INVALID_IDENTIFIER", context={"id": [text]}
        )
    if not portal.records(kind).live_ids([number]):
        raise not_found(f"Object {text} of type {type_id} does not exist")
    return number


def put(portal: Portal, call: Call) -> Answer:
    """PUT …/{type}/{id}/associations/{type}/{id}: one pair with labels."""
    links = links_of(portal, call, access.WRITE)
    wish = _single(links, call, tuple(links.definition(spec) for spec in _specs(call)))
    with portal.store.transaction():
        links.write([wish])
    return Answer(201, labels_between(links, wish))


def _specs(call: Call) -> list[dict[str, Any]]:
    if not all(isinstance(spec, dict) for spec in call.json_list):
        raise bad_request("Invalid input JSON: the request body must be a list of association types")
    return call.json_list


def put_default(portal: Portal, call: Call) -> Answer:
    """PUT …/{type}/{id}/associations/default/{type}/{id}: one pair without a label."""
    links = links_of(portal, call, access.WRITE)
    started = portal.now()
    base = links.base()
    wish = _single(links, call, (base,))
    with portal.store.transaction():
        links.write([wish], keep_labels=True)
    return batch_answer(portal, call, started, default_shapes(portal, wish, base), [])


def _single(links: Links, call: Call, definitions: tuple[Definition, ...]) -> Wish:
    body = {"from": {"id": call.path["from_id"]}, "to": {"id": call.path["to_id"]}}
    wishes, errors = judge_pairs(links, [body], [definitions])
    if errors:
        first = dict(errors[0])
        message, category = first.pop("message"), first.pop("category")
        status = 404 if category == "OBJECT_NOT_FOUND" else 400
        first.pop("status")
        raise ApiError(status, message, category, **first)
    return wishes[0]


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/{type}/{id}/associations/{type}/{id}: every association of one pair."""
    links = links_of(portal, call, access.WRITE)
    ends = number_of(call.path["from_id"]), number_of(call.path["to_id"])
    with portal.store.transaction():
        if None not in ends:
            links.remove([Wish(ends[0] or 0, ends[1] or 0, ())])
    return Answer(204)


def report_usage(portal: Portal, call: Call) -> Answer:
    """POST …/usage/high-usage-report/{userId}: the report goes out by mail, so there is only a receipt."""
    user = number_of(call.path["user_id"])
    if user is None:
        raise bad_request("Invalid user id")
    address = "reports@ennu.example"
    return Answer(200, {"userId": user, "userEmail": address, "enqueueTime": iso(portal.now())})
