"""Batch writes of records: look up what is there, judge every input, then write all or the good ones.

The switch between the two is the trace id. When every input carries a unique `objectWriteTraceId`, good inputs are
written and bad ones come back as errors; otherwise one bad input refuses the whole batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import orjson

from ennu_lib.emulator.calls import Portal, Version
from ennu_lib.emulator.errors import ApiError, duplicate_ids, invalid_properties, not_unique, objects_not_found
from ennu_lib.emulator.inputs import CREATE, UPDATE, UPSERT, Input, Outcome, already_exists
from ennu_lib.emulator.judging import Judge
from ennu_lib.emulator.model import ObjectType, Property
from ennu_lib.emulator.records import Record, number_of
from ennu_lib.emulator.shapes import record_shape
from ennu_lib.emulator.uniqueness import refuse_blocked_emails, refuse_taken_values

FIRST_RECORD = 100_000_001


class BatchWrite:
    """One create, update or upsert of up to 100 records of one type."""

    def __init__(self, portal: Portal, kind: ObjectType, operation: str, inputs: list[Input], version: Version):
        self.portal = portal
        self.settings = portal.settings
        self.kind = kind
        self.operation = operation
        self.inputs = inputs
        self.records = portal.records(kind)
        self.judge = Judge(portal, kind, version)
        self.now = portal.now()
        self.missing: list[str] = []

    def run(self) -> Outcome:
        """Do it. Raises ApiError when the whole batch is refused; the caller holds the transaction."""
        if self.operation != CREATE:
            self._refuse_duplicates()
            self._resolve()
        for item in self.inputs:
            if self.operation != UPDATE or item.record is not None:
                self.judge.judge(item)
        self._check_record_cap()
        refuse_blocked_emails(self.portal, self.kind, self.inputs)
        refuse_taken_values(self.portal, self.kind, self.inputs)
        self._refuse_whole_batch()
        return self._write()

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
            ids = self._ids(name, items)
            records = self.records.fetch(number for number in ids if number is not None)
            for item, number in zip(items, ids, strict=True):
                self._attach(item, records.get(number or 0))

    def _ids(self, name: str | None, items: list[Input]) -> list[int | None]:
        if name is None:
            return [number_of(item.id) for item in items]
        definition = self._key_property(name)
        keys = [definition.spelled(item.id or "") for item in items]
        holders = self.records.holders(definition, keys)
        return [holders.get(key) for key in keys]

    def _key_property(self, name: str) -> Property:
        definition = self.kind.properties.get(name)
        if definition is None or not definition.identifies:
            raise not_unique(self.kind.type_id, name, self.settings.portal_id)
        if self.operation == UPDATE and not definition.has_unique_value:
            raise not_unique(self.kind.type_id, name, self.settings.portal_id)
        return definition

    def _attach(self, item: Input, record: Record | None) -> None:
        if record is not None and record.archived is None:
            item.record = record
        elif self.operation == UPDATE:
            self.missing.append(item.id or "")
        elif record is not None:
            item.error = already_exists(self.kind, record.id)
        else:
            item.properties = {item.id_property or "": item.id, **item.properties}

    def _check_record_cap(self) -> None:
        new = sum(item.good and item.record is None for item in self.inputs) if self.operation != UPDATE else 0
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
                subCategory="LIMIT_EXCEEDED", context={"limit": [str(limit)]},
            )  # fmt: skip

    @property
    def _multi_status(self) -> bool:
        """Whether good inputs are written although others are bad; never for upserts by e-mail address."""
        traces = {item.trace for item in self.inputs}
        by_email = self.kind.type_id == "0-1" and any(item.id_property == "email" for item in self.inputs)
        return None not in traces and len(traces) == len(self.inputs) and not by_email

    def _refuse_whole_batch(self) -> None:
        bad = [item for item in self.inputs if not item.good]
        if not bad or self._multi_status:
            return
        problems = [problem for item in bad for problem in item.problems]
        if problems:
            raise invalid_properties(problems)
        raise next(item.error for item in bad if item.error)

    def _write(self) -> Outcome:
        good = [item for item in self.inputs if item.good]
        changed = [item for item in good if item.record is not None]
        fresh = [item for item in good if item.record is None] if self.operation != UPDATE else []
        self._insert(fresh)
        self._update(changed)
        results = [self._result(item) for item in good if item.record is not None or item.new_id]
        errors = [item.row_error() for item in self.inputs if not item.good]
        if self.missing:
            errors.append(objects_not_found(self.kind.noun, self.missing))
        return Outcome(results, errors, len(fresh))

    def _insert(self, fresh: list[Input]) -> None:
        if not fresh:
            return
        first = self.portal.store.take("record_id", len(fresh), FIRST_RECORD)
        identifying = self.kind.identifying
        rows, claims = [], []
        for number, item in enumerate(fresh, start=first):
            item.new_id = number
            kept = {name: value for name, value in item.values.items() if value != ""}
            rows.append((number, self.now, self.now, orjson.dumps(kept)))
            claims += [(d.number, kept[d.name], number) for d in identifying if d.name in kept]
        self.records.insert(rows)
        self.records.claim(claims)

    def _update(self, changed: list[Input]) -> None:
        if not changed:
            return
        rows, claims, releases = [], [], []
        for item in changed:
            before, number = item.record.values, item.record.id
            after = {name: value for name, value in {**before, **item.values}.items() if value != ""}
            rows.append((self.now, orjson.dumps(after), number))
            for definition in self.kind.identifying:
                old, new = before.get(definition.name), after.get(definition.name)
                if old != new:
                    releases += [(definition.number, old)] if old is not None else []
                    claims += [(definition.number, new, number)] if new is not None else []
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
