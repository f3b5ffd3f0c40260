"""The match model: Fellegi-Sunter with three classes, learned from agreement patterns without labels.

Every pair of records is one person (match), two people of one household, or two unrelated people. Two classes are not
enough: housemates share name, street and phone, and a model without a class for them takes that for evidence of a match
(Winkler 1993; Larsen and Rubin 2001; Daggy et al. 2013 on dependence between fields).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from ennu_lib.identity.compare import Comparer, unpack
from ennu_lib.identity.levels import DISAGREE, MISSING
from ennu_lib.identity.params import Model

MATCH, HOUSEHOLD, UNRELATED = 0, 1, 2
_LEAST_OF_COUNTED = 0.05
_DISAGREE_AT_START = {MATCH: 0.03, HOUSEHOLD: 0.10}  # share of outright disagreement in an exact-agreement start


@dataclass(frozen=True)
class MatchModel:
    """Learned shares. `shares[j]` is classes x levels of field j (column 0, missing, is 1: it says nothing).

    `log_prior`: log share of each class among all pairs. `log_likelihood`: per round, of the candidates.
    """

    fields: list[str]
    shares: list[np.ndarray]
    log_prior: np.ndarray
    log_likelihood: list[float]
    converged: bool
    expected_matches: float
    expected_household_pairs: float

    def log_weights(self, patterns: np.ndarray) -> np.ndarray:
        """Log prior times likelihood of each class, patterns x 3."""
        return _one_hot(patterns, self.shares) @ _log_table(self.shares) + self.log_prior

    @property
    def doubts(self) -> list[str]:
        """What makes the learned model doubtful, in words; empty when nothing does."""
        doubts = [] if self.converged else ["learning did not converge in the allowed rounds"]
        for name, share in zip(self.fields, self.shares, strict=True):
            if share[MATCH, -1] < share[UNRELATED, -1]:
                doubts.append(f"{name} agrees less often among matches than among strangers")
        return doubts


def learn(
    patterns: np.ndarray, comparer: Comparer, agreement: list[float], records: int, params: Model
) -> tuple[MatchModel, np.ndarray, np.ndarray]:
    """Learn the model by expectation maximization.

    `patterns`: packed patterns of all candidate pairs; `agreement`: per field, the share of all pairs that agree
    exactly. Returns the model, the distinct patterns in order, and their counts. Deterministic for the same input.
    """
    distinct, counts = np.unique(patterns, return_counts=True)
    levels = unpack(distinct, len(comparer.fields))
    sizes = [len(c.levels) + 2 for c in comparer.comparisons]
    unrelated = _stranger_shares(comparer, agreement, records, params)
    household = [c.household for c in comparer.comparisons]
    match0 = [_start(n, params.match_exact, MATCH) for n in sizes]
    home0 = [
        _start(n, params.household_exact, HOUSEHOLD) if shared else (1 - params.leak) * u + params.leak * m
        for n, shared, u, m in zip(sizes, household, unrelated, match0, strict=True)
    ]
    return _expectation_maximization(
        levels, counts.astype(float), comparer.fields, (match0, home0, unrelated), household, records, params
    ), distinct, counts  # fmt: skip


def _expectation_maximization(levels, counts, fields, start, household, records, params: Model) -> MatchModel:
    match0, home0, unrelated = start
    all_pairs = max(records * (records - 1) / 2, 1.0)
    shares = [np.stack(three) for three in zip(*start, strict=True)]
    one_hot = _one_hot(levels, shares)
    bounds = np.cumsum([0] + [s.shape[1] for s in shares])
    share = min(params.starting_share * counts.sum() / all_pairs, 0.3)
    prior = np.array([share, share, 1 - 2 * share])
    trace: list[float] = []
    converged = not len(counts)
    rounds = 0 if converged else params.most_rounds
    for _ in range(rounds):
        log_weight = one_hot @ _log_table(shares) + np.log(np.maximum(prior, 1e-300))
        top = log_weight.max(axis=1, keepdims=True)
        weight = np.exp(log_weight - top)
        total = weight.sum(axis=1, keepdims=True)
        trace.append(float(counts @ (np.log(total) + top)[:, 0] / counts.sum()))
        responsible = weight / total * counts[:, None]
        found = responsible[:, MATCH].sum(), responsible[:, HOUSEHOLD].sum()
        prior = np.array([*found, 0.0]) / all_pairs
        prior[UNRELATED] = 1 - prior.sum()
        seen = one_hot.T @ responsible
        for j in range(len(shares)):
            part = seen[bounds[j] : bounds[j + 1]]
            home_weight = params.prior_strength if household[j] else 5 * found[HOUSEHOLD] + params.prior_strength
            match = _normal(part[:, MATCH] + params.prior_strength * match0[j])
            home = _normal(part[:, HOUSEHOLD] + home_weight * home0[j])
            shares[j] = np.stack([match, home, _without_known(unrelated[j], match, home, prior)])
        if len(trace) > 1 and abs(trace[-1] - trace[-2]) < params.tolerance:
            converged = True
            break
    return MatchModel(
        list(fields), shares, np.log(np.maximum(prior, 1e-300)), trace, converged,
        float(prior[MATCH] * all_pairs) if rounds else 0.0, float(prior[HOUSEHOLD] * all_pairs) if rounds else 0.0,
    )  # fmt: skip


def _stranger_shares(comparer: Comparer, agreement: list[float], records: int, params: Model) -> list[np.ndarray]:
    """How often two records drawn at random reach each level; exact agreement is counted over all pairs, not drawn."""
    left, right = _random_pairs(records, params)
    drawn = comparer.levels(left, right)
    shares = []
    for j, comparison in enumerate(comparer.comparisons):
        size = len(comparison.levels) + 2
        seen = np.bincount(drawn[:, j], minlength=size)[:size].astype(float) + 0.5
        seen[MISSING] = 0.0
        partly = seen[DISAGREE:-1] / seen[DISAGREE:-1].sum()
        exact = np.clip(agreement[j], 1e-9, 0.999)
        shares.append(np.concatenate([[0.0], partly * (1 - exact), [exact]]))
    return shares


def _without_known(unrelated: np.ndarray, match: np.ndarray, home: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Strangers' exact agreement, counted over all pairs, less what matches and housemates bring into that count; in a
    small table full of duplicates they bring most of it."""
    counted = unrelated[-1]
    strangers = (counted - prior[MATCH] * match[-1] - prior[HOUSEHOLD] * home[-1]) / prior[UNRELATED]
    exact = np.clip(strangers, _LEAST_OF_COUNTED * counted, counted)
    return np.append(unrelated[:-1] * (1 - exact) / (1 - counted), exact)


def _random_pairs(records: int, params: Model) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of a small table, else a seeded draw."""
    if records * (records - 1) // 2 <= params.random_pairs:
        left, right = np.triu_indices(records, 1)
        return left, right
    random = np.random.default_rng(params.seed)
    left = random.integers(0, records, params.random_pairs)
    right = (left + random.integers(1, records, params.random_pairs)) % records
    return np.minimum(left, right), np.maximum(left, right)


def exact_agreement(codes: pl.Series, counts: pl.DataFrame | None = None) -> float:
    """The share of pairs of known values that are equal, over all pairs of records."""
    counts = value_counts(codes) if counts is None else counts
    known = int(counts["count"].sum())
    if known < 2:
        return 0.0
    size = counts["count"].cast(pl.Float64)
    return float((size * (size - 1)).sum() / (known * (known - 1)))


def value_counts(codes: pl.Series) -> pl.DataFrame:
    """code, count of the known values of one column."""
    return codes.drop_nulls().value_counts().rename({codes.name: "code"})


def _start(size: int, exact: float, kind: int) -> np.ndarray:
    """A starting distribution over levels: mostly exact, some disagreement, the rest evenly between."""
    disagree = _DISAGREE_AT_START[kind] if size > 3 else 1 - exact
    between = size - 3
    middle = [(1 - exact - disagree) / between] * between if between else []
    return np.array([0.0, disagree, *middle, exact])


def _normal(weights: np.ndarray) -> np.ndarray:
    weights = weights.copy()
    weights[MISSING] = 0.0
    return weights / weights.sum()


def _one_hot(levels: np.ndarray, shares: list[np.ndarray]) -> csr_matrix:
    """Patterns x (all levels of all fields), one 1 per field."""
    bounds = np.cumsum([0] + [s.shape[1] for s in shares])
    columns = (levels.astype(np.int64) + bounds[:-1]).ravel()
    rows = np.arange(0, len(columns) + 1, len(shares))
    return csr_matrix((np.ones(len(columns)), columns, rows), shape=(len(levels), bounds[-1]))


def _log_table(shares: list[np.ndarray]) -> np.ndarray:
    """Log shares, all levels x classes; a missing value contributes nothing."""
    table = [np.log(np.maximum(s.T, 1e-12)) for s in shares]
    for part in table:
        part[MISSING] = 0.0
    return np.concatenate(table)
