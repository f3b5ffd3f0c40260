"""The association endpoints of v4 and of the dated paths."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import batch_inputs
from ennu_lib.emulator.calls import Answer, Call, Portal, Version, batch_answer
from ennu_lib.emulator.errors import ApiError, bad_request, not_found, objects_not_found
from ennu_lib.emulator.links import Links, Wish
from ennu_lib.emulator.model import Definition
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import (
    ASSOCIATION_ARCHIVE_INPUTS,
    ASSOCIATION_CREATE_INPUTS,
    ASSOCIATION_PAGE,
    ASSOCIATION_READ_INPUTS,
)
from ennu_lib.emulator.times import iso


def _links(portal: Portal, call: Call, mode: str) -> Links:
    from_kind = portal.registry.find(call.path["from_type"])
    to_kind = portal.registry.find(call.path["to_type"])
    for kind in (from_kind, to_kind):
        access.require_objects(portal.settings, kind, mode)
    return Links(portal, from_kind, to_kind)


def create_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/create: pairs with labels, which replace the labels they had."""
    links = _links(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_CREATE_INPUTS)
    started = portal.now()
    links.base()
    with portal.store.transaction():
        wishes, errors = _judge(links, inputs, [_definitions(links, item) for item in inputs])
        links.write(wishes)
    results = [_labels_between(links, wish) for wish in wishes]
    status = 200 if call.version is Version.SEPTEMBER else 201
    return batch_answer(portal, call, started, portal.shuffled(results), errors, status)


def create_default_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/associate/default: pairs without a label."""
    links = _links(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_CREATE_INPUTS)
    started = portal.now()
    base = links.base()
    with portal.store.transaction():
        wishes, errors = _judge(links, inputs, [(base,)] * len(inputs))
        links.write(wishes, keep_labels=True)
    results = [shape for wish in wishes for shape in _default_shapes(portal, wish, base)]
    return batch_answer(portal, call, started, portal.shuffled(results), errors)


def _definitions(links: Links, item: dict[str, Any]) -> tuple[Definition, ...] | ApiError:
    try:
        return tuple(links.definition(spec) for spec in item.get("types") or [])
    except ApiError as error:
        return error


def _judge(
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
            errors += [
                _row_error(f"{text} is not a valid ID", "INVALID_IDENTIFIER", {"id": [text]}) for text in invalid
            ]
        elif numbers[0] == numbers[1] and links.from_kind is links.to_kind:
            errors.append(_row_error(f"Object {texts[0]} cannot be associated to itself ({texts[1]})"))
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
    refused = links.over_cap(found)
    errors += [error.body for error in refused.values()]
    return [wish for position, wish in enumerate(found) if position not in refused], errors


def _row_error(message: str, sub_category: str = "", context: dict[str, list[str]] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"status": "error", "category": "VALIDATION_ERROR", "message": message}
    if sub_category:
        error["subCategory"] = f"crm.associations.{sub_category}"
    if context:
        error["context"] = context
    return error


def _labels_between(links: Links, wish: Wish) -> dict[str, Any]:
    return {
        "fromObjectTypeId": links.from_kind.type_id,
        "fromObjectId": wish.from_id,
        "toObjectTypeId": links.to_kind.type_id,
        "toObjectId": wish.to_id,
        "labels": [definition.label for definition in wish.definitions if definition.label],
    }


def _default_shapes(portal: Portal, wish: Wish, base: Definition) -> list[dict[str, Any]]:
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


def read_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/read: what each record is associated with; records with nothing come back as errors."""
    links = _links(portal, call, access.READ)
    inputs = batch_inputs(call, ASSOCIATION_READ_INPUTS)
    started = portal.now()
    results, errors = [], []
    for item in inputs:
        text = str(item.get("id", ""))
        number = number_of(text)
        if number is None:
            errors.append(_row_error(f"{text} is not a valid ID", "INVALID_IDENTIFIER", {"id": [text]}))
            continue
        targets, paging = _page(portal, links, number, str(item.get("after") or "0"))
        if targets:
            results.append({"from": {"id": text}, "to": targets, **paging})
        else:
            errors.append(_nothing_found(links, text))
    return batch_answer(portal, call, started, portal.shuffled(results), errors)


def _nothing_found(links: Links, from_id: str) -> dict[str, Any]:
    from_name, to_name = links.from_kind.name.lower(), links.to_kind.name.lower()
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {to_name} is associated with {from_name} {from_id}.",
        "context": {"fromObjectId": [from_id], "fromObjectType": [from_name], "toObjectType": [to_name]},
    }


def _page(
    portal: Portal, links: Links, from_id: int, after: str, limit: int = ASSOCIATION_PAGE
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
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


def list_page(portal: Portal, call: Call) -> Answer:
    """GET …/{type}/{id}/associations/{type}: what one record is associated with."""
    links = _links(portal, call, access.READ)
    from_id = _existing_id(links.portal, links.from_kind.type_id, call.path["from_id"])
    limit = call.limit(ASSOCIATION_PAGE, ASSOCIATION_PAGE)
    targets, paging = _page(portal, links, from_id, call.first("after") or "0", limit)
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
    links = _links(portal, call, access.WRITE)
    wish = _single(links, call, tuple(links.definition(spec) for spec in _specs(call)))
    with portal.store.transaction():
        links.write([wish])
    return Answer(201, _labels_between(links, wish))


def _specs(call: Call) -> list[dict[str, Any]]:
    if not all(isinstance(spec, dict) for spec in call.json_list):
        raise bad_request("Invalid input JSON: the request body must be a list of association types")
    return call.json_list


def put_default(portal: Portal, call: Call) -> Answer:
    """PUT …/{type}/{id}/associations/default/{type}/{id}: one pair without a label."""
    links = _links(portal, call, access.WRITE)
    started = portal.now()
    base = links.base()
    wish = _single(links, call, (base,))
    with portal.store.transaction():
        links.write([wish], keep_labels=True)
    return batch_answer(portal, call, started, _default_shapes(portal, wish, base), [])


def _single(links: Links, call: Call, definitions: tuple[Definition, ...]) -> Wish:
    body = {"from": {"id": call.path["from_id"]}, "to": {"id": call.path["to_id"]}}
    wishes, errors = _judge(links, [body], [definitions])
    if errors:
        first = dict(errors[0])
        message, category = first.pop("message"), first.pop("category")
        status = 404 if category == "OBJECT_NOT_FOUND" else 400
        first.pop("status")
        raise ApiError(status, message, category, **first)
    return wishes[0]


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/{type}/{id}/associations/{type}/{id}: every association of one pair."""
    links = _links(portal, call, access.WRITE)
    ends = number_of(call.path["from_id"]), number_of(call.path["to_id"])
    with portal.store.transaction():
        if None not in ends:
            links.remove([Wish(ends[0] or 0, ends[1] or 0, ())])
    return Answer(204)


def archive_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/archive: every association of the pairs."""
    links = _links(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_ARCHIVE_INPUTS)
    started = portal.now()
    wishes = [
        Wish(number_of((item.get("from") or {}).get("id")) or 0, number_of(target.get("id")) or 0, ())
        for item in inputs
        for target in item.get("to") or []
    ]
    with portal.store.transaction():
        links.remove(wishes)
    return _archived(portal, call, started)


def archive_labels(portal: Portal, call: Call) -> Answer:
    """POST …/batch/labels/archive: some labels of the pairs; taking the unlabelled one takes all."""
    links = _links(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_CREATE_INPUTS)
    started = portal.now()
    wishes = []
    for item in inputs:
        ends = [number_of((item.get(end) or {}).get("id")) or 0 for end in ("from", "to")]
        definitions = tuple(links.definition(spec) for spec in item.get("types") or [])
        if definitions:
            wishes.append(Wish(ends[0], ends[1], definitions))
    with portal.store.transaction():
        links.remove(wishes)
    return _archived(portal, call, started)


def _archived(portal: Portal, call: Call, started: int) -> Answer:
    if call.version is Version.LEGACY:
        return Answer(204)
    body = {"completedAt": iso(portal.now()), "status": "COMPLETE", "startedAt": iso(started)}
    if call.version is Version.MARCH:
        body["results"] = []  # type: ignore[assignment]
    return Answer(200, body)


def report_usage(portal: Portal, call: Call) -> Answer:
    """POST …/usage/high-usage-report/{userId}: the report goes out by mail, so there is only a receipt."""
    user = number_of(call.path["user_id"])
    if user is None:
        raise bad_request("Invalid user id")
    address = "reports@ennu.example"
    return Answer(200, {"userId": user, "userEmail": address, "enqueueTime": iso(portal.now())})
