"""Read every loaded record back and compare it with its image, field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from ennu_lib.hubspot import PortalClient
from ennu_lib.hubspot.schema import EXTERNAL_ID, Property
from ennu_lib.hubspot.values import differing

BATCH = 100
DIFFERENCES = {"object": pl.String, "external_id": pl.String, "property": pl.String, "what": pl.String}


@dataclass
class Compared:
    """What comparing one object found. `differences` has names and ids only, never values."""

    object: str
    expected: int = 0
    equal: int = 0
    missing: int = 0
    different: int = 0
    fields: int = 0
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def differences(self) -> pl.DataFrame:
        """One row per missing record and per property that differs."""
        return pl.DataFrame(self.rows, schema=DIFFERENCES, orient="row")


def compare_object(
    client: PortalClient,
    name: str,
    images: pl.LazyFrame,
    properties: Mapping[str, Property],
    progress: Callable[[int, int, str], None],
    workers: int = 4,
) -> Compared:
    """Compare all `images` of object `name` with the portal, 100 at a time, matched by external id."""
    found = Compared(name)
    total = images.select(pl.len()).collect(engine="streaming").item()
    with ThreadPoolExecutor(workers) as pool:
        for batch in images.collect_batches(chunk_size=BATCH * workers * 4):
            rows = batch.to_dicts()
            parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
            for part in pool.map(lambda p: _compare(client, name, p, properties), parts):
                _add(found, part)
                progress(found.expected, total, name)
    return found


def _compare(
    client: PortalClient, name: str, batch: list[dict[str, str | None]], properties: Mapping[str, Property]
) -> Compared:
    part = Compared(name, expected=len(batch))
    wanted = {row[EXTERNAL_ID]: {k: v for k, v in row.items() if v is not None} for row in batch}
    names = sorted({n for image in wanted.values() for n in image})
    stored = client.batch_read(name, EXTERNAL_ID, list(wanted), names).found
    for external_id, image in wanted.items():
        part.fields += len(image)
        record = stored.get(external_id)
        wrong = differing(image, record.properties, properties) if record else []
        if record is None:
            part.missing += 1
            part.rows.append((name, external_id, "", "missing"))
        elif wrong:
            part.different += 1
            part.rows += [(name, external_id, each, "different") for each in wrong]
        else:
            part.equal += 1
    return part


def _add(total: Compared, part: Compared) -> None:
    for count in ("expected", "equal", "missing", "different", "fields"):
        setattr(total, count, getattr(total, count) + getattr(part, count))
    total.rows += part.rows
