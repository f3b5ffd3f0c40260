"""The batch endpoints of associations: create, default, read, archive."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.association_checks import (
    default_shapes,
    judge_pairs,
    labels_between,
    links_of,
    row_error,
    target_page,
)
from ennu_lib.emulator.batches import batch_inputs
from ennu_lib.emulator.calls import Answer, Call, Portal, Version, batch_answer
from ennu_lib.emulator.errors import ApiError
from ennu_lib.emulator.links import Links, Wish
from ennu_lib.emulator.model import Definition
from ennu_lib.emulator.records import number_of
from ennu_lib.emulator.settings import (
    ASSOCIATION_ARCHIVE_INPUTS,
    ASSOCIATION_CREATE_INPUTS,
    ASSOCIATION_READ_INPUTS,
)
from ennu_lib.emulator.times import iso


def create_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/create: pairs with labels, which replace the labels they had."""
    links = links_of(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_CREATE_INPUTS)
    started = portal.now()
    links.base()
    with portal.store.transaction():
        wishes, errors = judge_pairs(links, inputs, [_definitions(links, item) for item in inputs])
        links.write(wishes)
    results = [labels_between(links, wish) for wish in wishes]
    status = 200 if call.version is Version.SEPTEMBER else 201
    return batch_answer(portal, call, started, portal.shuffled(results), errors, status)


def create_default_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/associate/default: pairs without a label; errors come in a 200."""
    links = links_of(portal, call, access.WRITE)
    inputs = batch_inputs(call, ASSOCIATION_CREATE_INPUTS)
    started = portal.now()
    base = links.base()
    with portal.store.transaction():
        wishes, errors = judge_pairs(links, inputs, [(base,)] * len(inputs))
        links.write(wishes, keep_labels=True)
    results = [shape for wish in wishes for shape in default_shapes(portal, wish, base)]
    return batch_answer(portal, call, started, portal.shuffled(results), errors, multi_status=False)


def _definitions(links: Links, item: dict[str, Any]) -> tuple[Definition, ...] | ApiError:
    try:
        return tuple(links.definition(spec) for spec in item.get("types") or [])
    except ApiError as error:
        return error


def read_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/read: what each record is associated with; records with nothing come back as errors."""
    links = links_of(portal, call, access.READ)
    inputs = batch_inputs(call, ASSOCIATION_READ_INPUTS)
    started = portal.now()
    results, errors = [], []
    for item in inputs:
        text = str(item.get("id", ""))
        number = number_of(text)
        if number is None:
            errors.append(row_error(f"{text} is not a valid ID", "INVALID_IDENTIFIER", {"id": [text]}))
            continue
        targets, paging = target_page(portal, links, number, str(item.get("after") or "0"))
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


def archive_batch(portal: Portal, call: Call) -> Answer:
    """POST …/batch/archive: every association of the pairs."""
    links = links_of(portal, call, access.WRITE)
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
    links = links_of(portal, call, access.WRITE)
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
