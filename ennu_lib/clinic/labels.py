"""Where the builder writes down what it planted: the answer key against which checks are scored.

Three Parquet files in one directory of the workspace, never in the database:
`labels.parquet` (table, key, defect, truth), one row per planted defect, key as text, parts of a composite key joined
by `|`; truth is what a perfect repair of the cell would hold, NULL where the cell should be empty or the row is wrong;
`identity_truth.parquet` (patient_id, person_id, household_id, kind), one row per patient row;
`score_truth.parquet` (health_score_id, way), one row per stored score that was computed otherwise than by its formula.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

LABELS_FILE = "labels.parquet"
IDENTITY_FILE = "identity_truth.parquet"
SCORES_FILE = "score_truth.parquet"
LABELS_SCHEMA = {"table": pl.String, "key": pl.String, "defect": pl.String, "truth": pl.String}
IDENTITY_SCHEMA = {"patient_id": pl.Int64, "person_id": pl.Int64, "household_id": pl.Int64, "kind": pl.String}

SCORES_SCHEMA = {"health_score_id": pl.Int64, "way": pl.String}
SCHEMAS = {LABELS_FILE: LABELS_SCHEMA, IDENTITY_FILE: IDENTITY_SCHEMA, SCORES_FILE: SCORES_SCHEMA}


def as_written(values: pl.Series) -> pl.Series:
    """Values as the database writes them: days and moments in ISO 8601 with a blank between, NULL for NULL."""
    if values.dtype == pl.Datetime:
        return values.dt.strftime("%Y-%m-%d %H:%M:%S")
    return values.cast(pl.String)


class LabelSink:
    """Collects labels and streams them to the label files; without a directory it only counts."""

    def __init__(self, directory: Path | None):
        self.defects = 0
        self._directory = directory
        self._pending: dict[str, list[pl.DataFrame]] = {name: [] for name in SCHEMAS}
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(
        self, table: str, keys: pl.Series | np.ndarray | Iterable, defect: str, truth: pl.Series | None = None
    ) -> None:
        """Say that the rows of `table` with these keys carry `defect`; `truth` is what each cell should hold."""
        series = keys if isinstance(keys, pl.Series) else pl.Series(values=keys)
        self.defects += len(series)
        if len(series):
            frame = pl.DataFrame({"key": series.cast(pl.String)}).select(
                pl.lit(table).alias("table"),
                "key",
                pl.lit(defect).alias("defect"),
                (pl.lit(None) if truth is None else as_written(truth)).cast(pl.String).alias("truth"),
            )
            self._pending[LABELS_FILE].append(frame)

    def add_identities(self, frame: pl.DataFrame) -> None:
        """Say who each patient row is: columns patient_id, person_id, household_id, kind."""
        self._pending[IDENTITY_FILE].append(frame.select(pl.col(n).cast(t) for n, t in IDENTITY_SCHEMA.items()))

    def add_scores(self, frame: pl.DataFrame) -> None:
        """Say how the old software computed some of its scores: columns health_score_id, way."""
        self._pending[SCORES_FILE].append(frame.select(pl.col(n).cast(t) for n, t in SCORES_SCHEMA.items()))

    def flush(self) -> None:
        """Write what is pending, so that memory does not grow with the number of patients."""
        for name, frames in self._pending.items():
            if frames and self._directory:
                self._write(name, pl.concat(frames))
            frames.clear()

    def close(self) -> None:
        """Write the rest; all files exist afterwards even when nothing was planted, and bear their final names."""
        self.flush()
        if not self._directory:
            return
        for name, schema in SCHEMAS.items():
            if name not in self._writers:
                self._write(name, pl.DataFrame(schema=schema))
            self._writers.pop(name).close()
            self._partial(name).rename(self._directory / name)

    def discard(self) -> None:
        """Remove what was written so far: the build it describes does not exist."""
        for name, writer in self._writers.items():
            writer.close()
            self._partial(name).unlink(missing_ok=True)
        self._writers.clear()

    def _partial(self, name: str) -> Path:
        return self._directory / f".{name}.partial"

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        table = frame.to_arrow()
        if name not in self._writers:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._partial(name)
            path.touch(mode=0o600)
            self._writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
        self._writers[name].write_table(table)
