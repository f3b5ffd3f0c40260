"""The endpoints about the portal's shape: object types, properties, groups, associations, limits, account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.answers import results_of
from ennu_lib.hubspot.caller import Answered, Caller, Lost
from ennu_lib.hubspot.limit_params import Family

STANDARD_TYPES = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5"}
SENSITIVITIES = ("non_sensitive", "sensitive", "highly_sensitive")
ALREADY_THERE = 409
Json = dict[str, Any]


class Definitions(Caller):
    """Calls about definitions. What is made is made once: an answer "exists already" counts as made."""

    _type_ids: dict[str, str]

    def type_id(self, object_type: str) -> str:
        """HubSpot's id of an object type. Raises TargetRefused when the portal has no such custom object."""
        known = self.known_type_id(object_type)
        if known is None:
            raise TargetRefused(f"the portal has no object {object_type}; apply the portal plan first")
        return known

    def known_type_id(self, object_type: str) -> str | None:
        """HubSpot's id of an object type, None when the portal does not have it."""
        if object_type in STANDARD_TYPES:
            return STANDARD_TYPES[object_type]
        if object_type[:2] in ("0-", "2-"):
            return object_type
        if object_type not in self._type_ids:
            self._type_ids.update({str(found["name"]): str(found["objectTypeId"]) for found in self.schemas()})
        return self._type_ids.get(object_type)

    def schemas(self) -> list[Json]:
        """The schemas of the custom objects."""
        return results_of(self.ask("objects", "GET", self.paths.schemas(), what="reading the object schemas"))

    def schema(self, object_type: str) -> Json:
        """The schema of one object, standard ones included."""
        path = self.paths.schemas(self.type_id(object_type))
        return self.ask("objects", "GET", path, what=f"reading the schema of {object_type}")

    def create_schema(self, body: Mapping[str, Any]) -> None:
        """Make a custom object from its schema."""
        name = str(body["name"])
        self._make(self.paths.schemas(), body, f"the object {name}", lambda: self.known_type_id(name) is not None)
        self._type_ids.clear()

    def update_schema(self, object_type: str, body: Mapping[str, Any]) -> None:
        """Change labels, description, display, required or searchable properties."""
        path = self.paths.schemas(self.type_id(object_type))
        self.ask("objects", "PATCH", path, body=dict(body), what=f"changing the object {object_type}")

    def properties(self, object_type: str, sensitivities: tuple[str, ...] = SENSITIVITIES[:2]) -> list[Json]:
        """The property definitions of an object; HubSpot lists one sensitivity at a time."""
        path = self.paths.properties(self.type_id(object_type))
        what = f"reading the properties of {object_type}"
        return [
            {"dataSensitivity": sensitivity, **found}
            for sensitivity in sensitivities
            for found in results_of(self.ask("objects", "GET", path, [("dataSensitivity", sensitivity)], what=what))
        ]

    def create_property(self, object_type: str, body: Mapping[str, Any]) -> None:
        """Make a property, and see that it is the one that was asked for.

        The name of an archived property brings the old one back, with its old sensitivity: PHI would be written in
        the open. Raises TargetRefused then.
        """
        what = f"{object_type}.{body['name']}"
        fixed = _fixed(body)
        made = self._make(self.paths.properties(self.type_id(object_type)), body, what)
        if made is None or made.get("name") != body["name"]:
            made = self.property(object_type, str(body["name"]), fixed["sensitivity"])
        wrong = [name for name, value in fixed.items() if _fixed(made)[name] != value]
        if wrong:
            raise TargetRefused(
                f"the portal has brought back an archived {what} with another {', '.join(wrong)}; delete it for good "
                "in the portal, or rename ours"
            )

    def property(self, object_type: str, name: str, sensitivity: str = SENSITIVITIES[0]) -> Json:
        """One property definition; one of another sensitivity is not found."""
        path = self.paths.properties(self.type_id(object_type), name)
        found = self.ask(
            "objects", "GET", path, [("dataSensitivity", sensitivity)], what=f"reading {object_type}.{name}"
        )
        return {"dataSensitivity": sensitivity, **found}

    def update_property(self, object_type: str, name: str, body: Mapping[str, Any]) -> None:
        """Change a property; `options`, when given, replace the present list as a whole."""
        path = self.paths.properties(self.type_id(object_type), name)
        self.ask("objects", "PATCH", path, body=dict(body), what=f"changing {object_type}.{name}")

    def groups(self, object_type: str) -> list[Json]:
        """The property groups of an object."""
        path = self.paths.properties(self.type_id(object_type), "groups")
        return results_of(self.ask("objects", "GET", path, what=f"reading the property groups of {object_type}"))

    def create_group(self, object_type: str, body: Mapping[str, Any]) -> None:
        """Make a property group."""
        path = self.paths.properties(self.type_id(object_type), "groups")
        self._make(path, body, f"the group {object_type}.{body['name']}")

    def update_group(self, object_type: str, name: str, body: Mapping[str, Any]) -> None:
        """Change the wording of a property group."""
        path = self.paths.properties(self.type_id(object_type), "groups", name)
        self.ask("objects", "PATCH", path, body=dict(body), what=f"changing the group {object_type}.{name}")

    def association_labels(self, from_type: str, to_type: str) -> list[Json]:
        """The association types of one direction: `{category, typeId, label}`; the unlabelled one has no label."""
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "labels")
        what = f"reading the association labels from {from_type} to {to_type}"
        return results_of(self.ask("associations", "GET", path, what=what))

    def define_association(self, from_type: str, to_type: str, name: str) -> None:
        """Allow records of two objects to be linked."""
        first, second = self.type_id(from_type), self.type_id(to_type)
        body = {"fromObjectTypeId": first, "toObjectTypeId": second, "name": name}
        self._make(self.paths.schemas(first, "associations"), body, f"the association {name}")

    def create_label(self, from_type: str, to_type: str, body: Mapping[str, Any]) -> None:
        """Add an association label, or a pair of them."""
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "labels")
        what = f"the label {body['name']} from {from_type} to {to_type}"
        self._make(path, body, what, lambda: self._has_label(from_type, to_type, body), "associations")

    def update_label(self, from_type: str, to_type: str, body: Mapping[str, Any]) -> None:
        """Change the wording of a label; its type ids stay."""
        path = self.paths.associations(self.type_id(from_type), self.type_id(to_type), "labels")
        self.ask("associations", "PUT", path, body=dict(body), what=f"changing a label from {from_type} to {to_type}")

    def limits(self, *what: str) -> Json:
        """One page of the limits API: `records`, `custom-object-types`, `custom-properties`, `associations/labels`."""
        return self.ask("objects", "GET", self.paths.limits(*what), what=f"reading the limits of {what[0]}")

    def account(self) -> Json:
        """Portal id, time zone and account type."""
        return self.ask("objects", "GET", self.paths.account(), what="reading the account's details")

    def granted_scopes(self, token: str) -> frozenset[str] | None:
        """The scopes of the client's own token; None when the portal does not tell: it does of private apps."""
        try:
            outcome = self.call("objects", "POST", self.paths.token_info(), body={"tokenKey": token})
        except TargetRefused:
            return None
        told = outcome.data.get("scopes") if isinstance(outcome, Answered) else None
        return frozenset(map(str, told)) if isinstance(told, list) else None

    def _has_label(self, from_type: str, to_type: str, body: Mapping[str, Any]) -> bool:
        return any(found.get("label") == body["label"] for found in self.association_labels(from_type, to_type))

    def _make(
        self,
        path: str,
        body: Mapping[str, Any],
        what: str,
        exists: Callable[[], bool] = lambda: False,
        family: Family = "objects",
    ) -> Json | None:
        """What was made; None when it was there already, perhaps by an attempt whose answer was lost.

        Not every endpoint says "exists already" by its status: `exists` then looks.
        """
        outcome = self.call(family, "POST", path, body=dict(body))
        if isinstance(outcome, Answered):
            self.refuse_errors(outcome, f"creating {what}")
            return outcome.data
        if isinstance(outcome, Lost):
            self.unsure(f"creating {what}")
        if outcome.status == ALREADY_THERE or exists():
            return None
        raise TargetRefused(f"the portal refuses to create {what}: status {outcome.status}, {outcome.rejection}")


def _fixed(body: Mapping[str, Any]) -> Json:
    """What of a property can never be changed."""
    return {
        "type": body.get("type"),
        "uniqueness": bool(body.get("hasUniqueValue")),
        "sensitivity": body.get("dataSensitivity") or SENSITIVITIES[0],
    }
