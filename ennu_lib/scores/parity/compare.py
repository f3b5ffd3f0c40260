"""All stored scores of a clinic against the recomputed ones: a class per score, and what each contribution was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.parity.numbers import POINT
from ennu_lib.scores.parity.occasions import inputs_of, moment_of
from ennu_lib.scores.parity.params import ParityRules
from ennu_lib.scores.parity.search import Search
from ennu_lib.scores.parity.versions import MetricHistory, era_of
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS

POINTS = pl.Decimal(38, CONTRIBUTION_DECIMALS)
SCORES = {
    "score_id": pl.String,
    "patient_id": pl.String,
    "score_date": pl.Date,
    "preset": pl.String,
    "decimals": pl.Int64,
    "stored": POINTS,
    "recomputed": POINTS,
    "class": pl.String,
    "how": pl.String,
    "reproduced": POINTS,
}
PARTS = {
    "score_id": pl.String,
    "metric_id": pl.Int64,
    "stored_value": pl.Float64,
    "stored_points": pl.Float64,
    "value": pl.Float64,
    "points": pl.Float64,
    "agreement": pl.String,
}


@dataclass(frozen=True)
class StoredParts:
    """What the source stored beside its scores, and what it first reported of results that it corrected.

    `details`: score_id, metric_id (ours), metric_code, value, unit, measured_on, points, all but metric_id as text.
    What a metric that we do not know contributed has neither metric_id nor metric_code.
    `corrections`: source_id of the result, corrected_at (ISO text), first_value, first_unit.
    """

    details: pl.DataFrame
    corrections: pl.DataFrame


@dataclass(frozen=True)
class Parity:
    """`scores` (columns of SCORES), one row per stored score; `parts` (columns of PARTS), one per score and metric.

    `recomputed` is ours under the policy in force; `reproduced` is what the change named in `how` gives.
    """

    scores: pl.DataFrame
    parts: pl.DataFrame


def compare(
    occasions: pl.DataFrame,
    measurements: Mapping[str, pl.LazyFrame],
    stored: StoredParts,
    presets: Mapping[str, Preset],
    history: MetricHistory,
    rules: ParityRules,
    progress: Callable[[int, int, str], None] | None = None,
) -> Parity:
    """Recompute every stored score as of its own day and say what reproduces it.

    `occasions`: as `occasions_of` gives them. `measurements`: by preset, as `measurements_from` gives them, by source
    row of the patient. At most `rules.at_once` scores are in memory at a time.
    """
    scores, parts, done = [pl.DataFrame(schema=SCORES)], [], 0
    for preset, some in _portions(occasions.filter("comparable"), presets, history, rules.at_once):
        found, of_metrics = _portion(some, measurements[preset], stored, presets[preset], history, rules)
        scores.append(found)
        parts.append(of_metrics)
        done += some.height
        if progress:
            progress(done, occasions["comparable"].sum(), "stored scores")
    return Parity(
        _in_order(occasions, pl.concat(scores)),
        pl.concat(parts) if parts else pl.DataFrame(schema=PARTS),
    )


def _portions(
    occasions: pl.DataFrame, presets: Mapping[str, Preset], history: MetricHistory, at_once: int
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Scores of one preset, and of days on which one metric table was in force where the preset reads it."""
    eras = history.eras()
    for (name,), mine in occasions.sort("as_of", "score_id").group_by("preset", maintain_order=True):
        by_table = presets[name].weight_source == "metric_weight"
        days = mine["as_of"].unique().to_list() if by_table else []
        era = {day: era_of(day, eras) for day in days}
        numbered = mine.with_columns(
            __era=pl.col("as_of").replace_strict(era, default=0, return_dtype=pl.Int64) if era else pl.lit(0)
        )
        for _, same in numbered.group_by("__era", maintain_order=True):
            yield from ((name, same.drop("__era").slice(start, at_once)) for start in range(0, same.height, at_once))


def _portion(
    occasions: pl.DataFrame,
    measurements: pl.LazyFrame,
    stored: StoredParts,
    preset: Preset,
    history: MetricHistory,
    rules: ParityRules,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = _as_first_reported(inputs_of(occasions, measurements), occasions, stored.corrections)
    details = stored.details.join(occasions, on="score_id", how="semi")
    search = Search(occasions, rows, _as_measurements(details), _stored_parts(details), preset, history, rules)
    base = search.base
    found = search.run().rename({"points": "reproduced"})
    joined = occasions.join(base.points, on="score_id", how="left").join(found, on="score_id", how="left")
    return _score_rows(joined), _part_rows(base.parts, details, float(rules.component_within))


def _score_rows(joined: pl.DataFrame) -> pl.DataFrame:
    named = joined.rename({"patient": "patient_id", "as_of": "score_date", "points": "recomputed"})
    return named.with_columns(_points(name) for name in ("stored", "recomputed", "reproduced")).select(
        pl.col(name).cast(dtype) for name, dtype in SCORES.items()
    )


def _points(name: str) -> pl.Expr:
    return (pl.col(name).cast(POINTS) * pl.lit(f"{1 / POINT:.6f}").cast(POINTS)).cast(POINTS).alias(name)


def _in_order(occasions: pl.DataFrame, compared: pl.DataFrame) -> pl.DataFrame:
    """One row per stored score, in their order; ids are unique among those that were compared only."""
    numbered = occasions.with_row_index("__place")
    order = numbered.filter("comparable").select("__place", "score_id")
    others = numbered.filter(~pl.col("comparable")).select("__place")
    rows = [
        order.join(compared, on="score_id", how="left", maintain_order="left"),
        others.hstack(_incomparable(occasions)),
    ]
    return pl.concat(rows).sort("__place").drop("__place")


def _incomparable(occasions: pl.DataFrame) -> pl.DataFrame:
    rows = occasions.filter(~pl.col("comparable")).with_columns(
        pl.lit(ParityClass.NOT_COMPARABLE.value).alias("class"),
        how=pl.lit(""),
        points=pl.lit(None, pl.Int64),
        reproduced=pl.lit(None, pl.Int64),
    )
    return _score_rows(rows)


def _as_first_reported(rows: pl.DataFrame, occasions: pl.DataFrame, corrections: pl.DataFrame) -> pl.DataFrame:
    """Rows with `first_value` and `first_unit` where a result was corrected only after the score was made."""
    later = (
        rows.filter(pl.col("source_table") == "lab_results")
        .select("source_id", score_id="patient_id")
        .join(corrections, on="source_id")
        .join(occasions.select("score_id", "created"), on="score_id")
        .with_columns(corrected_at=moment_of(pl.col("corrected_at")))
        .filter(pl.col("corrected_at") > pl.col("created"))
        .sort("corrected_at")
        .unique(["score_id", "source_id"], keep="first", maintain_order=True)
        .select("source_id", "first_value", "first_unit", patient_id="score_id", source_table=pl.lit("lab_results"))
    )
    return rows.join(later, on=["patient_id", "source_table", "source_id"], how="left", maintain_order="left")


def _as_measurements(details: pl.DataFrame) -> pl.DataFrame:
    return details.drop_nulls(["metric_code", "value"]).select(
        "metric_code", "value", "unit", "measured_on", patient_id="score_id"
    )


def _stored_parts(details: pl.DataFrame) -> pl.DataFrame:
    """A metric that stands twice, once per laboratory code, contributed both."""
    points = pl.col("points").cast(pl.Float64, strict=False)
    value = pl.col("value").cast(pl.Float64, strict=False)
    return details.group_by("score_id", "metric_id").agg(points=points.sum(), value=value.drop_nulls().first())


def _part_rows(ours: pl.DataFrame, details: pl.DataFrame, within: float) -> pl.DataFrame:
    """Every contribution that either side has; one that is missing, or was never measured, is worth no points.

    Those of metrics that we do not know stand together, in the row without a metric_id.
    """
    theirs = details.group_by("score_id", "metric_id").agg(
        stored_value=pl.col("value").cast(pl.Float64, strict=False).first(),
        stored_points=pl.col("points").cast(pl.Float64, strict=False).sum(),
    )
    mine = ours.select("score_id", "metric_id", "value", points=pl.col("contribution").cast(pl.Float64))
    both = theirs.join(mine, on=["score_id", "metric_id"], how="full", coalesce=True)
    apart = pl.col("stored_points").fill_null(0) - pl.col("points").fill_null(0)
    agreed = (
        pl.when(apart.abs() <= within + 1e-9)
        .then(pl.lit("equal"))
        .when(pl.col("points").is_null())
        .then(pl.lit("stored only"))
        .when(pl.col("stored_points").is_null())
        .then(pl.lit("recomputed only"))
        .otherwise(pl.lit("different"))
    )
    return both.with_columns(agreement=agreed).select(pl.col(name).cast(dtype) for name, dtype in PARTS.items())
