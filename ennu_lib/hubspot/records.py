"""The record endpoints: upsert, read by unique key, archive, list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ennu_lib.errors import TargetRefused
from ennu_lib.hubspot.answers import inside, results_of
from ennu_lib.hubspot.batches import BATCH_INPUTS, SILENT_REPEATS, match
from ennu_lib.hubspot.caller import Answered, Lost, Refused
from ennu_lib.hubspot.definitions import Definitions
from ennu_lib.hubspot.inflight import KeyRanges
from ennu_lib.hubspot.outcomes import BatchOutcome, ReadOutcome, StoredRecord
from ennu_lib.hubspot.upserts import Upserter, keyed, within_a_batch


class RecordCalls(Definitions):
    """Calls about records. Object types are named as in the portal schema; the portal's own ids work too."""

    ranges: KeyRanges

    def batch_upsert(self, object_type: str, id_property: str, records: Sequence[Mapping[str, Any]]) -> BatchOutcome:
        """Create or update up to 100 records by the unique property `id_property`, which each record holds.

        Values are strings as the portal stores them; "" clears a property, None leaves it as it is. Raises
        ValueError for a batch that HubSpot would refuse as a whole (a key twice, no key, more than 100 records),
        TargetRefused and TargetUnreachable.
        """
        path = self.paths.objects(self.type_id(object_type), "batch", "upsert")
        return Upserter(self, path, id_property, self.ranges).send(keyed(id_property, records))

    def batch_update(self, object_type: str, records: Mapping[str, Mapping[str, Any]]) -> BatchOutcome:
        """Update up to 100 records by record id; "" clears a property. Raises as `batch_upsert`."""
        within_a_batch(records)
        path = self.paths.objects(self.type_id(object_type), "batch", "update")
        return Upserter(self, path, None, self.ranges).send(records)

    def batch_read(
        self, object_type: str, id_property: str | None, keys: Sequence[str], properties: Sequence[str]
    ) -> ReadOutcome:
        """Read up to 100 records by a unique property, or by record id when `id_property` is None.

        Strongly consistent, unlike search. Raises ValueError, TargetRefused, TargetUnreachable.
        """
        wanted = list(dict.fromkeys(keys))
        if len(wanted) > BATCH_INPUTS:
            raise ValueError(f"a batch read holds at most {BATCH_INPUTS} keys, not {len(wanted)}")
        path = self.paths.objects(self.type_id(object_type), "batch", "read")
        names = [*properties, *([id_property] if id_property and id_property not in properties else [])]
        outcome = ReadOutcome()
        repeats = 0
        while wanted and repeats <= SILENT_REPEATS:
            left = self._read_once(path, id_property, wanted, names, outcome)
            repeats = repeats + 1 if len(left) == len(wanted) else 0
            if repeats:
                self.repeat_later(repeats)
            wanted = left
        outcome.ambiguous.update(wanted)
        return outcome

    def batch_archive(self, object_type: str, record_ids: Sequence[str]) -> None:
        """Put up to 100 records into the recycle bin, by record id; ids that are gone already do no harm."""
        path = self.paths.objects(self.type_id(object_type), "batch", "archive")
        body = {"inputs": [{"id": record_id} for record_id in record_ids]}
        self.ask("objects", "POST", path, body=body, what=f"archiving {object_type} records")

    def count_with(self, object_type: str, name: str) -> int:
        """About how many records have a value of property `name`: search lags behind what was just written."""
        path = self.paths.objects(self.type_id(object_type), "search")
        filters = [{"propertyName": name, "operator": "HAS_PROPERTY"}]
        body = {"filterGroups": [{"filters": filters}], "limit": 1}
        total = self.ask("search", "POST", path, body=body, what=f"counting {object_type} records").get("total")
        return total if isinstance(total, int) else 0

    def list_records(
        self, object_type: str, properties: Iterable[str] = (), archived: bool = False
    ) -> Iterator[StoredRecord]:
        """All records of a type, page by page in the order of their ids."""
        path = self.paths.objects(self.type_id(object_type))
        query = [("limit", str(BATCH_INPUTS)), ("archived", "true" if archived else "false")]
        query += [("properties", ",".join(properties))] if properties else []
        after: list[tuple[str, str]] = []
        while True:
            page = self.ask("objects", "GET", path, [*query, *after], what=f"listing {object_type} records")
            yield from map(_stored, results_of(page))
            following = inside(page, "paging", "next", "after")
            if not following:
                return
            after = [("after", str(following))]

    def _read_once(
        self, path: str, id_property: str | None, keys: list[str], names: list[str], outcome: ReadOutcome
    ) -> list[str]:
        """Read `keys`, add to `outcome`, and return the keys of which the portal said nothing."""
        body: dict[str, Any] = {"inputs": [{"id": key} for key in keys], "properties": names}
        if id_property:
            body["idProperty"] = id_property
        answer = self.call("objects", "POST", path, body=body, names=names)
        if isinstance(answer, Refused):
            raise TargetRefused(f"the portal refuses a batch read: status {answer.status}, {answer.rejection}")
        if isinstance(answer, Lost):
            return keys
        return self._sort(answer, id_property, keys, outcome)

    def _sort(self, answer: Answered, id_property: str | None, keys: list[str], outcome: ReadOutcome) -> list[str]:
        matched = match(answer, keys, id_property, (), by_trace=False)
        outcome.found.update({key: _stored(found) for key, found in matched.results.items()})
        gone = {key for key, why in matched.errors.items() if why.category == "OBJECT_NOT_FOUND"}
        outcome.missing |= gone - set(outcome.found)
        return [key for key in keys if key not in outcome.found and key not in outcome.missing]


def _stored(found: Mapping[str, Any]) -> StoredRecord:
    values = found.get("properties")
    held = values.items() if isinstance(values, Mapping) else ()
    return StoredRecord(str(found.get("id", "")), {name: value for name, value in held if value is not None})
