"""What a request body must look like, so that no handler meets a list where it looks for an object.

A shape is a kind of JSON value, a list with the shape of its items, or an object with the shapes of its known fields.
Fields may be absent or null, and unknown fields pass: that is left to the handlers.
"""

from __future__ import annotations

from typing import Any

from ennu_lib.emulator.errors import bad_request

TEXT, FLAG, NUMBER, OBJECT = "a string", "a boolean", "a number", "an object"
ID = "a string or a number"
ANY = "anything"
_KINDS: dict[str, tuple[type, ...]] = {
    TEXT: (str,),
    FLAG: (bool,),
    NUMBER: (int, float),
    OBJECT: (dict,),
    ID: (str, int),
}

Shape = Any


def conform(value: Any, shape: Shape, where: str = "the request body") -> None:
    """Raise a 400 that says where a body differs from its shape."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise _differs(where, OBJECT)
        for name, inner in shape.items():
            if (found := value.get(name)) is not None:
                conform(found, inner, f"{where}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _differs(where, "a list")
        for position, item in enumerate(value):
            conform(item, shape[0], f"{where}[{position}]")
    elif shape != ANY:
        kinds = _KINDS[shape]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise _differs(where, shape)


def _differs(where: str, shape: str) -> Exception:
    return bad_request(f"Invalid input JSON: {where} must be {shape}")


_END = {"id": ID}
_TYPE = {"associationCategory": TEXT, "associationTypeId": ID}
_LINK = {"from": _END, "to": _END, "types": [_TYPE]}
_RECORD = {
    "id": ID,
    "idProperty": TEXT,
    "properties": OBJECT,
    "objectWriteTraceId": ID,
    "associations": [{"to": _END, "types": [_TYPE]}],
}
_OPTION = {"label": TEXT, "value": ID, "displayOrder": NUMBER, "hidden": FLAG, "description": TEXT}
_SCHEMA = {
    "labels": {"singular": TEXT, "plural": TEXT},
    "description": TEXT,
    "requiredProperties": [TEXT],
    "searchableProperties": [TEXT],
    "secondaryDisplayProperties": [TEXT],
    "primaryDisplayProperty": TEXT,
    "allowsSensitiveProperties": FLAG,
    "clearDescription": FLAG,
}
_FILTER = {"propertyName": TEXT, "operator": TEXT, "value": ANY, "highValue": ANY, "values": [ANY]}

RECORD = _RECORD
RECORDS = {"inputs": [_RECORD]}
READ_RECORDS = {"inputs": [_END], "properties": [TEXT], "propertiesWithHistory": [TEXT], "idProperty": TEXT}
IDS = {"inputs": [_END]}
MERGE = {"primaryObjectId": ID, "objectIdToMerge": ID}
FORGET = {"objectId": ID, "idProperty": TEXT}
SEARCH = {
    "filterGroups": [{"filters": [_FILTER]}],
    "sorts": [ANY],
    "properties": [TEXT],
    "query": TEXT,
    "limit": ID,
    "after": ID,
}
LINKS = {"inputs": [_LINK]}
READ_LINKS = {"inputs": [{"id": ID, "after": ID}]}
ARCHIVE_LINKS = {"inputs": [{"from": _END, "to": [_END]}]}
LINK_TYPES = [_TYPE]
LABEL = {"label": TEXT, "name": TEXT, "inverseLabel": TEXT, "associationTypeId": ID}
CAPS = {"inputs": [{"category": TEXT, "typeId": ID, "maxToObjectIds": ID}]}
PROPERTY = {
    "name": TEXT,
    "label": TEXT,
    "type": TEXT,
    "fieldType": TEXT,
    "groupName": TEXT,
    "description": TEXT,
    "options": [_OPTION],
    "displayOrder": NUMBER,
    "hidden": FLAG,
    "formField": FLAG,
    "hasUniqueValue": FLAG,
    "externalOptions": FLAG,
    "calculationFormula": TEXT,
    "referencedObjectType": TEXT,
    "dataSensitivity": TEXT,
}
PROPERTIES = {"inputs": [PROPERTY]}
NAMES = {"inputs": [{"name": TEXT}], "archived": FLAG}
GROUP = {"name": TEXT, "label": TEXT, "displayOrder": NUMBER}
SCHEMA = {**_SCHEMA, "name": TEXT, "properties": [PROPERTY], "associatedObjects": [TEXT]}
SCHEMA_PATCH = _SCHEMA
SCHEMA_LINK = {"fromObjectTypeId": TEXT, "toObjectTypeId": TEXT, "name": TEXT}
TOKEN = {"tokenKey": TEXT}
