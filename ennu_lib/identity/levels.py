"""How well two values agree: each distinct pair of values is scored once, by the first level that holds.

String distances are the expensive part. Counting letters bounds them from above: most pairs of strangers share too few
letters to be similar, and are never measured.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import polars as pl
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from ennu_lib.identity.values import Values

MISSING, DISAGREE = 0, 1
_DAYS_A_YEAR, _DAYS_A_MONTH = 365.2425, 30.4369
_PREFIX_BONUS, _LONGEST_PREFIX, _BONUS_FROM = 0.1, 4, 0.7  # of the Jaro-Winkler similarity


class ValuePairs:
    """Pairs of different values of one dictionary, by their codes. `least_similar` and `most_edits` are the weakest
    tests that will be asked; pairs that cannot pass them are not measured."""

    def __init__(self, values: Values, low: np.ndarray, high: np.ndarray, least_similar: float, most_edits: float):
        self.values, self.low, self.high = values, low, high
        self._least_similar, self._most_edits = least_similar, most_edits

    def of(self, facts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A fact about the two values of each pair."""
        return facts[self.low], facts[self.high]

    def texts(self, which: np.ndarray) -> tuple[list[str], list[str]]:
        values = self.values.values
        return values.gather(self.low[which]).to_list(), values.gather(self.high[which]).to_list()

    @cached_property
    def _shared(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Lengths of both, letters they share at most, and where such counting says nothing."""
        a, b = self.of(self.values.length)
        unusual = np.logical_or(*self.of(self.values.unusual))
        return a, b, np.minimum(*self.of(self.values.bag)).sum(axis=1, dtype=np.int16), unusual

    @cached_property
    def similarity(self) -> np.ndarray:
        """Jaro-Winkler similarity, 0 to 1; 0 where it is certainly below the least that is asked for."""
        a, b, shared, unusual = self._shared
        jaro = (shared / np.maximum(a, 1) + shared / np.maximum(b, 1) + 1) / 3
        differing = np.bitwise_xor(*self.of(self.values.head))
        prefix = np.select([differing == 0, differing < 2**8, differing < 2**16, differing < 2**24], [4, 3, 2, 1], 0)
        bonus = np.where(jaro > _BONUS_FROM, _PREFIX_BONUS * prefix * (1 - jaro), 0)
        possible = np.flatnonzero((jaro + bonus >= self._least_similar - 1e-4) | unusual)
        found = np.zeros(len(self.low), np.float32)
        found[possible] = cpdist(
            *self.texts(possible), scorer=JaroWinkler.similarity, score_cutoff=self._least_similar - 1e-4, workers=-1,
            dtype=np.float32,
        )  # fmt: skip
        return found

    @cached_property
    def edits(self) -> np.ndarray:
        """Optimal string alignment distance: an exchange of neighbours is one edit. What is surely more than asked for
        counts as one more than that."""
        a, b, shared, unusual = self._shared
        # One edit changes the letter counts of the two values by two at most.
        possible = np.flatnonzero((a + b - 2 * shared <= 2 * self._most_edits) | unusual)
        limit = int(self._most_edits)
        found = np.full(len(self.low), limit + 1, np.int32)
        found[possible] = cpdist(
            *self.texts(possible), scorer=OSA.distance, score_cutoff=limit, workers=-1, dtype=np.int32
        )
        return found


def _similar(pairs: ValuePairs, at_least: float) -> np.ndarray:
    return pairs.similarity >= np.float32(at_least)


def _edits(pairs: ValuePairs, at_most: float) -> np.ndarray:
    return pairs.edits <= at_most


def _days(pairs: ValuePairs, at_most: float) -> np.ndarray:
    """Days between two dates, about right even where one is no calendar date."""
    a, b = pairs.of(pairs.values.date)
    return np.abs(_day_number(a) - _day_number(b)) <= at_most


def _day_number(date: np.ndarray) -> np.ndarray:
    return date // 10000 * _DAYS_A_YEAR + date // 100 % 100 * _DAYS_A_MONTH + date % 100


def _day_and_month_swapped(pairs: ValuePairs, _: float) -> np.ndarray:
    a, b = pairs.of(pairs.values.date)
    same_year = (a // 10000 == b // 10000) & (a >= 0) & (b >= 0)
    return same_year & (a // 100 % 100 == b % 100) & (a % 100 == b // 100 % 100)


def _initial(pairs: ValuePairs, _: float) -> np.ndarray:
    """One of the two is only the first letter of the other."""
    a, b = pairs.of(pairs.values.initial)
    return np.logical_or(*pairs.of(pairs.values.letter_alone)) & (a == b)


def _part(pairs: ValuePairs, _: float) -> np.ndarray:
    """One name is a whole word of the other, or the two differ only in spaces."""
    holds = np.logical_or(*pairs.of(pairs.values.spaced))
    possible = np.flatnonzero(holds)
    frame = pl.DataFrame(dict(zip("ab", pairs.texts(possible), strict=True)), schema={"a": pl.String, "b": pl.String})
    padded = [pl.concat_str(pl.lit(" "), c, pl.lit(" ")) for c in ("a", "b")]
    bare = [pl.col(c).str.replace_all(" ", "", literal=True) for c in ("a", "b")]
    inside = padded[0].str.contains(padded[1], literal=True) | padded[1].str.contains(padded[0], literal=True)
    holds[possible] = frame.select(inside | (bare[0] == bare[1])).to_series().to_numpy()
    return holds


def _mailbox(pairs: ValuePairs, _: float) -> np.ndarray:
    a, b = pairs.of(pairs.values.mailbox)
    return (a == b) & (a >= 0)


def _nickname(pairs: ValuePairs, _: float) -> np.ndarray:
    """The two names can stand for one formal name."""
    holds = np.logical_or(*pairs.of(pairs.values.nicknamed))
    possible = np.flatnonzero(holds)
    left, right = (pairs.values.roots[codes[possible]] for codes in (pairs.low, pairs.high))
    found = np.zeros(len(possible), bool)
    for a in left.T:
        for b in right.T:
            found |= (a == b) & (a >= 0)
    holds[possible] = found
    return holds


TESTS: dict[str, Callable[[ValuePairs, float], np.ndarray]] = {
    "similar": _similar,
    "edits": _edits,
    "days": _days,
    "initial": _initial,
    "part": _part,
    "mailbox": _mailbox,
    "swapped": _day_and_month_swapped,
    "nickname": _nickname,
}


def grade(values: Values, low: np.ndarray, high: np.ndarray, levels: list[str]) -> np.ndarray:
    """The level of each pair of codes as a number: 1 disagrees, then upwards from the weakest; `levels` is best first,
    its first is exact agreement, which different values never reach."""
    asked = [(word, float(number[0]) if number else 0.0) for word, *number in (level.split() for level in levels)]
    least = min((n for word, n in asked if word == "similar"), default=1.0)
    most = max((n for word, n in asked if word == "edits"), default=0.0)
    pairs = ValuePairs(values, low, high, least, most)
    result = np.full(len(low), DISAGREE, np.int8)
    for place, (word, number) in reversed(list(enumerate(asked))):
        if word != "exact":
            result[TESTS[word](pairs, number)] = len(levels) - place + 1
    return result
