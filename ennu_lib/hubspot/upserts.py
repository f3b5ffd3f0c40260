"""Batch upserts and updates: every record ends as done, rejected or ambiguous, whatever the portal answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ennu_lib.hubspot.answers import Rejection
from ennu_lib.hubspot.batches import BATCH_INPUTS, SILENT_REPEATS, Matched, match
from ennu_lib.hubspot.caller import Answered, Caller, Lost, Refused
from ennu_lib.hubspot.inflight import KeyRanges
from ennu_lib.hubspot.outcomes import BatchOutcome, RecordResult

Records = Mapping[str, Mapping[str, Any]]


class Upserter:
    """Sends one batch and follows it up until every key is accounted for.

    A whole batch that is refused is halved, so that one bad record cannot take 99 good ones with it. Keys that an
    answer does not mention are sent again, an upsert being safe to repeat: at once alone when the answer holds an
    error that names nobody, otherwise together. Without an `id_property` the keys are record ids.
    """

    def __init__(self, caller: Caller, path: str, id_property: str | None, ranges: KeyRanges):
        self._caller = caller
        self._path = path
        self._id_property = id_property
        self._ranges = ranges

    def send(self, records: Records) -> BatchOutcome:
        """Upsert up to 100 records, by key. Raises TargetRefused and TargetUnreachable as `Caller.call` does."""
        outcome = BatchOutcome()
        names = {name for record in records.values() for name in record}
        with self._ranges.hold(records):
            self._settle(dict(records), names, outcome, SILENT_REPEATS)
        return outcome

    def _settle(self, records: Records, names: set[str], outcome: BatchOutcome, repeats: int) -> None:
        keys = list(records)
        answer = self._caller.call("objects", "POST", self._path, body=self._body(records), names=names)
        if isinstance(answer, Lost):
            outcome.ambiguous.update(keys)
        elif isinstance(answer, Refused):
            self._divide(records, names, outcome, answer.rejection)
        else:
            self._follow_up(records, names, outcome, repeats, self._matched(answer, keys, names))

    def _divide(self, records: Records, names: set[str], outcome: BatchOutcome, why: Rejection) -> None:
        if len(records) == 1:
            outcome.rejected.update(dict.fromkeys(records, why))
            return
        for half in _halves(records):
            self._settle(half, names, outcome, SILENT_REPEATS)

    def _follow_up(
        self, records: Records, names: set[str], outcome: BatchOutcome, repeats: int, matched: Matched
    ) -> None:
        for key, result in matched.results.items():
            outcome.done[key] = RecordResult(result["id"], result.get("new") is True)
        outcome.rejected.update(matched.definite_errors())
        silent = {key: records[key] for key in records if key not in outcome.done and key not in outcome.rejected}
        if not silent:
            return
        if matched.nameless and len(records) == 1:
            outcome.rejected.update(dict.fromkeys(silent, matched.nameless[0]))
        elif matched.nameless:
            for key, record in silent.items():
                self._settle({key: record}, names, outcome, SILENT_REPEATS)
        elif len(silent) < len(records):
            self._settle(silent, names, outcome, SILENT_REPEATS)
        elif repeats:
            self._caller.repeat_later(SILENT_REPEATS - repeats + 1)
            self._settle(silent, names, outcome, repeats - 1)
        else:
            outcome.ambiguous.update(silent)

    def _matched(self, answer: Answered, keys: list[str], names: set[str]) -> Matched:
        return match(answer, keys, self._id_property, names)

    def _body(self, records: Records) -> dict[str, Any]:
        by = {"idProperty": self._id_property} if self._id_property else {}
        return {
            "inputs": [
                {"id": key, **by, "objectWriteTraceId": str(number), "properties": record}
                for number, (key, record) in enumerate(records.items())
            ]
        }


def keyed(id_property: str, records: Sequence[Mapping[str, Any]]) -> Records:
    """The records of one batch by their key. Raises ValueError for what HubSpot would refuse as a whole."""
    within_a_batch(records)
    by_key: dict[str, Mapping[str, Any]] = {}
    for record in records:
        key = record.get(id_property)
        if not isinstance(key, str) or not key:
            raise ValueError(f"a record has no {id_property}")
        if key in by_key:
            raise ValueError(f"two records of one batch have the same {id_property}")
        by_key[key] = record
    return by_key


def within_a_batch(records: Collection[Any]) -> None:
    """Raises ValueError for more records than HubSpot takes at once."""
    if len(records) > BATCH_INPUTS:
        raise ValueError(f"a batch holds at most {BATCH_INPUTS} records, not {len(records)}")


def _halves(records: Records) -> tuple[Records, Records]:
    items = list(records.items())
    middle = len(items) // 2
    return dict(items[:middle]), dict(items[middle:])
