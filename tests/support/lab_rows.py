"""Many laboratory rows as a legacy system holds them: mixed unit spellings, flagged values, dates in several forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.quality.standard.events import ParquetStream

PORTION = 500_000
FIRST_DAY = np.datetime64("2016-01-01", "us")
ODD = 0.02


def write_lab_rows(path: Path, rows: int, catalogue: BiomarkerCatalogue, seed: int = 5) -> None:
    """Write `rows` rows to a Parquet file; one in fifty values and dates is written in an unusual way."""
    rng = np.random.default_rng(seed)
    stream = ParquetStream(path)
    for first in range(0, rows, PORTION):
        stream.write(_portion(rng, first, min(PORTION, rows - first), catalogue))
    stream.close()


def _portion(rng: np.random.Generator, first: int, rows: int, catalogue: BiomarkerCatalogue) -> pl.DataFrame:
    metrics = list(catalogue)
    spellings = [[s for s, u in catalogue.units.exact.items() if u == m.unit] or [m.unit] for m in metrics]
    names = [[m.name, *m.aliases] for m in metrics]
    which = rng.integers(0, len(metrics), rows)
    nth = rng.integers(0, 7, rows)
    low = np.array([float(m.plausible.low or 0) for m in metrics])[which]
    high = np.array([float(m.plausible.high or 1000) for m in metrics])[which]
    number = pl.Series(np.round(low + (high - low) * rng.beta(2, 6, rows), 2)).cast(pl.String)
    moment = pl.Series(
        FIRST_DAY + np.sort(rng.integers(0, 10**8, rows)).astype("timedelta64[s]").astype("timedelta64[us]")
    ).cast(pl.Datetime("us"))
    odd = [pl.Series(rng.random(rows) < ODD) for _ in range(3)]
    frame = pl.DataFrame(
        {
            "n": np.arange(first, first + rows),
            "test_name": pl.Series([names[m][k % len(names[m])] for m, k in zip(which, nth, strict=True)]),
            "loinc_code": pl.Series([m.loinc or None for m in metrics], dtype=pl.String).gather(which),
            "test_unit": pl.Series([spellings[m][k % len(spellings[m])] for m, k in zip(which, nth, strict=True)]),
            "number": number,
            "at": moment,
        }
    )
    return frame.select(
        pl.col("n").cast(pl.String).alias("__key"),
        "test_name",
        "loinc_code",
        pl.when(odd[0]).then(pl.col("number") + " H").otherwise("number").alias("test_value"),
        "test_unit",
        pl.when(odd[1])
        .then(pl.col("at").dt.strftime("%m/%d/%Y %H:%M"))
        .otherwise(pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S"))
        .alias("collected_at"),
        pl.when(odd[2])
        .then(pl.lit("0000-00-00 00:00:00"))
        .otherwise((pl.col("at") + pl.duration(days=2)).dt.strftime("%Y-%m-%d %H:%M:%S"))
        .alias("reported_at"),
    )
