"""One request and its answer, as the handlers see them; and the portal that they work on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Any

import orjson

from ennu_lib.clock import Clock
from ennu_lib.emulator.errors import bad_request
from ennu_lib.emulator.founding import found
from ennu_lib.emulator.limits import Limiter
from ennu_lib.emulator.model import ObjectType
from ennu_lib.emulator.records import Records, number_of
from ennu_lib.emulator.registry import Registry
from ennu_lib.emulator.settings import EmulatorSettings
from ennu_lib.emulator.store import Store
from ennu_lib.emulator.times import iso, milliseconds


class Version(StrEnum):
    """Which generation of paths a request came in on; one handler answers all of them."""

    LEGACY = "v3"
    MARCH = "2026-03"
    SEPTEMBER = "2026-09"


@dataclass
class Answer:
    """Status, JSON body, and headers beyond the usual."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Portal:
    """One emulated portal: its state, its definitions, its settings, its time."""

    def __init__(self, store: Store, settings: EmulatorSettings, clock: Clock):
        self.store = store
        self.settings = settings
        self.clock = clock
        self.registry = Registry(store, settings.portal_id)
        found(self.registry)
        self.limiter = Limiter(clock, settings, store.get("today"))
        self.chance = Random(settings.seed)
        self.background: set[asyncio.Task[None]] = set()

    def keep_time(self) -> None:
        """Note the time and the day's request counts in the state file."""
        with self.store.transaction():
            self.store.put("time", self.clock.now().isoformat())
            self.store.put("today", self.limiter.count())

    def reset(self) -> None:
        """Begin again as on the first day; the time goes on."""
        for task in self.background:
            task.cancel()
        self.store.drop_everything()
        self.registry.load()
        found(self.registry)
        self.limiter.reset()

    def close(self) -> None:
        """Keep what is only in memory and let the file go."""
        self.keep_time()
        self.store.close()

    def now(self) -> int:
        """The portal's time in milliseconds since 1970."""
        return milliseconds(self.clock.now())

    def records(self, kind: ObjectType) -> Records:
        """The records of one type."""
        return Records(self.store, kind)

    def shuffled(self, results: list[Any]) -> list[Any]:
        """Batch results come back in no order."""
        if self.settings.shuffle_results:
            self.chance.shuffle(results)
        return results

    def owner_exists(self, owner_id: str) -> bool:
        """Whether an owner has this id."""
        return self.store.execute("SELECT 1 FROM owners WHERE id = ?", (owner_id,)).fetchone() is not None


@dataclass
class Call:
    """What a handler may know of a request."""

    version: Version
    path: dict[str, str]
    query: dict[str, list[str]]
    raw: bytes
    content_type: str = ""
    token: str = ""

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body as an object. Raises a 400 when it is something else."""
        try:
            body = orjson.loads(self.raw or b"{}")
        except orjson.JSONDecodeError:
            raise bad_request("Invalid input JSON: the request body could not be parsed") from None
        if not isinstance(body, dict):
            raise bad_request("Invalid input JSON: the request body must be an object")
        return body

    @cached_property
    def json_list(self) -> list[Any]:
        """The body as a list. Raises a 400 when it is something else."""
        try:
            body = orjson.loads(self.raw or b"[]")
        except orjson.JSONDecodeError:
            body = None
        if not isinstance(body, list):
            raise bad_request("Invalid input JSON: the request body must be a list")
        return body

    def inputs(self) -> list[dict[str, Any]]:
        """The `inputs` of a batch request. Raises a 400 when there are none, or they are no objects."""
        inputs = self.json.get("inputs")
        if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
            raise bad_request("Invalid input JSON: inputs must be a list of objects")
        return inputs

    def first_half(self) -> Call:
        """The same request with the first half of its inputs."""
        inputs = self.inputs()
        raw = orjson.dumps({**self.json, "inputs": inputs[: (len(inputs) + 1) // 2]})
        return replace(self, raw=raw)

    def first(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def names(self, name: str) -> list[str]:
        """A query parameter that may be repeated and may hold commas."""
        return [part.strip() for value in self.query.get(name, []) for part in value.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        """A query parameter that is true or false."""
        return self.first(name, "false") == "true"

    def limit(self, default: int, most: int) -> int:
        """The `limit` of a page. Raises a 400 when it is no number or too large."""
        limit = number_of(self.first("limit") or default)
        if limit is None or not 1 <= limit <= most:
            raise bad_request(f"Invalid limit: it must be a number from 1 to {most}")
        return limit


def batch_answer(
    portal: Portal,
    call: Call,
    started: int,
    results: list[Any],
    errors: list[dict[str, Any]],
    status: int = 200,
    multi_status: bool = True,
) -> Answer:
    """A batch body; with `numErrors` and `errors` when an input failed, as 207 or folded into the 2xx.

    It is folded on 2026-09, and where `multi_status` says that an endpoint knows no 207 at all.
    """
    body: dict[str, Any] = {
        "completedAt": iso(portal.now()),
        "status": "COMPLETE",
        "startedAt": iso(started),
        "results": results,
    }
    if errors:
        body |= {"errors": errors, "numErrors": len(errors)}
        folded = call.version is Version.SEPTEMBER and not portal.settings.multi_status_2026_09
        if multi_status and not folded:
            status = 207
    return Answer(status, body)
