"""Batch writes of records: look up what is there, judge every input, then write all or the good ones.

The switch between the two is the trace id. When every input carries a unique `objectWriteTraceId`, good inputs are
written and bad ones come back as errors; otherwise one bad input refuses the whole batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from ennu_lib.emulator.calls import Portal, Version
from ennu_lib.emulator.errors import (
    ApiError,
    bad_request,
    duplicate_ids,
    invalid_properties,
    invalid_properties_message,
    not_unique,
    objects_not_found,
    problem_details,
)
from ennu_lib.emulator.model import ObjectType, Property
from ennu_lib.emulator.records import Record, number_of
from ennu_lib.emulator.shapes import record_shape
from ennu_lib.emulator.validation import BadValue, Rule, append_options, compile_rule

CREATE, UPDATE, UPSERT = "create", "update", "upsert"


@dataclass(slots=True)
class Input:
    """One input of a batch on its way through."""

    position: int
    properties: dict[str, Any]
    trace: str | None = None
    id: str | None = None
    id_property: str | None = None
    associations: list[dict[str, Any]] = field(default_factory=list)
    record: Record | None = None
    new_id: int = 0
    values: dict[str, str] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    error: ApiError | None = None

    @property
    def good(self) -> bool:
        return not self.problems and self.error is None


@dataclass
class Outcome:
    """What a batch did: results in input order, and the errors of inputs that failed."""

    results: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    created: dict[int, int] = field(default_factory=dict)


class BatchWrite:
    """One create, update or upsert of up to 100 records of one type."""

    def __init__(self, portal: Portal, kind: ObjectType, operation: str, inputs: list[Input], version: Version):
        self.portal = portal
        self.settings = portal.settings
        self.kind = kind
        self.operation = operation
        self.inputs = inputs
        self.version = version
        self.records = portal.records(kind)
        self.now = portal.now()
        self.missing: list[str] = []
        self.identifying = [definition for definition in kind.properties.values() if definition.identifies]
        self.multiple = {definition.name for definition in kind.properties.values() if definition.multiple}

    def run(self) -> Outcome:
        """Do it. Raises ApiError when the whole batch is refused; the caller holds the transaction."""
        if self.operation != CREATE:
            self._refuse_duplicates()
            self._resolve()
        for item in self.inputs:
            self._judge(item)
        self._check_record_cap()
        self._check_blocked_emails()
        self._check_unique_values()
        self._refuse_whole_batch()
        return self._write([item for item in self.inputs if item.good])

    def _refuse_duplicates(self) -> None:
        seen = Counter((item.id_property, (item.id or "").lower()) for item in self.inputs)
        repeated = [key for (_, key), count in seen.items() if count > 1]
        if repeated:
            raise duplicate_ids(repeated)

    def _resolve(self) -> None:
        by_property: dict[str | None, list[Input]] = defaultdict(list)
        for item in self.inputs:
            by_property[item.id_property].append(item)
        for name, items in by_property.items():
            if name is None:
                ids = {item.position: number_of(item.id) for item in items}
            else:
                definition = self._key_property(name)
                keys = {item.position: _key(definition, item.id) for item in items}
                holders = self.records.holders(definition, keys.values())
                ids = {item.position: holders.get(keys[item.position]) for item in items}
            records = self.records.fetch(value for value in ids.values() if value is not None)
            for item in items:
                self._attach(item, records.get(ids[item.position] or 0))

    def _attach(self, item: Input, record: Record | None) -> None:
        if record is not None and record.archived is None:
            item.record = record
        elif self.operation == UPDATE:
            self.missing.append(item.id or "")
        elif record is not None:
            item.error = self._conflict(record.id)
        else:
            item.properties = {item.id_property: item.id, **item.properties}

    def _key_property(self, name: str) -> Property:
        definition = self.kind.properties.get(name)
        unique = definition is not None and definition.identifies
        if not unique or (self.operation == UPDATE and not definition.has_unique_value):
            raise not_unique(self.kind.type_id, name, self.settings.portal_id)
        return definition

    def _judge(self, item: Input) -> None:
        if self.operation == UPDATE and item.record is None:
            return
        rules, values = rules_of(self.portal, self.kind), item.values
        for name, value in item.properties.items():
            rule = rules.get(name)
            if rule is None:
                item.problems.append(self._refused(name))
            elif value == "":
                values[name] = ""
            elif value is not None:
                try:
                    values[name] = rule(value)
                except BadValue as bad:
                    item.problems.append(self._problem(bad.code, bad.message, name))
        self._append_options(item)
        if not item.problems:
            self._check_required(item)

    def _refused(self, name: str) -> dict[str, Any]:
        if name in self.kind.properties:
            return self._problem("READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.', name)
        message = f'Property "{name}" does not exist'
        return {"isValid": False, "message": message, "error": "PROPERTY_DOESNT_EXIST", "name": name}

    def _problem(self, code: str, message: str, name: str) -> dict[str, Any]:
        return {
            "isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message,
            "portalId": self.settings.portal_id,
        }  # fmt: skip

    def _append_options(self, item: Input) -> None:
        for name in self.multiple & item.values.keys():
            value = item.values[name]
            if value.startswith(";"):
                present = item.record.values.get(name) if item.record else None
                item.values[name] = append_options(present, value)

    def _check_required(self, item: Input) -> None:
        if item.record is None:
            absent = [name for name in self.kind.required if not item.values.get(name)]
        else:
            absent = [name for name in self.kind.required if item.values.get(name) == ""]
        if absent:
            verb = "creating" if item.record is None else "updating"
            message = f"Error {verb} {self.kind.noun}. Some required properties were not set."
            item.error = bad_request(message, context={"properties": absent})
        elif self.version is Version.SEPTEMBER and self.settings.admin_rules:
            self._check_admin_rules(item)

    def _check_admin_rules(self, item: Input) -> None:
        present = item.record.values if item.record else {}
        after = {**present, **item.values}
        for rule in self.settings.admin_rules:
            if self.portal.registry.find(rule.object_type).number != self.kind.number or after.get(rule.requires):
                continue
            if rule.when_property is None:
                code = "MISSING_REQUIRED_PROPERTY"
            elif after.get(rule.when_property) == rule.when_value:
                code = "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
            else:
                continue
            item.problems.append(self._problem(code, f'Property "{rule.requires}" is required', rule.requires))

    def _check_record_cap(self) -> None:
        new = sum(item.good and item.record is None for item in self.inputs if self.operation != UPDATE)
        if not new:
            return
        kinds = [self.kind]
        if self.kind.custom and self.kind.type_id not in self.settings.records:
            kinds = [kind for kind in self.portal.registry.types.values() if kind.custom]
        used = sum(self.portal.records(kind).counts()[0] for kind in kinds)
        limit = self.settings.record_limit(self.kind.type_id)
        if used + new > limit:
            raise ApiError(
                400, f"This account has reached its limit of {limit} records for {self.kind.type_id}.",
                "VALIDATION_ERROR", subCategory="LIMIT_EXCEEDED", context={"limit": [str(limit)]},
            )  # fmt: skip

    def _check_blocked_emails(self) -> None:
        wanted = {item.values["email"]: item for item in self.inputs if item.values.get("email")}
        if self.kind.type_id != "0-1" or not wanted:
            return
        found = self.portal.store.execute(
            "SELECT email FROM blocked_emails WHERE email IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(wanted)).decode(),),
        )
        for (email,) in found.fetchall():
            wanted[email].problems.append(self._problem("INVALID_EMAIL", "email has been GDPR blacklisted", "email"))

    def _check_unique_values(self) -> None:
        for definition in self.identifying:
            wanted = [item for item in self.inputs if item.good and item.values.get(definition.name)]
            if not wanted:
                continue
            holders = self.records.holders(definition, {item.values[definition.name] for item in wanted})
            claimed: dict[str, Input] = {}
            for item in wanted:
                value = item.values[definition.name]
                holder = holders.get(value)
                own = item.record.id if item.record else None
                if holder is not None and holder != own:
                    self._refuse_value(item, definition, value, holder)
                elif value in claimed:
                    self._refuse_value(item, definition, value, None)
                claimed.setdefault(value, item)

    def _refuse_value(self, item: Input, definition: Property, value: str, holder: int | None) -> None:
        if not definition.has_unique_value:
            item.error = self._conflict(holder)
            return
        message = (
            f"Cannot set PropertyValueCoordinates{{portalId={self.settings.portal_id}, "
            f"objectTypeId={self.kind.type_id}, propertyName={definition.name}, value={value}}} on "
            f"{item.record.id if item.record else -1}. {holder or 'Another input'} already has that value."
        )
        item.problems.append(self._problem("CONFLICTING_UNIQUE_VALUE", message, definition.name))

    def _conflict(self, holder: int | None) -> ApiError:
        message = f"{self.kind.singular} already exists"
        if holder is None:
            return ApiError(409, message, "CONFLICT")
        error = ApiError(409, f"{message}. Existing ID: {holder}", "CONFLICT")
        error.row_context = {"existingId": [str(holder)]}
        return error

    @property
    def _multi_status(self) -> bool:
        traces = {item.trace for item in self.inputs}
        by_email = any(item.id_property == "email" and self.kind.type_id == "0-1" for item in self.inputs)
        return None not in traces and len(traces) == len(self.inputs) and not by_email

    def _refuse_whole_batch(self) -> None:
        if self._multi_status or all(item.good for item in self.inputs):
            return
        problems = [problem for item in self.inputs for problem in item.problems]
        if problems:
            raise invalid_properties(problems)
        raise next(item.error for item in self.inputs if item.error)

    def _write(self, good: list[Input]) -> Outcome:
        fresh = [item for item in good if item.record is None and self.operation != UPDATE]
        changed = [item for item in good if item.record is not None]
        self._insert(fresh)
        self._update(changed)
        results = [self._result(item) for item in good if item.record is not None or item.new_id]
        return Outcome(results, self._errors(), {item.position: item.new_id for item in fresh})

    def _insert(self, fresh: list[Input]) -> None:
        if not fresh:
            return
        first = self.portal.store.take("record_id", len(fresh), 100_000_001)
        rows, claims = [], []
        for number, item in enumerate(fresh, start=first):
            item.new_id = number
            kept = {name: value for name, value in item.values.items() if value != ""}
            rows.append((number, self.now, self.now, orjson.dumps(kept)))
            claims += [(d.number, kept[d.name], number) for d in self.identifying if d.name in kept]
        self.records.insert(rows)
        self.records.claim(claims)

    def _update(self, changed: list[Input]) -> None:
        if not changed:
            return
        rows, claims, releases = [], [], []
        for item in changed:
            before = item.record.values
            after = {name: value for name, value in {**before, **item.values}.items() if value != ""}
            rows.append((self.now, orjson.dumps(after), item.record.id))
            for definition in self.identifying:
                old, new = before.get(definition.name), after.get(definition.name)
                if old != new:
                    releases += [(definition.number, old)] if old is not None else []
                    claims += [(definition.number, new, item.record.id)] if new is not None else []
        if lag := self.settings.search_lag_seconds:
            self.records.keep_old_image([i.record for i in changed], self.now + int(lag * 1000), self.now)
        self.records.update(rows)
        self.records.release(releases)
        self.records.claim(claims)

    def _result(self, item: Input) -> dict[str, Any]:
        record_id, created = (item.record.id, item.record.created) if item.record else (item.new_id, self.now)
        shape = record_shape(self.portal, self.kind, record_id, created, self.now, item.values)
        if self.operation == UPSERT:
            shape["new"] = item.record is None
        if self.settings.echo_trace_ids and item.trace is not None:
            shape["objectWriteTraceId"] = item.trace
        return shape

    def _errors(self) -> list[dict[str, Any]]:
        errors = [self._row_error(item) for item in self.inputs if not item.good]
        if self.missing:
            errors.append(objects_not_found(self.kind.noun, self.missing))
        return errors

    def _row_error(self, item: Input) -> dict[str, Any]:
        context: dict[str, Any] = {"objectWriteTraceId": [item.trace]}
        if item.problems:
            return {
                "status": "error", "category": "VALIDATION_ERROR",
                "message": invalid_properties_message(item.problems), "context": context,
                "errors": problem_details(item.problems),
            }  # fmt: skip
        body = item.error.body
        context |= body.get("context", {}) | item.error.row_context
        return {"status": "error", "category": body["category"], "message": body["message"], "context": context}


def _key(definition: Property, value: str | None) -> str:
    return (value or "").strip().lower() if definition.name == "email" else value or ""


def rules_of(portal: Portal, kind: ObjectType) -> dict[str, Rule]:
    """The compiled rules of the writable properties of a type."""
    if kind.rules is None:
        kind.rules = {
            definition.name: compile_rule(definition, portal.owner_exists)
            for definition in kind.properties.values()
            if not definition.read_only_value
        }
    return kind.rules
