"""How well a finished run found out who is who, where the truth is known: a synthetic clinic, or a labelled sample."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ennu_lib.identity.evaluate import (
    answered_by_truth,
    at_thresholds,
    calibration,
    measure,
    merged_pairs,
    pairs_within,
)

# What may merge without a person by the requirement; the parameters may be stricter, never laxer.
NEARLY_CERTAIN, CERTAIN_UNGUARDED = 0.999, 0.99
_THRESHOLD = "{threshold:>8} {pairs:>10,} pairs   P {precision:.4f}   R {recall:.4f}   F1 {f1:.4f}"
_BAND = "{low:>8} to {high:<7} {pairs:>10,} pairs   said {predicted:.4f}   is {actual:.4f}"


@dataclass(frozen=True)
class TruthScore:
    """A run against the truth.

    `merged` and `reviewed`: measures before and after truth answers the review queue; `nearly_certain`: of the merged
    pairs at the probabilities that let a machine merge; `twins`: their pairs, and how many were merged.
    """

    records: int
    people: int
    true_people: int
    merged: dict[str, float]
    reviewed: dict[str, float]
    nearly_certain: dict[str, float]
    to_review: int
    twins: tuple[int, int]
    thresholds: pl.DataFrame
    calibration: pl.DataFrame

    @property
    def lines(self) -> list[str]:
        """The score as a person reads it."""
        share = self.to_review / self.people if self.people else 0.0
        return [
            f"{self.records:,} rows, {self.people:,} people found, {self.true_people:,} in truth",
            _measured("merged automatically", self.merged),
            _measured("after review by truth", self.reviewed),
            _measured(f"of these p >= {NEARLY_CERTAIN}, >= {CERTAIN_UNGUARDED} unguarded", self.nearly_certain),
            f"{'to review':<40} {self.to_review:,} of {self.people:,} people ({share:.2%})",
            f"{'twins merged':<40} {self.twins[1]} of {self.twins[0]:,} pairs of twins",
            "precision and recall of the scored pairs, by threshold",
            *_rows(self.thresholds, _THRESHOLD),
            "calibration: what the model says, and how it is",
            *_rows(self.calibration, _BAND),
        ]


def score_run(clusters: pl.DataFrame, pairs: pl.DataFrame, review: pl.DataFrame, truth: pl.DataFrame) -> TruthScore:
    """Score a run's clusters (key, golden_id), pairs and review queue against `truth`.

    `truth` has key, person and kind, a kind that begins with "twin" where two people are twins; household tells which.
    """
    known = clusters.join(truth, on="key", how="semi")
    true = pairs_within(truth, "key", "person")
    found = pairs_within(known, "key", "golden_id")
    after = pairs_within(answered_by_truth(known, review, truth), "key", "group")
    unguarded = (pl.col("probability") >= CERTAIN_UNGUARDED) & pl.col("guard").is_null()
    certain = merged_pairs(pairs.filter((pl.col("probability") >= NEARLY_CERTAIN) | unguarded))
    return TruthScore(
        len(known), known["golden_id"].n_unique(), truth["person"].n_unique(),
        measure(found, true, len(known)), measure(after, true, len(known)), measure(certain, true, len(known)),
        len(review), _twins(truth, true, found), at_thresholds(pairs, true), calibration(pairs, true),
    )  # fmt: skip


def _twins(truth: pl.DataFrame, true: pl.DataFrame, found: pl.DataFrame) -> tuple[int, int]:
    """Pairs of rows of two twins, and how many of them are in one cluster."""
    rows = truth.filter(pl.col("kind").str.starts_with("twin"))
    apart = pairs_within(rows, "key", "household").join(true, on=["left", "right"], how="anti")
    return len(apart), len(found.join(apart, on=["left", "right"], how="semi"))


def _measured(what: str, figures: dict[str, float]) -> str:
    counts = f"{figures['false_positives']:,} wrong, {figures['false_negatives']:,} missed"
    return f"{what:<40} precision {figures['precision']:.4f}   recall {figures['recall']:.4f}   {counts}"


def _rows(frame: pl.DataFrame, form: str) -> list[str]:
    return [form.format(**row) for row in frame.iter_rows(named=True)]
