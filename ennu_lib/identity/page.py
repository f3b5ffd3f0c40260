"""The numbers behind the page of phase 03: differences, households, the curve, what was drawn, what stays open."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.identity.clusters import components
from ennu_lib.identity.decide import DISTINCT, MERGED, REVIEW
from ennu_lib.identity.decisions import agreement
from ennu_lib.identity.evaluate import threshold_curve
from ennu_lib.identity.match import Identity
from ennu_lib.identity.params import IdentityParams

SHOWN_GROUPS = 6


def _counts(counts: pl.Series, distributed: bool, suppress_below: int = 11) -> list[int | None]:
    """Counts of people for a figure; on the distributed page those of 1 to `suppress_below - 1` are withheld."""
    return [None if distributed and 0 < count < suppress_below else count for count in counts]


def curve(found: Identity, params: IdentityParams) -> pl.DataFrame:
    """What each automatic threshold would do, in pairs of records: merges, expected false merges, reviews."""
    thresholds = sorted({0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, params.decision.auto_merge})
    return threshold_curve(found.pairs, params.decision.review, tuple(thresholds))


def settings(table: pl.DataFrame) -> list[str]:
    """The thresholds of a curve as names."""
    return [f"{t:g}" for t in table["threshold"]]


def setting_in_force(params: IdentityParams) -> str:
    """The name of the automatic threshold of the parameters."""
    return f"{params.decision.auto_merge:g}"


def curve_drawn(table: pl.DataFrame, *, distributed: bool = False) -> dict[str, list[float | None]]:
    """The measures of the curve, one list each."""
    return {
        "pairs merged": _counts(table["merges"], distributed),
        "false merges to expect": [round(v, 2) for v in table["expected_false_merges"]],
        "pairs to review": _counts(table["reviews"], distributed),
    }


def example(found: Identity) -> list[tuple[str, float]] | None:
    """Term by term, why a merged pair whose first names differ was believed; None where nothing was merged.

    It names fields and agreement levels, no values.
    """
    merged = found.pairs.filter(pl.col("decision") == MERGED).sort("bits", "left", "right")
    if merged.is_empty():
        return None
    middle = merged.row(len(merged) // 2, named=True)
    terms = found.waterfall(middle["left"], middle["right"])
    return [(f"{t.replace('_', ' ')}: {level}" if level else t, weight)
            for t, level, weight in terms.iter_rows() if level != "missing" and abs(weight) >= 0.05]  # fmt: skip


def differences(found: Identity) -> pl.DataFrame:
    """field, difference, pairs: in what the rows of one person differ, over the merged pairs; one may count often."""
    merged = found.pairs.filter(pl.col("decision") == MERGED)
    places = pl.DataFrame({"key": found.scorer.people.keys, "place": np.arange(len(found.scorer.people))})
    left, right = (
        merged.select(side).join(places, left_on=side, right_on="key", how="left", maintain_order="left")["place"]
        for side in ("left", "right")
    )
    levels = found.scorer.comparer.levels(left.to_numpy(), right.to_numpy())
    rows = []
    for j, field in enumerate(found.scorer.comparer.fields):
        counts = np.bincount(levels[:, j], minlength=len(found.scorer.levels[j]))
        named = zip(found.scorer.levels[j], counts.tolist(), strict=True)
        rows += [(field, level, n) for level, n in named if n and level not in ("exact", "missing")]
    schema = {"field": pl.String, "difference": pl.String, "pairs": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(
        "pairs", "field", "difference", descending=[True, False, False]
    )


def kinds_drawn(table: pl.DataFrame, *, distributed: bool = False, most: int = 15) -> dict[str, int | None]:
    """The most frequent differences as bars."""
    shown = table.head(most)
    names = [f"{f.replace('_', ' ')}: {d}" for f, d in shown.select("field", "difference").iter_rows()]
    return dict(zip(names, _counts(shown["pairs"], distributed), strict=True))


def households(found: Identity) -> pl.DataFrame:
    """people, households: how many homes have two people, three, and so on, as the model sees them."""
    person = found.clusters.select("key", place=pl.col("golden_id").rank("dense").cast(pl.Int64) - 1)
    pairs = found.pairs.filter((pl.col("decision") != MERGED) & (pl.col("household") >= 0.5))
    for side in ("left", "right"):
        pairs = pairs.join(person.rename({"key": side, "place": f"{side}_person"}), on=side)
    edges = pairs.select("left_person", "right_person").to_numpy().reshape(-1, 2)
    label = components(edges, int(person["place"].max() or -1) + 1)
    sizes = pl.Series(np.bincount(label, minlength=1) if len(label) else np.zeros(1, np.int64))
    counts = pl.DataFrame({"people": sizes}).filter(pl.col("people") > 1)
    return counts.group_by("people").agg(households=pl.len()).sort("people")


def kinship(found: Identity) -> pl.DataFrame:
    """kind, pairs: what the pairs that were not merged most likely are; a review pair may be one person."""
    apart = found.pairs.filter(pl.col("decision").is_in([DISTINCT, REVIEW]) & (pl.col("kind") != "unrelated"))
    return apart.group_by("kind").agg(pairs=pl.len()).sort("pairs", "kind", descending=[True, False])


def largest_groups(found: Identity) -> list[tuple[str, int, list[tuple[int, int, str, bool]]]]:
    """The clusters of most rows, from three on, as arguments of `drawings.groups`: rows numbered, nobody named."""
    big = found.clusters.filter(pl.col("members") >= 3).sort(
        "members", "golden_id", "key", descending=[True, False, False]
    )
    drawn = []
    for number, golden_id in enumerate(big["golden_id"].unique(maintain_order=True)[:SHOWN_GROUPS], 1):
        keys = big.filter(pl.col("golden_id") == golden_id)["key"].to_list()
        place = {key: n for n, key in enumerate(keys)}
        inside = found.pairs.filter(pl.col("left").is_in(keys) & pl.col("right").is_in(keys))
        links = [
            (
                place[p["left"]],
                place[p["right"]],
                f"{p['probability']:.3f}"[:5],
                bool(p["bridge"]) or p["probability"] < 0.5,
            )
            for p in inside.iter_rows(named=True)
        ]
        drawn.append((f"group {number}: {len(keys)} rows", len(keys), links))
    return drawn


def reviewers(decisions: pl.DataFrame, found: Identity) -> pl.DataFrame:
    """measure, value: what reviewers have decided so far and how far they agree."""
    told = agreement(decisions)
    kappa = told["kappa"]
    waiting = found.pairs.filter(pl.col("reason") == "waits for a second reviewer").height
    disputed = found.pairs.filter(pl.col("reason") == "reviewers disagree").height
    rows = [
        ("decisions in the log", str(len(decisions))),
        ("reviewers", str(decisions["who"].n_unique())),
        ("pairs two reviewers answered", str(told["pairs_by_two"])),
        ("of these the same answer", str(told["agreed"])),
        ("agreement beyond chance (Cohen's kappa)", "not defined yet" if kappa is None else f"{kappa:.2f}"),
        ("pairs waiting for a second reviewer", str(waiting)),
        ("pairs on which reviewers disagree", str(disputed)),
    ]
    return pl.DataFrame(rows, schema={"measure": pl.String, "value": pl.String}, orient="row")


def undecided(found: Identity) -> pl.DataFrame:
    """reason, pairs: why pairs are still open."""
    asked = found.review.group_by("reason").agg(pairs=pl.len())
    return asked.sort("pairs", "reason", descending=[True, False])


def limits(found: Identity) -> list[str]:
    """What the matching could not look at, in sentences for the page."""
    absent = [f.replace("_", " ") for f in found.summary["fields_absent"]]
    said = [f"{finding[0].upper()}{finding[1:]}." for finding in found.findings]
    return said + ([f"Not compared, because the table has no such column: {', '.join(absent)}."] if absent else [])
