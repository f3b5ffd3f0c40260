"""A population for the speed of the scores: values around each metric's optimum, spelt as laboratories spell them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue

AS_OF = dt.date(2026, 6, 30)


def population(
    patients: int, dates: int, catalogue: BiomarkerCatalogue, seed: int = 25
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Measurements (patients x metrics x dates rows) and patients, the same for the same seed."""
    rng = np.random.default_rng(seed)
    sexes = np.where(rng.random(patients) < 0.6, "male", "female")
    people = pl.DataFrame({"patient_id": [str(n) for n in range(patients)], "sex": sexes})
    parts = [_metric_rows(b, patients, dates, rng) for b in catalogue]
    rows = pl.concat(parts).sample(fraction=1.0, shuffle=True, seed=seed)
    return rows.with_columns(source_id=pl.int_range(pl.len()).cast(pl.String)), people


def _metric_rows(b, patients: int, dates: int, rng) -> pl.DataFrame:
    optimum = b.optimum["male"] or b.optimum["female"]
    low = float(optimum.low if optimum.low is not None else optimum.high / 2)
    high = float(optimum.high if optimum.high is not None else optimum.low * 2)
    values = np.clip(rng.normal((low + high) / 2, (high - low) * 0.8, patients * dates), low / 10, None)
    decimals = 0 if high >= 100 else 1 if high >= 10 else 2
    days = rng.integers(0, 1500, patients * dates)
    return pl.DataFrame(
        {
            "patient_id": np.repeat(np.arange(patients), dates),
            "value": np.round(values, decimals),
            "day": days,
            "bad": rng.random(patients * dates),
        }
    ).select(
        pl.col("patient_id").cast(pl.String),
        metric_code=pl.lit(b.code),
        value=pl.when(pl.col("bad") < 0.002).then(pl.lit("QNS")).otherwise(pl.col("value").cast(pl.String)),
        unit=pl.when(pl.col("bad") > 0.99).then(pl.lit("")).otherwise(pl.lit(b.unit)),
        measured_on=(pl.lit(AS_OF) - pl.duration(days=pl.col("day"))).cast(pl.String),
        status=pl.lit("final"),
        source_table=pl.lit("lab_results"),
    )
