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
        """Batches of at most `size` records, no two of them of one range at a time: workers seldom wait for each other.

        A full batch is of one range. What is left at the end goes out several ranges to a batch: 460 records are five
        requests or six, not one for every range. Holds up to `count * size` records; the order within a range stays.
        """
        waiting: list[list[Mapping[str, Any]]] = [[] for _ in range(self.count)]
        for record in records:
            batch = waiting[self.range_of(record[id_property])]
            batch.append(record)
            if len(batch) == size:
                yield tuple(batch)
                batch.clear()
        yield from _packed(waiting, size)


def _packed(parts: Iterable[Sequence[Mapping[str, Any]]], size: int) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The parts, each whole, in batches of at most `size`: the largest first, each into the first batch with room."""
    batches: list[list[Mapping[str, Any]]] = []
    for part in sorted(filter(None, parts), key=len, reverse=True):
        room = next((batch for batch in batches if len(batch) + len(part) <= size), None)
        if room is None:
            batches.append(list(part))
        else:
            room.extend(part)
    yield from map(tuple, batches)
