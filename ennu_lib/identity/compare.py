"""Agreement patterns of candidate pairs, through recordlinkage.Compare with a feature class that works on codes."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import polars as pl
import recordlinkage
from recordlinkage.base import BaseCompareFeature

from ennu_lib.identity.levels import MISSING, grade
from ennu_lib.identity.params import Comparison, IdentityParams
from ennu_lib.identity.people import People
from ennu_lib.identity.values import Values

CHUNK = 500_000
BITS = np.uint64(4)
NO_VALUE = -1
_REPEATING = 500_000  # distinct values up to which the same pairs of values come up in chunk after chunk


class AgreementLevel(BaseCompareFeature):
    """Integer codes in, the number of the agreement level out (0: one of the two is missing).

    With several columns per record (two phones) the best agreement between any two counts.
    """

    def __init__(self, columns: list[str], comparison: Comparison, values: Values):
        super().__init__(columns, columns, label=comparison.field)
        self.columns, self.levels, self.values = columns, comparison.levels, values
        self.exact = np.int8(len(comparison.levels) + 1)
        self._scored = np.empty(0, np.uint64), np.empty(0, np.int8)

    def _compute_vectorized(self, *codes: pd.Series) -> np.ndarray:
        arrays = [c.to_numpy() for c in codes]
        half = len(arrays) // 2
        found = [self.best_of(a, b) for a in arrays[:half] for b in arrays[half:]]
        return np.maximum.reduce(found)

    def best_of(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Levels of one column against another; each distinct pair of different values is scored once."""
        result = np.full(len(left), MISSING, np.int8)
        known = (left >= 0) & (right >= 0)
        same = known & (left == right)
        result[same] = self.exact
        other = np.flatnonzero(known & ~same)
        if len(other):
            a, b = left[other], right[other]
            packed = np.minimum(a, b).astype(np.uint64) << np.uint64(32) | np.maximum(a, b).astype(np.uint64)
            distinct, place = np.unique(packed, return_inverse=True)
            result[other] = self._score(distinct)[place]
        return result

    def _score(self, packed: np.ndarray) -> np.ndarray:
        """Levels of distinct pairs of values in rising order; those scored for an earlier chunk are looked up."""
        pairs, levels = self._scored
        place = np.minimum(np.searchsorted(pairs, packed), max(len(pairs) - 1, 0))
        known = pairs[place] == packed if len(pairs) else np.zeros(len(packed), bool)
        result = np.empty(len(packed), np.int8)
        result[known] = levels[place[known]]
        new = packed[~known]
        low, high = (new >> np.uint64(32)).astype(np.int64), (new & np.uint64(0xFFFFFFFF)).astype(np.int64)
        result[~known] = grade(self.values, low, high, self.levels)
        if len(self.values) <= _REPEATING:
            order = np.argsort(merged := np.concatenate([pairs, new]), kind="stable")
            self._scored = merged[order], np.concatenate([levels, result[~known]])[order]
        return result


class GivenName(AgreementLevel):
    """First names, which also agree through a preferred name or when first and last name are exchanged."""

    def _compute_vectorized(self, *codes: pd.Series) -> np.ndarray:
        arrays = [c.to_numpy() for c in codes]
        half = len(arrays) // 2
        (first_a, last_a, *more_a), (first_b, last_b, *more_b) = arrays[:half], arrays[half:]
        result = self.best_of(first_a, first_b)
        for level, holds in (
            ("nickname", _preferred(first_a, first_b, more_a, more_b)),
            ("swapped", exchanged(first_a, last_a, first_b, last_b)),
        ):
            if level in self.levels:
                number = np.int8(len(self.levels) - self.levels.index(level) + 1)
                result = np.where(holds, np.maximum(result, number), result)
        return result


class FamilyName(AgreementLevel):
    """Last names; says nothing where first and last name are exchanged, for that is already counted once."""

    def _compute_vectorized(self, *codes: pd.Series) -> np.ndarray:
        last_a, first_a, last_b, first_b = (c.to_numpy() for c in codes)
        result = self.best_of(last_a, last_b)
        result[exchanged(first_a, last_a, first_b, last_b)] = MISSING
        return result


def exchanged(first_a: np.ndarray, last_a: np.ndarray, first_b: np.ndarray, last_b: np.ndarray) -> np.ndarray:
    """Where the first name of one record is the last name of the other and the other way round."""
    return (first_a == last_b) & (last_a == first_b) & (first_a != first_b) & (first_a >= 0) & (last_a >= 0)


def _preferred(first_a, first_b, preferred_a: list, preferred_b: list) -> np.ndarray:
    holds = np.zeros(len(first_a), bool)
    for a in preferred_a:
        holds |= (a == first_b) & (a >= 0)
    for b in preferred_b:
        holds |= (b == first_a) & (b >= 0)
    return holds


class Comparer:
    """Compares pairs of records of one table; fields without a column are left out."""

    def __init__(self, people: People, params: IdentityParams):
        self.comparisons = [c for c in params.comparisons if people.columns.get(c.field)]
        self.fields = [c.field for c in self.comparisons]
        self.codes = people.codes.select(pl.all().cast(pl.Int32).fill_null(NO_VALUE)).to_pandas()
        values: dict[int, Values] = {}
        self.features = [_feature(c, people, params.nicknames, values) for c in self.comparisons]
        self._compare = recordlinkage.Compare(self.features, indexing_type="position")

    def levels(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Agreement levels, one int8 column per compared field, one row per pair of positions."""
        if not len(left):
            return np.empty((0, len(self.fields)), np.int8)
        return self._compare.compute(pd.MultiIndex.from_arrays([left, right]), self.codes).to_numpy(np.int8)

    def patterns(self, pairs: np.ndarray, progress: Callable[[int, int], None] | None = None) -> np.ndarray:
        """The agreement pattern of each packed pair as one integer, four bits per field; memory is that of a chunk."""
        result = np.empty(len(pairs), np.uint64)
        for rows in chunks(len(pairs)):
            part = pairs[rows]
            left, right = (part >> np.uint64(32)).astype(np.int64), (part & np.uint64(0xFFFFFFFF)).astype(np.int64)
            result[rows] = pack(self.levels(left, right))
            if progress:
                progress(min(rows.stop, len(pairs)), len(pairs))
        return result


def chunks(length: int, size: int = CHUNK) -> Iterator[slice]:
    """Consecutive slices that cover `length` rows."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def pack(levels: np.ndarray) -> np.ndarray:
    """Agreement levels (pairs x fields) as one integer per pair, the first field in the lowest four bits."""
    packed = np.zeros(len(levels), np.uint64)
    for place in range(levels.shape[1]):
        packed |= levels[:, place].astype(np.uint64) << (BITS * np.uint64(place))
    return packed


def unpack(patterns: np.ndarray, fields: int) -> np.ndarray:
    """The inverse of `pack`: patterns x fields of agreement levels."""
    places = BITS * np.arange(fields, dtype=np.uint64)
    return ((patterns[:, None] >> places) & np.uint64(15)).astype(np.int8)


def _feature(comparison: Comparison, people: People, nicknames: dict, shared: dict[int, Values]) -> AgreementLevel:
    field, columns = comparison.field, people.columns[comparison.field]
    dictionary = people.dictionary(columns[0])
    values = shared.setdefault(id(dictionary), Values(dictionary, nicknames))
    both = "first_name" in people.columns and "last_name" in people.columns
    if field == "first_name" and both:
        columns = ["first_name", "last_name", *people.columns.get("preferred_name", [])]
        return GivenName(columns, comparison, values)
    if field == "last_name" and both:
        return FamilyName(["last_name", "first_name"], comparison, values)
    return AgreementLevel(columns, comparison, values)
