"""Scores of occasions under one formula, and what becomes of them when single contributions are others."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.scores.formula import BASES, compile_formula
from ennu_lib.scores.parity.numbers import POINT, as_millionths
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.vectorised import score_all

PART = ["score_id", "metric_id"]


@dataclass(frozen=True)
class Recomputed:
    """`points`: score_id, points (millionths; null where nothing counts). `parts`: score_id, metric_id, metric_code,
    value, weight (effective), earned (weight x sub-score), contribution. `basis`: score_id, applicable (weight)."""

    points: pl.DataFrame
    parts: pl.DataFrame
    basis: pl.DataFrame
    of_all: bool

    def keep(self, occasions: pl.DataFrame) -> Recomputed:
        """The same for some of the occasions."""
        some = occasions.select("score_id")
        kept = (frame.join(some, on="score_id", how="semi") for frame in (self.points, self.parts, self.basis))
        return Recomputed(*kept, self.of_all)


def recompute(occasions: pl.DataFrame, rows: pl.DataFrame, preset: Preset, catalogue: BiomarkerCatalogue) -> Recomputed:
    """Score every occasion as of its own day from `rows`.

    What is compared is the weighted mean itself: the gates of coverage decide what is shown, not what it is.
    """
    people = occasions.select("sex", "birth_date", "as_of", patient_id="score_id")
    found = score_all(rows.lazy(), people.lazy(), dt.date.max, preset, catalogue)
    of_all = preset.missing_policy == "zero_points"
    points = found.scores.select(score_id="patient_id", points=as_millionths(pl.col("composite_unrounded")))
    if of_all:  # a metric that was never measured earns nothing, and so does a patient without any
        points = points.with_columns(pl.col("points").fill_null(0))
    formula = compile_formula(preset, catalogue)
    applicable = {basis: float(formula.applicable_weight[basis]) for basis in BASES}
    return Recomputed(
        points,
        found.contributions.select(
            "metric_id",
            "metric_code",
            "contribution",
            pl.col("value").cast(pl.Float64),
            score_id="patient_id",
            weight=pl.col("effective_weight").cast(pl.Float64),
            earned=pl.col("effective_weight").cast(pl.Float64) * pl.col("subscore").cast(pl.Float64),
        ),
        found.scores.select(
            score_id="patient_id",
            applicable=pl.col("gender_basis").replace_strict(applicable, return_dtype=pl.Float64),
        ),
        of_all,
    )


def with_parts(base: Recomputed, parts: pl.DataFrame, *, added: bool = False) -> pl.DataFrame:
    """The points of each occasion with some contributions replaced (or, `added`, counted besides), one row per change.

    `parts`: score_id, metric_id, how, weight, earned; several rows of one score and `how` change together.
    Returns score_id, how, points, whole (the weight by which they were divided).
    """
    totals = base.parts.group_by("score_id").agg(total=pl.col("earned").sum(), whole=pl.col("weight").sum())
    known = base.parts.select(*PART, old_earned="earned", old_weight="weight")
    old = pl.lit(0.0) if added else pl.col("old_earned").fill_null(0)
    old_weight = pl.lit(0.0) if added else pl.col("old_weight").fill_null(0)
    changed = (
        parts.join(known, on=PART, how="left")
        .group_by("score_id", "how", maintain_order=True)
        .agg(more=(pl.col("earned") - old).sum(), heavier=(pl.col("weight") - old_weight).sum())
        .join(totals, on="score_id", how="left")
        .join(base.basis, on="score_id")
        .with_columns(pl.col("total", "whole").fill_null(0))
        .with_columns(whole="applicable" if base.of_all else pl.col("whole") + pl.col("heavier"))
    )
    points = pl.when(pl.col("whole") > 0).then((pl.col("total") + pl.col("more")) / pl.col("whole"))
    return changed.select("score_id", "how", "whole", points=(points * POINT).round().cast(pl.Int64))


def contributions_with(
    base: Recomputed, parts: pl.DataFrame, changes: pl.DataFrame, *, added: bool = False
) -> pl.DataFrame:
    """What every metric contributes under the given changes: score_id, metric_id, points, value.

    `parts` and `added` as in `with_parts`, with the value that each counts; `changes`: score_id, how, whole, one change
    per score. `value` is null but for the metrics that the change is about.
    """
    chosen = parts.join(changes.select("score_id", "how"), on=["score_id", "how"], how="semi")
    kept = base.parts if added else base.parts.join(chosen, on=PART, how="anti")
    nothing = pl.lit(None, pl.Float64).alias("value")
    about = chosen.select(*PART, "earned", nothing if added else "value")
    every = pl.concat([kept.select(*PART, "earned", nothing), about]).join(changes, on="score_id")
    return every.group_by(PART).agg(points=(pl.col("earned") / pl.col("whole")).sum(), value=pl.col("value").first())
