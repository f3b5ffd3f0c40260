"""Records that a request in flight is about to write: a second request for one of them is answered 423.

Requests are in flight together only while the portal has latency (`latency_seconds`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ennu_lib.emulator.calls import Call
from ennu_lib.emulator.endpoints import Endpoint
from ennu_lib.emulator.faults import locked

Key = tuple[str, str | None, str]


class Locks:
    """The keys of records being written."""

    def __init__(self) -> None:
        self.keys: set[Key] = set()

    @contextmanager
    def held(self, endpoint: Endpoint, call: Call) -> Iterator[None]:
        """Hold the keys of a batch write. Raises the 423 when another request holds one of them."""
        keys = _keys(call) if endpoint.writes_records else set()
        if keys & self.keys:
            raise locked()
        self.keys |= keys
        try:
            yield
        finally:
            self.keys -= keys


def _keys(call: Call) -> set[Key]:
    kind = call.path["object_type"].lower()
    return {(kind, item.get("idProperty"), str(item["id"]).lower()) for item in call.inputs() if "id" in item}
