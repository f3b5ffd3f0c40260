"""At most one request in flight per range of keys: what HubSpot does with two upserts of one key is not documented."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

DEFAULT_RANGES = 32


class KeyRanges:
    """Splits keys into ranges by their hash, and lets one request at a time into each."""

    def __init__(self, count: int = DEFAULT_RANGES):
        self.count = count
        self._locks = [threading.Lock() for _ in range(count)]

    def range_of(self, key: str) -> int:
        """The range of a key: the same in every process."""
        return zlib.crc32(key.encode()) % self.count

    @contextmanager
    def hold(self, keys: Iterable[str]) -> Iterator[None]:
        """Keep everybody else out of the ranges of these keys. Always taken in the same order: no deadlock."""
        with ExitStack() as held:
            for number in sorted({self.range_of(key) for key in keys}):
                held.enter_context(self._locks[number])
            yield

    def batches(
        self, records: Iterable[Mapping[str, Any]], id_property: str, size: int = 100
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Batches of at most `size` records, each of one range only, so that workers seldom wait for each other.

        Holds up to `count * size` records; the order within a range stays.
        """
        waiting: list[list[Mapping[str, Any]]] = [[] for _ in range(self.count)]
        for record in records:
            batch = waiting[self.range_of(record[id_property])]
            batch.append(record)
            if len(batch) == size:
                yield tuple(batch)
                batch.clear()
        for batch in waiting:
            if batch:
                yield tuple(batch)
