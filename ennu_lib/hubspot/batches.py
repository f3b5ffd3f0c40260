"""Which input of a batch an answer speaks of: by the key or the trace id that it carries, never by its position."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ennu_lib.hubspot.answers import Rejection, RowError, results_of, row_errors
from ennu_lib.hubspot.caller import Answered

BATCH_INPUTS = 100
# How often a batch goes out again after answers that settle nothing of it.
SILENT_REPEATS = 5
# A row that failed for a reason of the portal's own is not refused: it is sent again.
PASSING = frozenset({"INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT", "LOCKED", "RATE_LIMITS", "RATE_LIMIT"})


@dataclass(slots=True)
class Matched:
    """One 2xx answer, sorted: results and errors by key, and errors that name no input of ours."""

    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    errors: dict[str, Rejection] = field(default_factory=dict)
    nameless: list[Rejection] = field(default_factory=list)

    def definite_errors(self) -> dict[str, Rejection]:
        """The rows that were refused for good."""
        return {key: why for key, why in self.errors.items() if key not in self.results and why.category not in PASSING}


def match(
    answer: Answered, keys: Sequence[str], id_property: str | None, names: Collection[str], by_trace: bool = True
) -> Matched:
    """Sort an answer to a batch whose inputs had the trace ids 0, 1, 2 … in the order of `keys`.

    A result that names no key of ours, or names one twice with different record ids, settles nothing.
    """
    matched = Matched()
    lookup = _Lookup(keys, by_trace)
    contradicted = set()
    for result in results_of(answer.data):
        key = lookup.of_result(result, id_property)
        if key is None:
            continue
        if key in matched.results and matched.results[key].get("id") != result.get("id"):
            contradicted.add(key)
        matched.results[key] = result
    for key in contradicted:
        del matched.results[key]
    for error in row_errors(answer.data, names, answer.correlation_id):
        about = lookup.of_error(error)
        matched.errors.update(dict.fromkeys(about, error.rejection))
        if not about:
            matched.nameless.append(error.rejection)
    return matched


class _Lookup:
    """Keys by what an answer may call them. HubSpot lower-cases some unique values."""

    def __init__(self, keys: Sequence[str], by_trace: bool):
        self._exact = set(keys)
        self._folded = {key.lower(): key for key in keys}
        self._by_trace = {str(number): key for number, key in enumerate(keys)} if by_trace else {}

    def of_result(self, result: Mapping[str, Any], id_property: str | None) -> str | None:
        if not isinstance(result.get("id"), str):
            return None
        properties = result.get("properties")
        own = properties.get(id_property) if id_property and isinstance(properties, dict) else None
        if id_property is None:
            own = result["id"]
        return self._key(own) or self._by_trace.get(str(result.get("objectWriteTraceId")))

    def of_error(self, error: RowError) -> list[str]:
        traced = [self._by_trace[trace] for trace in error.trace_ids if trace in self._by_trace]
        return traced or [key for key in map(self._key, error.ids) if key]

    def _key(self, text: Any) -> str | None:
        if not isinstance(text, str):
            return None
        return text if text in self._exact else self._folded.get(text.lower())
