"""An emulated portal in a process of its own, and the few calls that every test of it makes."""

from __future__ import annotations

from typing import Any

import httpx

from ennu_lib.emulator import EmulatorSettings

CALM = EmulatorSettings(limits_enforced=False, search_lag_seconds=0)
"""A portal without limits and without search lag."""


def text_property(name: str, **more: Any) -> dict[str, Any]:
    """The definition of a text property, with a group for contacts."""
    return {
        "name": name,
        "label": name.title(),
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
        **more,
    }


def choice(name: str, values: str, field_type: str = "select") -> dict[str, Any]:
    """The definition of an enumeration with one option per letter."""
    options = [{"label": value, "value": value, "displayOrder": i, "hidden": False} for i, value in enumerate(values)]
    return text_property(name, type="enumeration", fieldType=field_type, options=options)


class EmulatedPortal:
    """Plain HTTP to one emulator."""

    def __init__(self, url: str, token: str = "test-token"):
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20)

    def renew(self, settings: EmulatorSettings = CALM) -> EmulatedPortal:
        """An empty portal with these settings and no faults."""
        self.http.post("/_reset").raise_for_status()
        self.http.delete("/_faults").raise_for_status()
        self.set(**settings.model_dump(mode="json"))
        return self

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.http.patch("/_settings", json=settings).raise_for_status()

    def fault(self, kind: str, seed: int = 0, **rule: Any) -> None:
        """Put one fault in force."""
        plan = {"seed": seed, "rules": [{"kind": kind, **rule}]}
        self.http.post("/_faults", json=plan).raise_for_status()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        """One request."""
        return self.http.request(method, path, json=body, params=query or None)

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request that must succeed; its body."""
        answer = self.call(method, path, body, **query)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, status: int = 400, **query: Any) -> dict[str, Any]:
        """One request that must be refused with `status`; its error."""
        answer = self.call(method, path, body, **query)
        assert answer.status_code == status, (answer.status_code, answer.text)
        error = answer.json()
        assert error["status"] == "error" and error["correlationId"] and error["message"]
        return error

    def define(self, *definitions: dict[str, Any], object_type: str = "contacts") -> None:
        """Make properties."""
        for definition in definitions:
            self.ok("POST", f"/crm/v3/properties/{object_type}", definition)

    def make_type(self, name: str, *definitions: dict[str, Any], **more: Any) -> str:
        """Make a custom object with a unique `key` property, associated with contacts; its type id."""
        key = text_property("key", hasUniqueValue=True)
        properties = [{k: v for k, v in d.items() if k != "groupName"} for d in (key, *definitions)]
        body = {
            "name": name,
            "labels": {"singular": name.title(), "plural": f"{name.title()}s"},
            "properties": properties,
            "requiredProperties": ["key"],
            "primaryDisplayProperty": "key",
            "associatedObjects": ["CONTACT"],
            **more,
        }
        return self.ok("POST", "/crm-object-schemas/v3/schemas", body)["objectTypeId"]

    def batch(self, object_type: str, operation: str, *inputs: dict[str, Any], version: str = "v3") -> httpx.Response:
        """One batch of records."""
        prefix = "/crm/v3/objects" if version == "v3" else f"/crm/objects/{version}"
        return self.call("POST", f"{prefix}/{object_type}/batch/{operation}", {"inputs": list(inputs)})

    def add(self, object_type: str, *records: dict[str, Any]) -> list[str]:
        """Create records one after the other; their ids in that order."""
        return [self.ok("POST", f"/crm/v3/objects/{object_type}", {"properties": r})["id"] for r in records]

    def read(self, object_type: str, record_id: str, *names: str) -> dict[str, Any]:
        """Property values of one record."""
        found = self.ok("GET", f"/crm/v3/objects/{object_type}/{record_id}", properties=",".join(names))
        return found["properties"]

    def count(self, type_id: str = "0-1") -> int:
        """Live records of a type."""
        return self.ok("GET", "/_state")["object_types"][type_id]["records"]


def upsert_input(key: str, trace: str | None = None, id_property: str = "key", **properties: Any) -> dict[str, Any]:
    """One input of a batch upsert."""
    item = {"id": key, "idProperty": id_property, "properties": {id_property: key, **properties}}
    return item | ({"objectWriteTraceId": trace} if trace is not None else {})
