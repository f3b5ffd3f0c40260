"""The three frames of a scoring run, and how scores of the exact engine are written into them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from ennu_lib.catalog.biomarkers import CATEGORIES
from ennu_lib.scores.formula import WEIGHT_DECIMALS
from ennu_lib.scores.reasons import Flag
from ennu_lib.scores.result import (
    CONTRIBUTION_DECIMALS,
    COVERAGE_DECIMALS,
    SUBSCORE_DECIMALS,
    VALUE_DECIMALS,
    Contribution,
    Exclusion,
    Score,
    as_decimal,
    flags_text,
    half_up,
)

CATEGORY_COLUMNS = {category: f"{category.lower().replace(' ', '_')}_score" for category in CATEGORIES}
CRITICAL_FLAGS = (Flag.CRITICAL_LOW, Flag.CRITICAL_HIGH)

CONTRIBUTION_SCHEMA = {
    "patient_id": pl.String,
    "metric_code": pl.String,
    "metric_id": pl.Int64,
    "category": pl.String,
    "measured_on": pl.Date,
    "value_text": pl.String,
    "unit_text": pl.String,
    "comparator": pl.String,
    "value": pl.Decimal(38, VALUE_DECIMALS),
    "unit": pl.String,
    "optimal_status": pl.String,
    "subscore": pl.Decimal(38, SUBSCORE_DECIMALS),
    "weight": pl.Decimal(38, WEIGHT_DECIMALS),
    "effective_weight": pl.Decimal(38, WEIGHT_DECIMALS),
    "contribution": pl.Decimal(38, CONTRIBUTION_DECIMALS),
    "headroom": pl.Decimal(38, CONTRIBUTION_DECIMALS),
    "flags": pl.String,
    "source_table": pl.String,
    "source_id": pl.String,
}
EXCLUSION_SCHEMA = {
    "patient_id": pl.String,
    "metric_code": pl.String,
    "measured_on": pl.String,
    "source_table": pl.String,
    "source_id": pl.String,
    "reason": pl.String,
}


def score_schema(decimals: int) -> dict[str, pl.DataType]:
    """Columns of the score frame for a preset that rounds to `decimals` places."""
    points = pl.Decimal(38, decimals)
    return {
        "patient_id": pl.String,
        "score_date": pl.Date,
        "composite_score": points,
        "score_band": pl.String,
        **dict.fromkeys(CATEGORY_COLUMNS.values(), points),
        "coverage_pct": pl.Decimal(38, COVERAGE_DECIMALS),
        "score_status": pl.String,
        "metrics_scored": pl.Int64,
        "contribution_detail": pl.String,
        "gender_basis": pl.String,
        "formula_version": pl.String,
        "composite_unrounded": pl.Decimal(38, CONTRIBUTION_DECIMALS),
        "withheld_because": pl.String,
        "critical_values": pl.Int64,
    }


@dataclass(frozen=True)
class Scores:
    """Scores of many patients: one row per patient, per counted measurement, per measurement that does not count.

    `settled_exactly` is the number of patients whose rounding was too close for scaled integers to decide; the exact
    engine settled it.
    """

    scores: pl.DataFrame
    contributions: pl.DataFrame
    exclusions: pl.DataFrame
    settled_exactly: int = 0


def frames_of(scored: Mapping[str, Score], decimals: int) -> Scores:
    """Write scores of the exact engine, by patient id, into the frames of a preset that rounds to `decimals` places."""
    contributions = [(patient, c) for patient, score in scored.items() for c in score.contributions]
    exclusions = [(patient, e) for patient, score in scored.items() for e in score.exclusions]
    return Scores(
        scores=_frame((_score_row(p, s) for p, s in scored.items()), score_schema(decimals)),
        contributions=_frame((_contribution_row(p, c) for p, c in contributions), CONTRIBUTION_SCHEMA),
        exclusions=_frame((_exclusion_row(p, e) for p, e in exclusions), EXCLUSION_SCHEMA),
        settled_exactly=len(scored),
    )


def _frame(rows: Iterable[tuple], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def _score_row(patient_id: str, score: Score) -> tuple:
    return (
        patient_id,
        score.as_of,
        score.composite,
        score.band,
        *(score.categories[category] for category in CATEGORIES),
        score.coverage_pct,
        score.status,
        len(score.contributions),
        score.contribution_detail(),
        score.basis,
        score.formula_version,
        score.composite_unrounded,
        score.withheld,
        sum(any(flag in CRITICAL_FLAGS for flag in c.flags) for c in score.contributions),
    )


def _contribution_row(patient_id: str, c: Contribution) -> tuple:
    return (
        patient_id,
        c.metric_code,
        c.metric_id,
        c.category,
        c.measured_on,
        c.measurement.value,
        c.measurement.unit,
        c.comparator,
        half_up(c.value, VALUE_DECIMALS),
        c.unit,
        c.optimal_status,
        half_up(c.subscore, SUBSCORE_DECIMALS),
        as_decimal(c.weight),
        as_decimal(c.effective_weight),
        c.stored_points,
        half_up(c.headroom, CONTRIBUTION_DECIMALS),
        flags_text(c.flags),
        c.measurement.source_table,
        c.measurement.source_id,
    )


def _exclusion_row(patient_id: str, exclusion: Exclusion) -> tuple:
    m = exclusion.measurement
    return (
        patient_id,
        m.metric_code,
        m.measured_on,
        m.source_table,
        m.source_id,
        exclusion.reason,
    )
