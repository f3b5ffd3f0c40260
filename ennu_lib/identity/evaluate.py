"""How good the matching is: against truth where there is one, and what the thresholds mean where there is none.

Pairwise measures are recordlinkage's own functions.
"""

import numpy as np
import pandas as pd
import polars as pl
import recordlinkage

from ennu_lib.identity.decide import MERGED, REVIEW

THRESHOLDS = (0.5, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999)


def pairs_within(groups: pl.DataFrame, key: str, group: str) -> pl.DataFrame:
    """left, right of every two rows with the same group (a golden_id, or a person known from truth)."""
    rows = groups.select(pl.col(key), pl.col(group)).drop_nulls().filter(pl.len().over(group) > 1)
    both = rows.join(rows, on=group, suffix="_right").filter(pl.col(key) < pl.col(f"{key}_right"))
    return both.select(left=pl.col(key), right=pl.col(f"{key}_right")).sort("left", "right")


def measure(found: pl.DataFrame, true: pl.DataFrame, records: int) -> dict[str, float]:
    """Precision, recall, F1, the four counts of the confusion matrix and the reduction ratio of a set of pairs.

    Both frames hold left, right, in either order; `records` is the size of the table.
    """
    predicted, links = _index(found), _index(true)
    total = records * (records - 1) // 2
    matrix = recordlinkage.confusion_matrix(links, predicted, total=total)
    hit = int(matrix[0][0])
    return {
        "precision": float(recordlinkage.precision(links, predicted)) if len(predicted) else 1.0,
        "recall": float(recordlinkage.recall(links, predicted)) if len(links) else 1.0,
        "f1": float(recordlinkage.fscore(links, predicted)) if hit else 0.0,
        "true_positives": hit,
        "false_negatives": int(matrix[0][1]),
        "false_positives": int(matrix[1][0]),
        "true_negatives": int(matrix[1][1]),
        "reduction_ratio": 1 - len(predicted) / total if total else 1.0,
    }


def at_thresholds(pairs: pl.DataFrame, true: pl.DataFrame, thresholds: tuple[float, ...] = THRESHOLDS) -> pl.DataFrame:
    """threshold, pairs, precision, recall, f1 of the scored pairs at and above each probability."""
    marked = _marked(pairs, true)
    rows = []
    for threshold in thresholds:
        above = marked.filter(pl.col("probability") >= threshold)
        hit, found = int(above["true"].sum()), len(above)
        precision, recall = hit / found if found else 1.0, hit / len(true) if len(true) else 1.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        rows.append((threshold, found, precision, recall, f1))
    return pl.DataFrame(rows, schema=["threshold", "pairs", "precision", "recall", "f1"], orient="row")


def calibration(pairs: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    """low, high, pairs, predicted (mean probability) and actual share of true pairs, per band of probability."""
    edges = [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 0.9999]
    bands = pl.DataFrame({"band": range(len(edges) + 1), "low": [0.0, *edges], "high": [*edges, 1.0]})
    placed = _marked(pairs, true).with_columns(
        band=pl.Series(np.searchsorted(edges, pairs["probability"].to_numpy(), side="right"))
    )
    found = placed.group_by("band").agg(
        pairs=pl.len(), predicted=pl.col("probability").mean(), actual=pl.col("true").mean()
    )
    return bands.join(found.cast({"band": pl.Int64}), on="band", how="inner").sort("band").drop("band")


def threshold_curve(pairs: pl.DataFrame, review: float, thresholds: tuple[float, ...] = THRESHOLDS) -> pl.DataFrame:
    """What each automatic threshold would do: merges, the false merges to expect among them, and pairs to review.

    Guarded pairs are reviewed at every threshold, and counted so. No truth is needed: the expected number of false
    merges is the sum of what is missing to certainty.
    """
    guarded = (pl.col("decision") == REVIEW) & ~pl.col("reason").is_in(["between the thresholds"])
    rows = []
    for threshold in thresholds:
        merges = pairs.filter((pl.col("probability") >= threshold) & ~guarded)
        reviews = pairs.filter((pl.col("probability") >= review) & (guarded | (pl.col("probability") < threshold)))
        rows.append((threshold, len(merges), float((1 - merges["probability"]).sum()), len(reviews)))
    return pl.DataFrame(rows, schema=["threshold", "merges", "expected_false_merges", "reviews"], orient="row")


def answered_by_truth(clusters: pl.DataFrame, review: pl.DataFrame, truth: pl.DataFrame):
    """key, group after every review question is answered by truth (key, person): what perfect reviewers would reach."""
    person = dict(zip(truth["key"], truth["person"], strict=True))
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    for left, right, a, b in review.select("left", "right", "golden_left", "golden_right").iter_rows():
        if person[left] == person[right]:
            parent[root(a)] = root(b)
    return clusters.with_columns(group=pl.col("golden_id").map_elements(root, return_dtype=pl.String))


def merged_pairs(pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs that were merged without a person, at their probability."""
    return pairs.filter(pl.col("decision") == MERGED).select("left", "right", "probability")


def _marked(pairs: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    marked = pairs.select(*_in_order(), "probability").join(
        true.select(*_in_order(), true=pl.lit(True)), on=["left", "right"], how="left", maintain_order="left"
    )
    return marked.with_columns(pl.col("true").fill_null(False))


def _in_order() -> list[pl.Expr]:
    """Each pair with its lower key left: what is text in both frames need not be in the order of text in both."""
    swapped = pl.col("left") > pl.col("right")
    low, high = pl.when(swapped).then("right").otherwise("left"), pl.when(swapped).then("left").otherwise("right")
    return [low.alias("left"), high.alias("right")]


def _index(pairs: pl.DataFrame) -> pd.MultiIndex:
    pairs = pairs.select(_in_order())
    return pd.MultiIndex.from_arrays([pairs["left"].to_numpy(), pairs["right"].to_numpy()])
