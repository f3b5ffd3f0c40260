"""Association labels: the definitions between two types, and the pairs of labels that a portal adds."""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator import access
from ennu_lib.emulator.calls import Answer, Call, Portal
from ennu_lib.emulator.errors import ApiError, bad_request, not_found
from ennu_lib.emulator.model import USER_DEFINED, Definition, ObjectType
from ennu_lib.emulator.records import number_of


def _kinds(portal: Portal, call: Call, mode: str) -> tuple[ObjectType, ObjectType]:
    kinds = (portal.registry.find(call.path["from_type"]), portal.registry.find(call.path["to_type"]))
    for kind in kinds:
        access.require_properties(portal.settings, kind, mode)
    return kinds


def list_all(portal: Portal, call: Call) -> Answer:
    """GET …/associations/{from}/{to}/labels: the definitions of this direction."""
    first, second = _kinds(portal, call, access.READ)
    definitions = portal.registry.between(first.type_id, second.type_id)
    return Answer(200, {"results": [definition.spec() for definition in definitions]})


def create(portal: Portal, call: Call) -> Answer:
    """POST …/labels: one label for both directions, or a pair of labels."""
    first, second = _kinds(portal, call, access.WRITE)
    registry = portal.registry
    label, name, inverse = (call.json.get(key) for key in ("label", "name", "inverseLabel"))
    if not label or not name:
        raise bad_request("Invalid input: label and name must be set")
    known = registry.between(first.type_id, second.type_id)
    if not known:
        raise bad_request(f"No association definition exists between {first.type_id} and {second.type_id}")
    _refuse_taken(known, label, name)
    labelled = sum(definition.category == USER_DEFINED and definition.label is not None for definition in known)
    if labelled >= portal.settings.association_labels_per_pair:
        raise bad_request(
            f"You have reached the limit of {portal.settings.association_labels_per_pair} association labels",
            subCategory="LIMIT_EXCEEDED",
        )
    with portal.store.transaction():
        forth_id = registry.next_association_type_id()
        symmetric = first is second and not inverse
        back_id = forth_id if symmetric else registry.next_association_type_id()
        forth, back = registry.add_pair(
            (first.type_id, second.type_id), (forth_id, back_id), USER_DEFINED, (name, f"{name}_inverse"),
            (label, inverse or label), portal.now(),
        )  # fmt: skip
    return Answer(200, {"results": [forth.spec()] if symmetric else [forth.spec(), back.spec()]})


def _refuse_taken(known: list[Definition], label: str, name: str) -> None:
    for definition in known:
        if definition.category == USER_DEFINED and (definition.label == label or definition.name == name):
            raise ApiError(
                409, f"An association label '{label}' already exists.", "OBJECT_ALREADY_EXISTS",
                subCategory="crm.associations.LABEL_ALREADY_EXISTS", context={"label": [label]},
            )  # fmt: skip


def update(portal: Portal, call: Call) -> Answer:
    """PUT …/labels: another wording; the type ids stay."""
    definition = _labelled(portal, call, call.json.get("associationTypeId"))
    with portal.store.transaction():
        definition.label = call.json.get("label") or definition.label
        definition.updated_at = portal.now()
        portal.registry.save_definition(definition)
        back = portal.registry.definitions[definition.inverse]
        if back is not definition:
            back.label = call.json.get("inverseLabel") or definition.label
            portal.registry.save_definition(back)
    return Answer(204)


def delete(portal: Portal, call: Call) -> Answer:
    """DELETE …/labels/{typeId}: the label in both directions, and wherever it was used."""
    definition = _labelled(portal, call, call.path["type_id"])
    with portal.store.transaction():
        for number in {definition.number, definition.inverse}:
            portal.store.execute("DELETE FROM links WHERE definition = ?", (number,))
            portal.registry.remove_definition(portal.registry.definitions[number])
    return Answer(204)


def _labelled(portal: Portal, call: Call, type_id: Any) -> Definition:
    first, second = _kinds(portal, call, access.WRITE)
    for definition in portal.registry.between(first.type_id, second.type_id):
        if definition.type_id == number_of(type_id) and definition.category == USER_DEFINED and definition.label:
            return definition
    raise not_found(f"No association label {type_id} exists between {first.type_id} and {second.type_id}")


def configurations(portal: Portal, call: Call) -> Answer:
    """GET …/definitions/configurations/{from}/{to}: the caps that administrators set."""
    first, second = _kinds(portal, call, access.READ)
    return Answer(200, {"results": [_configuration(d) for d in portal.registry.between(first.type_id, second.type_id)]})


def _configuration(definition: Definition) -> dict[str, Any]:
    return {**definition.spec(), "userEnforcedMaxToObjectIds": definition.max_to}
