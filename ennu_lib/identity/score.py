"""From agreement patterns to probabilities, guards and match weights that a person can read."""

from collections.abc import Callable

import numpy as np
import polars as pl

from ennu_lib.identity.blocking import LOW
from ennu_lib.identity.clinical import Whereabouts
from ennu_lib.identity.compare import Comparer, chunks, unpack
from ennu_lib.identity.model import HOUSEHOLD, MATCH, UNRELATED, MatchModel, value_counts
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.people import People

SCORED = {
    "left": pl.UInt32,
    "right": pl.UInt32,
    "pattern": pl.UInt64,
    "log_odds": pl.Float32,
    "probability": pl.Float64,
    "household": pl.Float32,
    "guard": pl.Int8,
}
# DISAGREES: the second opinion differs; ELSEWHERE: visits at one time in two places
NO_GUARD, DISAGREES, ELSEWHERE = -1, 100, 101


class Scorer:
    """Scores pairs of one table with a learned model."""

    def __init__(
        self,
        people: People,
        comparer: Comparer,
        model: MatchModel,
        params: IdentityParams,
        whereabouts: Whereabouts | None = None,
    ):
        self.people, self.comparer, self.model, self.params = people, comparer, model, params
        self._whereabouts = whereabouts
        self.levels = [params.levels[f] for f in comparer.fields]
        self._frequencies = {
            j: _log_frequency(people, c.field)
            for j, c in enumerate(comparer.comparisons)
            if c.term_frequency and people.columns[c.field] == [c.field]
        }

    def score(
        self, pairs: np.ndarray, patterns: np.ndarray, keep: float, progress: Callable[[int, int], None] | None = None
    ) -> pl.DataFrame:
        """Packed pairs with their patterns to one row per pair worth keeping: those of at least `keep` probability or
        that more likely than not share a household. Columns: see SCORED; log_odds are natural."""
        parts = [pl.DataFrame(schema=SCORED)]
        for rows in chunks(len(pairs)):
            scored = self._score_chunk(pairs[rows], patterns[rows])
            parts.append(scored.filter((pl.col("probability") >= keep) | (pl.col("household") >= 0.5)))
            if progress:
                progress(rows.stop, len(pairs))
        return pl.concat(parts)

    def score_all(self, pairs: np.ndarray) -> pl.DataFrame:
        """Compare and score pairs that no blocking rule proposed."""
        return self.score(pairs, self.comparer.patterns(pairs), keep=0.0)

    def _score_chunk(self, pairs: np.ndarray, patterns: np.ndarray) -> pl.DataFrame:
        left, right = (pairs >> np.uint64(32)).astype(np.int64), (pairs & LOW).astype(np.int64)
        distinct, place = np.unique(patterns, return_inverse=True)
        levels = unpack(distinct, len(self.comparer.fields))
        log_weight = self.model.log_weights(levels)[place]
        for j, (codes, log_frequency) in self._frequencies.items():
            exact = levels[place, j] == len(self.levels[j]) - 1
            rarer = log_frequency[codes[left[exact]]] - np.log(self.model.shares[j][UNRELATED, -1])
            log_weight[exact, UNRELATED] += rarer
        others = np.logaddexp(log_weight[:, HOUSEHOLD], log_weight[:, UNRELATED])
        log_odds = log_weight[:, MATCH] - others
        total = np.logaddexp(log_weight[:, MATCH], others)
        probability = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
        guard = self._guards(levels)[place]
        if self._whereabouts:
            likely = np.flatnonzero(probability >= self.params.decision.review)
            guard[likely[self._whereabouts.contradict(left[likely], right[likely])]] = ELSEWHERE
        return pl.DataFrame(
            {
                "left": left.astype(np.uint32),
                "right": right.astype(np.uint32),
                "pattern": patterns,
                "log_odds": log_odds.astype(np.float32),
                "probability": probability,
                "household": np.exp(log_weight[:, HOUSEHOLD] - total).astype(np.float32),
                "guard": guard,
            },
            schema=SCORED,
        )

    def _guards(self, levels: np.ndarray) -> np.ndarray:
        """The first guard each pattern hits, by its place in the parameters; -1 for none."""
        hit = np.full(len(levels), NO_GUARD, np.int8)
        for number, guard in reversed(list(enumerate(self.params.guards))):
            holds = np.ones(len(levels), bool)
            for field, names in guard.when.items():
                holds &= self._at(levels, field, names)
            if guard.any:
                holds &= np.any([self._at(levels, f, names) for f, names in guard.any.items()], axis=0)
            for field, names in guard.unless.items():
                holds &= ~self._at(levels, field, names)
            hit[holds] = number
        return hit

    def _at(self, levels: np.ndarray, field: str, names: list[str]) -> np.ndarray:
        """Where a field is at one of the named levels; a field without a column is missing everywhere."""
        if field not in self.comparer.fields:
            return np.full(len(levels), "missing" in names)
        j = self.comparer.fields.index(field)
        return np.isin(levels[:, j], [self.levels[j].index(name) for name in names])

    def waterfall(self, left: int, right: int) -> pl.DataFrame:
        """Why one pair has its probability: one row per term, in bits, that add up to the log2 odds of a match.

        Columns term, level, weight. The alternative is whichever of household and unrelated is likelier; the last row
        takes off what the other one explains.
        """
        codes = np.array([left]), np.array([right])
        levels = self.comparer.levels(*codes)
        log_weight = self.model.log_weights(levels)[0].copy()
        rare = {}
        for j, (values, log_frequency) in self._frequencies.items():
            if levels[0, j] == len(self.levels[j]) - 1:
                rare[j] = log_frequency[values[left]] - np.log(self.model.shares[j][UNRELATED, -1])
                log_weight[UNRELATED] += rare[j]
        rival, other = (
            (HOUSEHOLD, UNRELATED) if log_weight[HOUSEHOLD] > log_weight[UNRELATED] else (UNRELATED, HOUSEHOLD)
        )
        prior = self.model.log_prior
        rows = [("prior", ("against household", "against unrelated")[rival - 1], prior[MATCH] - prior[rival])]
        for j, field in enumerate(self.comparer.fields):
            share = self.model.shares[j][:, levels[0, j]]
            weight = 0.0 if levels[0, j] == 0 else np.log(share[MATCH] / share[rival])
            if rival == UNRELATED:
                weight -= rare.get(j, 0.0)
            rows.append((field, self.levels[j][levels[0, j]], weight))
        rows.append(("other explanation", "", -np.log1p(np.exp(log_weight[other] - log_weight[rival]))))
        frame = pl.DataFrame(rows, schema={"term": pl.String, "level": pl.String, "weight": pl.Float64}, orient="row")
        return frame.with_columns(pl.col("weight") / np.log(2))


def _log_frequency(people: People, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes per record, and the log share of records that have each code."""
    codes = people.codes[field]
    counts = value_counts(codes)
    share = np.full(len(people.dictionary(field)), 1.0)
    share[counts["code"].to_numpy()] = counts["count"].to_numpy() / max(int(counts["count"].sum()), 1)
    return codes.fill_null(0).to_numpy(), np.log(share)


def weights_table(model: MatchModel, params: IdentityParams) -> pl.DataFrame:
    """Every level of every field with its share among matches, housemates and strangers, and its weights in bits."""
    rows = []
    for field, share in zip(model.fields, model.shares, strict=True):
        for number, level in enumerate(params.levels[field][1:], 1):
            m, h, u = (float(s) for s in share[:, number])
            rows.append((field, level, m, h, u, np.log2(m / u), np.log2(m / h)))
    columns = ("field", "level", "match", "household", "unrelated", "bits_against_unrelated", "bits_against_household")
    return pl.DataFrame(rows, schema=columns, orient="row")
