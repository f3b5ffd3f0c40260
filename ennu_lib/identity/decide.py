"""What happens with each pair, and what kind of pair it is."""

import numpy as np
import polars as pl

from ennu_lib.identity.compare import unpack
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.people import People
from ennu_lib.identity.score import DISAGREES, ELSEWHERE, NO_GUARD, Scorer

MERGED, REVIEW, DISTINCT = "auto-merge", "review", "distinct"
A_GENERATION = 15  # years between two birth dates from which one may be the other's parent
_SAME_FIRST = ("exact", "nickname", "swapped")


def decide(
    scored: pl.DataFrame, label: np.ndarray, too_large: np.ndarray, params: IdentityParams, human: dict[str, np.ndarray]
) -> pl.DataFrame:
    """Add decision and reason. A person's decision outranks the model; a pair inside one cluster is merged."""
    left, right = scored["left"].to_numpy(), scored["right"].to_numpy()
    together = pl.Series("together", label[left] == label[right])
    given_up = pl.Series("given_up", np.isin(left, too_large) & np.isin(right, too_large))
    packed = left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)
    kinds = ("must", "cannot", "waiting", "disputed")
    must, cannot, waiting, disputed = (pl.Series(k, np.isin(packed, human[k])) for k in kinds)
    guard = guard_names(params)
    limits, p = params.decision, pl.col("probability")
    decision = (
        pl.when(disputed | waiting).then(pl.lit(REVIEW))
        .when(cannot).then(pl.lit(DISTINCT))
        .when(together).then(pl.lit(MERGED))
        .when(must | (p >= limits.review) | (pl.col("guard") == DISAGREES)).then(pl.lit(REVIEW))
        .otherwise(pl.lit(DISTINCT))
    )  # fmt: skip
    reason = (
        pl.when(disputed).then(pl.lit("reviewers disagree"))
        .when(waiting & ~together).then(pl.lit("waits for a second reviewer"))
        .when(cannot & ~together | must & together).then(pl.lit("decided by a person"))
        .when(cannot | must).then(pl.lit("contradictory decisions"))
        .when(together & (p < limits.auto_merge)).then(pl.lit("follows from the rest of its cluster"))
        .when(together).then(pl.lit("probability"))
        .when((p < limits.review) & (pl.col("guard") != DISAGREES)).then(pl.coalesce(guard, pl.lit("probability")))
        .when(given_up).then(pl.lit("cluster too large"))
        .when(guard.is_not_null()).then(guard)
        .when(p >= limits.auto_merge).then(pl.lit("does not fit the rest of its cluster"))
        .otherwise(pl.lit("between the thresholds"))
    )  # fmt: skip
    return scored.with_columns(decision=decision, reason=reason, guard_name=guard)


def guard_names(params: IdentityParams) -> pl.Expr:
    """The name of the guard that each scored pair hits, null for none."""
    named = {n: g.name for n, g in enumerate(params.guards)}
    named |= {NO_GUARD: None, DISAGREES: "second opinion disagrees", ELSEWHERE: "visits at one time in two places"}
    return pl.col("guard").replace_strict(named, return_dtype=pl.String)


def name_kinds(scored: pl.DataFrame, scorer: Scorer, params: IdentityParams) -> pl.Series:
    """The likeliest story of each pair: one person, twins, namesakes, parent and child, household or unrelated."""
    distinct, place = np.unique(scored["pattern"].to_numpy(), return_inverse=True)
    levels = unpack(distinct, len(scorer.comparer.fields))
    same_first = _at(levels, scorer, "first_name", _SAME_FIRST)[place]
    same_birth = _at(levels, scorer, "birth_date", ("exact",))[place]
    same_last = _at(levels, scorer, "last_name", ("exact", "similar 0.92", "part"))[place]
    years = years_apart(scorer.people, scored["left"].to_numpy(), scored["right"].to_numpy())
    twin_guard = [n for n, g in enumerate(params.guards) if g.name.startswith("twins")]
    guarded = np.isin(scored["guard"].to_numpy(), twin_guard)
    one, home = scored["probability"].to_numpy() >= 0.5, scored["household"].to_numpy() >= 0.5
    kinds = np.select(
        [one & ~guarded, guarded | (home & same_birth & ~same_first), home & same_first & same_last & (years >= 1),
         home & (years >= A_GENERATION), home],
        ["one person", "twins", "namesakes", "parent and child", "household"], "unrelated",
    )  # fmt: skip
    return pl.Series("kind", kinds)


def years_apart(people: People, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whole years between the birth dates of each pair; 0 where one is unknown."""
    if "birth_date" not in people.columns:
        return np.zeros(len(left), np.int64)
    years = people.dictionary("birth_date").str.slice(0, 4).cast(pl.Int64).to_numpy()
    codes = people.codes["birth_date"].cast(pl.Int64).fill_null(-1).to_numpy()
    a, b = codes[left], codes[right]
    apart = np.abs(years[a] - years[b]) if len(years) else np.zeros(len(left), np.int64)
    return np.where((a >= 0) & (b >= 0), apart, 0)


def _at(levels: np.ndarray, scorer: Scorer, field: str, names: tuple[str, ...]) -> np.ndarray:
    if field not in scorer.comparer.fields:
        return np.zeros(len(levels), bool)
    j = scorer.comparer.fields.index(field)
    return np.isin(levels[:, j], [n for n, name in enumerate(scorer.levels[j]) if name in names])


def review_queue(pairs: pl.DataFrame, golden_of: pl.DataFrame) -> pl.DataFrame:
    """One row per two clusters that a person must decide about, the most doubtful kinds first.

    `golden_of` gives key and golden_id. The row shows the likeliest pair of records between the two.
    """
    queue = pairs.filter(pl.col("decision") == REVIEW)
    for side in ("left", "right"):
        ids = golden_of.select(pl.col("key").alias(side), pl.col("golden_id").alias(f"golden_{side}"))
        queue = queue.join(ids, on=side, how="left")
    low, high = pl.min_horizontal("golden_left", "golden_right"), pl.max_horizontal("golden_left", "golden_right")
    queue = queue.with_columns(low=low, high=high, risky=pl.col("reason") != "between the thresholds")
    queue = queue.sort(["low", "high", "probability", "left", "right"], descending=[False, False, True, False, False])
    queue = queue.with_columns(pairs_between=pl.len().over("low", "high")).unique(["low", "high"], keep="first")
    order = queue.sort(["risky", "probability", "left", "right"], descending=[True, True, False, False])
    return order.drop("low", "high").with_row_index("place", offset=1)
