"""A second opinion on small tables: recordlinkage's stock Index, Compare and ECM classifier, on its documented route.

It shares only the standardized values with our own model. It is never the decision maker: it learns its two classes
from the candidates alone and takes housemates for matches, so it is heard only where both largely agree.
"""

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl
import recordlinkage

from ennu_lib.identity.params import IdentityParams, SecondOpinion
from ennu_lib.identity.people import People
from ennu_lib.identity.score import DISAGREES, NO_GUARD

_BLOCKS = (["birth_date", "last_name"], ["birth_date", "first_name"], ["ssn"], ["email"], ["phone_1", "first_name"])
_STRINGS = ("first_name", "last_name", "street")
_EXACT = ("birth_date", "sex", "zip", "ssn", "email", "phone_1", "member_number")
_SIMILAR = 0.85  # Jaro-Winkler threshold of recordlinkage's own examples
_FEWEST = 50  # candidate pairs below which nothing can be learned


@dataclass(frozen=True)
class Opinion:
    """`asked`: packed pairs that were compared; `matches`: those it calls matches; `reason`: why it was not heard."""

    asked: np.ndarray
    matches: np.ndarray
    agreement: float
    reason: str = ""

    @property
    def heard(self) -> bool:
        return not self.reason


def second_opinion(people: People, scored: pl.DataFrame, params: SecondOpinion) -> Opinion:
    """Ask recordlinkage's ECM classifier. `agreement` is the F1 of its matches against the pairs of `scored` with at
    least even odds, among the pairs both looked at; below the parameters' least agreement it is not heard."""
    none = np.empty(0, np.uint64)
    if len(people) > params.most_records:
        return Opinion(none, none, 0.0, f"more than {params.most_records} records")
    if len(people) < _FEWEST:
        return Opinion(none, none, 0.0, "too few records to learn from")
    table = _table(people)
    if _predicted(table) > params.most_pairs:
        return Opinion(none, none, 0.0, f"its blocks would make more than {params.most_pairs} pairs")
    candidates = _candidates(table)
    compared = [c for c in (*_STRINGS, *_EXACT) if c in table]
    if len(candidates) < _FEWEST or len(compared) < 3:
        return Opinion(none, none, 0.0, "too few candidate pairs to learn from")
    vectors = _compare(compared).compute(candidates, table)
    vectors = vectors.loc[:, vectors.nunique() > 1]
    if vectors.empty:
        return Opinion(none, none, 0.0, "all its candidate pairs are alike")
    matches = _ask(vectors.astype(int))
    asked, found = _packed(candidates), _packed(matches)
    ours = scored.filter(pl.col("probability") >= 0.5)
    own = np.intersect1d(asked, (ours["left"].cast(pl.UInt64) * 2**32 + ours["right"].cast(pl.UInt64)).to_numpy())
    both = len(np.intersect1d(own, found))
    agreement = 2 * both / max(len(own) + len(found), 1)
    reason = "" if agreement >= params.least_agreement else f"it agrees with only {agreement:.0%} of the matches"
    return Opinion(asked, found, agreement, reason)


def _ask(vectors: pd.DataFrame) -> pd.MultiIndex:
    """The classifier divides by zero, and says so, wherever a field never disagrees; its answer stands all the same."""
    root = logging.getLogger()
    quiet = logging.Filter("nothing")
    root.addFilter(quiet)
    try:
        with np.errstate(all="ignore"):
            return recordlinkage.ECMClassifier(binarize=None).fit_predict(vectors)
    finally:
        root.removeFilter(quiet)


def mark_disagreement(scored: pl.DataFrame, opinion: Opinion, params: IdentityParams) -> pl.DataFrame:
    """Guard the unguarded pairs on which the two disagree: those it alone doubts, unless we are nearly certain, and
    those it alone believes in, unless we hold them for impossible."""
    if not opinion.heard:
        return scored
    pair = pl.col("left").cast(pl.UInt64) * 2**32 + pl.col("right").cast(pl.UInt64)
    asked, yes = (pair.is_in(pl.Series(p).implode()) for p in (opinion.asked, opinion.matches))
    p, limits = pl.col("probability"), params.decision
    doubts = p.is_between(limits.auto_merge, params.second_opinion.overruled_from, closed="left") & asked & ~yes
    believes = p.is_between(limits.keep, limits.review, closed="left") & yes
    disagree = (pl.col("guard") == NO_GUARD) & (doubts | believes)
    return scored.with_columns(guard=pl.when(disagree).then(pl.lit(DISAGREES, pl.Int8)).otherwise("guard"))


def _table(people: People) -> pd.DataFrame:
    columns = [c for c in ("phone_1", *_STRINGS, *_EXACT) if c in people.codes.columns]
    filled = [c for c in columns if people.codes[c].null_count() < len(people)]
    return pd.DataFrame({c: people.dictionary(c).gather(people.codes[c]).to_pandas() for c in filled})


def _predicted(table: pd.DataFrame) -> int:
    """How many pairs its blocks would make at most: they have no cap of their own."""
    sizes = [table.groupby(block).size() for block in _BLOCKS if set(block) <= set(table)]
    return int(sum((s * (s - 1) // 2).sum() for s in sizes))


def _candidates(table: pd.DataFrame) -> pd.MultiIndex:
    index = recordlinkage.Index()
    for block in _BLOCKS:
        if set(block) <= set(table):
            index.block(block)
    if not index.algorithms:
        return pd.MultiIndex.from_arrays([[], []])
    return index.index(table)


def _compare(columns: list[str]) -> recordlinkage.Compare:
    compare = recordlinkage.Compare(indexing_type="position")
    for column in columns:
        if column in _STRINGS:
            compare.string(column, column, method="jarowinkler", threshold=_SIMILAR, label=column)
        else:
            compare.exact(column, column, label=column)
    return compare


def _packed(pairs: pd.MultiIndex) -> np.ndarray:
    first, second = (pairs.get_level_values(level).to_numpy().astype(np.uint64) for level in (0, 1))
    return np.unique(np.minimum(first, second) << np.uint64(32) | np.maximum(first, second))
