"""Load the records of one object: read what is there, upsert what differs, read back, and only then believe it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import polars as pl

from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.schema import EXTERNAL_ID, Property
from ennu_lib.hubspot.values import differing
from ennu_lib.images import BATCH_ID, Image, fingerprint, images
from ennu_lib.load.at_once import at_once
from ennu_lib.load.ledger import QUARANTINED, REJECTED, VERIFIED, Ledger

BATCH = 100
ATTEMPTS = 2
PLANNED_AT_ONCE = 500
Outcome = tuple[str, str, str | None, bool | None, str | None]


@dataclass
class Loaded:
    """What loading one object came to."""

    records: int = 0
    written: int = 0
    unchanged: int = 0


class RecordLoader:
    """Loads one object into one portal through one ledger."""

    def __init__(
        self,
        client: PortalClient,
        ledger: Ledger,
        object_type: str,
        properties: Mapping[str, Property],
        run_id: str,
        workers: int = 4,
    ):
        self._client = client
        self._ledger = ledger
        self._object = object_type
        self._properties = properties
        self._run_id = run_id
        self._workers = workers
        self._look_first = True

    def load(self, frame: pl.LazyFrame, total: int, progress: Callable[[int, int, str], None]) -> Loaded:
        """Bring every image of `frame` into the portal. Raises TargetUnreachable and TargetRefused."""
        done = Loaded()
        self._look_first = next(iter(self._client.list_records(self._object)), None) is not None
        for outcomes, part in at_once(self._workers, self._settle, self._intended(frame, done)):
            self._ledger.settle(self._object, outcomes)
            done.records += part.records
            done.written += part.written
            done.unchanged += part.unchanged
            progress(done.records, total, self._object)
        return done

    def _intended(self, frame: pl.LazyFrame, done: Loaded) -> Iterator[Sequence[Image]]:
        """Batches, each entered into the ledger before it may be sent."""
        for batch in self._client.ranges.batches(self._pending(frame, done), EXTERNAL_ID, BATCH):
            self._ledger.intend(self._object, [image[EXTERNAL_ID] for image in batch])
            yield batch

    def _pending(self, frame: pl.LazyFrame, done: Loaded) -> Iterator[Image]:
        """The images that the ledger does not know to be verified."""
        rows = images(frame)
        while chunk := list(islice(rows, PLANNED_AT_ONCE)):
            marks = {image[EXTERNAL_ID]: fingerprint(image) for image in chunk}
            open_ids = self._ledger.plan(self._object, marks.items())
            done.records += len(chunk) - len(open_ids)
            done.unchanged += len(chunk) - len(open_ids)
            yield from (image for image in chunk if image[EXTERNAL_ID] in open_ids)

    def _settle(self, batch: Sequence[Image]) -> tuple[list[Outcome], Loaded]:
        """Deal with one batch. A record that could not be read back has no outcome: it stays in flight, in doubt."""
        wanted = {image[EXTERNAL_ID]: image for image in batch}
        outcomes: dict[str, Outcome] = {}
        created: dict[str, bool] = {}
        differs: set[str] = set()
        if self._look_first:
            self._compare(wanted, outcomes, created)
        to_write = [external_id for external_id in wanted if external_id not in outcomes]
        for _ in range(ATTEMPTS):
            left = {external_id: wanted[external_id] for external_id in to_write if external_id not in outcomes}
            if left:
                self._write(left, outcomes, created)
                differs = self._compare(left, outcomes, created)
        for external_id in differs - set(outcomes):
            outcomes[external_id] = (external_id, QUARANTINED, None, None, "READ_BACK_DIFFERS")
        refused = sum(outcome[1] == REJECTED for outcome in outcomes.values())
        part = Loaded(len(batch), written=len(to_write) - refused, unchanged=len(batch) - len(to_write))
        return list(outcomes.values()), part

    def _write(self, left: Mapping[str, Image], outcomes: dict[str, Outcome], created: dict[str, bool]) -> None:
        marked = [{**image, BATCH_ID: self._run_id} for image in left.values()]
        result = self._client.batch_upsert(self._object, EXTERNAL_ID, marked)
        for external_id, record in result.done.items():
            created[external_id] = record.new or created.get(external_id, False)
        for external_id, why in result.rejected.items():
            code = ":".join(part for part in (why.category, why.code, why.property) if part)
            outcomes[external_id] = (external_id, REJECTED, None, None, code)

    def _compare(self, left: Mapping[str, Image], outcomes: dict[str, Outcome], created: dict[str, bool]) -> set[str]:
        """Read records back; those that equal their image are verified, those that do not are returned."""
        asked = [external_id for external_id in left if external_id not in outcomes]
        if not asked:
            return set()
        names = sorted({name for external_id in asked for name in left[external_id]})
        found = self._client.batch_read(self._object, EXTERNAL_ID, asked, names).found
        differs = set()
        for external_id, record in found.items():
            if differing(left[external_id], record.properties, self._properties):
                differs.add(external_id)
            else:
                outcomes[external_id] = (external_id, VERIFIED, record.id, created.get(external_id, False), None)
        return differs
