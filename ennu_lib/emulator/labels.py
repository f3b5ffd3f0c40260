"""Association definitions between two types: labels, and the caps that administrators put on them."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.batches import batch_inputs
from ennu_lib.emulator.calls import Answer, Call, Portal, Version, batch_answer
from ennu_lib.emulator.errors import ApiError, bad_request
from ennu_lib.emulator.model import USER_DEFINED, Definition, ObjectType
from ennu_lib.emulator.records import number_of

Kinds = tuple[ObjectType, ObjectType]


def _kinds(portal: Portal, call: Call, mode: str) -> Kinds:
    first, second = portal.registry.find(call.path["from_type"]), portal.registry.find(call.path["to_type"])
    for kind in (first, second):
        access.require_properties(portal.settings, kind, mode)
    return first, second


def _shape(call: Call, definition: Definition) -> dict[str, Any]:
    dated = {"fromObjectTypeId": None, "toObjectTypeId": None} if call.version is Version.SEPTEMBER else {}
    return definition.spec() | dated


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/associations/{from}/{to}/labels: the definitions of this direction."""
    first, second = _kinds(portal, call, access.READ)
    definitions = portal.registry.between(first.type_id, second.type_id)
    return Answer(200, {"results": [_shape(call, definition) for definition in definitions]})


def create(portal: Portal, call: Call) -> Answer:
    """POST …/labels: one label for both directions, or a pair; `label: ""` makes the unlabelled association."""
    kinds = _kinds(portal, call, access.WRITE)
    label, name = call.json.get("label"), call.json.get("name")
    if not isinstance(label, str) or not name:
        raise bad_request("Invalid input JSON: Some required fields were not set: [label, name]")
    if any(definition.name == name for definition in portal.registry.definitions.values()):
        raise bad_request(f"Association definition named {name} already exists for portal")
    with portal.store.transaction():
        if label:
            made = _labelled_pair(portal, kinds, name, label, call.json.get("inverseLabel") or label)
        else:
            made = _plain_pair(portal, kinds, name)
    return Answer(200, {"results": [_shape(call, definition) for definition in made]})


def _plain_pair(portal: Portal, kinds: Kinds, name: str) -> list[Definition]:
    first, second = kinds
    if portal.registry.unlabelled(first.type_id, second.type_id):
        raise bad_request(
            f'Association definition label "" already exists on ObjectType pair {first.type_id}-{second.type_id}',
            subCategory="AssociationValidationError.DUPLICATE_ASSOCIATION_LABEL",
        )
    forth = portal.registry.define_association(first, second, name, portal.now())
    return _both(portal, forth)


def _both(portal: Portal, forth: Definition) -> list[Definition]:
    back = portal.registry.definitions[forth.inverse]
    return [forth] if back is forth else [forth, back]


def _labelled_pair(portal: Portal, kinds: Kinds, name: str, label: str, inverse: str) -> list[Definition]:
    first, second = kinds
    registry, pair = portal.registry, (first.type_id, second.type_id)
    known = [d for d in registry.between(*pair) if d.category == USER_DEFINED and d.label]
    if len(known) >= portal.settings.association_labels_per_pair:
        most = portal.settings.association_labels_per_pair
        raise ApiError(437, f"No more than {most} association types are allowed between {pair[0]} and {pair[1]}")
    if any(definition.label == label for definition in known):
        raise bad_request(f"Association definition label {label} already exists on ObjectType pair")
    forth_id = registry.next_association_type_id()
    symmetric = first is second and inverse == label
    back_id = forth_id if symmetric else registry.next_association_type_id()
    names, labels = (name, f"{name}_inverse"), (label, inverse)
    forth, _ = registry.add_pair(pair, (forth_id, back_id), USER_DEFINED, names, labels, portal.now())
    made = _both(portal, forth)
    if not registry.unlabelled(*pair):
        made += _both(portal, registry.define_association(first, second, None, portal.now()))
    return made


def update(portal: Portal, call: Call) -> Answer:
    """PUT …/labels: another wording; without an inverse label the one label stands on both sides."""
    _kinds(portal, call, access.WRITE)
    definition = _find(portal, call, call.json.get("associationTypeId"))
    label = call.json.get("label")
    if definition is None or not label:
        raise bad_request(f"Unable to find association type {call.json.get('associationTypeId')}")
    with portal.store.transaction():
        back = portal.registry.definitions[definition.inverse]
        back.label = call.json.get("inverseLabel") or label
        definition.label = label
        definition.updated_at = portal.now()
        portal.registry.save_definition(back)
        portal.registry.save_definition(definition)
    return Answer(204)


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/labels/{typeId}: both directions, and wherever it was used; the unlabelled one last."""
    _kinds(portal, call, access.WRITE)
    definition = _find(portal, call, call.path["type_id"])
    if definition is None:
        raise bad_request("Unable to find objectTypeIds")
    pair = (definition.from_type, definition.to_type)
    if definition.label is None and any(d.label for d in portal.registry.between(*pair)):
        raise bad_request(
            "Definition with label still exists; Cannot delete unlabeled type with associationTypeId "
            f"{definition.type_id}"
        )
    with portal.store.transaction():
        for number in {definition.number, definition.inverse}:
            portal.store.execute("DELETE FROM links WHERE definition = ?", (number,))
            portal.registry.remove_definition(portal.registry.definitions[number])
    return Answer(204)


def _find(portal: Portal, call: Call, type_id: Any) -> Definition | None:
    """The user-defined definition with this type id, in either direction."""
    first, second = _kinds(portal, call, access.WRITE)
    for pair in ((first, second), (second, first)):
        for definition in portal.registry.between(pair[0].type_id, pair[1].type_id):
            if definition.type_id == number_of(type_id) and definition.category == USER_DEFINED:
                return definition
    return None


def all_caps(portal: Portal, call: Call) -> Answer:
    """GET …/definitions/configurations/all: every cap that administrators have set."""
    access.require(portal.settings, "crm.schemas.custom.read", "crm.schemas.contacts.read")
    capped = [d for d in portal.registry.definitions.values() if d.max_to is not None]
    return Answer(200, {"results": [_cap_shape(definition) for definition in capped]})


def caps(portal: Portal, call: Call) -> Answer:
    """GET …/definitions/configurations/{from}/{to}: the caps of one direction."""
    first, second = _kinds(portal, call, access.READ)
    capped = [d for d in portal.registry.between(first.type_id, second.type_id) if d.max_to is not None]
    return Answer(200, {"results": [_cap_shape(definition) for definition in capped]})


def _cap_shape(definition: Definition) -> dict[str, Any]:
    return {**definition.spec(), "userEnforcedMaxToObjectIds": definition.max_to}


def set_caps(portal: Portal, call: Call) -> Answer:
    """POST …/definitions/configurations/{from}/{to}/batch/create: cap what is made from now on."""
    return _set_caps(portal, call, 201)


def change_caps(portal: Portal, call: Call) -> Answer:
    """POST …/definitions/configurations/{from}/{to}/batch/update."""
    return _set_caps(portal, call, 200)


def _set_caps(portal: Portal, call: Call, status: int) -> Answer:
    kinds = _kinds(portal, call, access.WRITE)
    started, most = portal.now(), portal.settings.associations_per_record
    results = []
    with portal.store.transaction():
        for item in batch_inputs(call):
            definition = _of_input(portal, kinds, item)
            cap = item.get("maxToObjectIds")
            if not isinstance(cap, int) or not 1 <= cap <= most:
                raise bad_request(f"Invalid maxToObjectIds: it must be a number from 1 to {most}")
            definition.max_to = cap
            portal.registry.save_definition(definition)
            results.append(_cap_shape(definition))
    return batch_answer(portal, call, started, results, [], status)


def remove_caps(portal: Portal, call: Call) -> Answer:
    """POST …/definitions/configurations/{from}/{to}/batch/purge."""
    kinds = _kinds(portal, call, access.WRITE)
    with portal.store.transaction():
        for item in batch_inputs(call):
            definition = _of_input(portal, kinds, item)
            definition.max_to = None
            portal.registry.save_definition(definition)
    return Answer(204)


def _of_input(portal: Portal, kinds: Kinds, item: dict[str, Any]) -> Definition:
    for definition in portal.registry.between(kinds[0].type_id, kinds[1].type_id):
        if definition.category == item.get("category") and definition.type_id == number_of(item.get("typeId")):
            return definition
    raise bad_request(f"Unable to find association type {item.get('typeId')}")
