"""How well two values agree: each distinct pair of values is scored once, by the first level that holds."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import polars as pl
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

MISSING, DISAGREE = 0, 1
_DAYS_A_YEAR, _DAYS_A_MONTH = 365.2425, 30.4369


class ValuePairs:
    """Pairs of different values of one dictionary, by their codes, and what the level tests need to know of them."""

    def __init__(self, dictionary: pl.Series, low: np.ndarray, high: np.ndarray, nicknames: dict[str, tuple[str, ...]]):
        self.dictionary, self.low, self.high, self.nicknames = dictionary, low, high, nicknames
        self.left, self.right = dictionary.gather(low), dictionary.gather(high)

    @cached_property
    def texts(self) -> tuple[list[str], list[str]]:
        return self.left.to_list(), self.right.to_list()

    @cached_property
    def similarity(self) -> np.ndarray:
        """Jaro-Winkler similarity, 0 to 1."""
        return cpdist(*self.texts, scorer=JaroWinkler.similarity, workers=-1, dtype=np.float32)

    @cached_property
    def edits(self) -> np.ndarray:
        """Optimal string alignment distance: an exchange of neighbours is one edit."""
        return cpdist(*self.texts, scorer=OSA.distance, score_cutoff=3, workers=-1, dtype=np.int32)

    @cached_property
    def days_apart(self) -> np.ndarray:
        """Days between two dates of eight digits, about right even where one is no calendar date."""
        return np.abs(_day_number(self.left) - _day_number(self.right))

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame({"a": self.left, "b": self.right})


def _day_number(dates: pl.Series) -> np.ndarray:
    number = dates.cast(pl.Int64).to_numpy()
    return number // 10000 * _DAYS_A_YEAR + number // 100 % 100 * _DAYS_A_MONTH + number % 100


def _similar(pairs: ValuePairs, at_least: float) -> np.ndarray:
    return pairs.similarity >= np.float32(at_least)


def _edits(pairs: ValuePairs, at_most: float) -> np.ndarray:
    return pairs.edits <= at_most


def _days(pairs: ValuePairs, at_most: float) -> np.ndarray:
    return pairs.days_apart <= at_most


def _initial(pairs: ValuePairs, _: float) -> np.ndarray:
    a, b = pl.col("a"), pl.col("b")
    one_letter = (a.str.len_chars() == 1) | (b.str.len_chars() == 1)
    return pairs.frame().select(one_letter & (a.str.slice(0, 1) == b.str.slice(0, 1))).to_series().to_numpy()


def _part(pairs: ValuePairs, _: float) -> np.ndarray:
    """One name is a whole word of the other, or the two differ only in spaces."""
    padded = [pl.concat_str(pl.lit(" "), c, pl.lit(" ")) for c in ("a", "b")]
    bare = [pl.col(c).str.replace_all(" ", "", literal=True) for c in ("a", "b")]
    inside = padded[0].str.contains(padded[1], literal=True) | padded[1].str.contains(padded[0], literal=True)
    return pairs.frame().select(inside | (bare[0] == bare[1])).to_series().to_numpy()


def _mailbox(pairs: ValuePairs, _: float) -> np.ndarray:
    boxes = [pl.col(c).str.extract(r"^([^@]{4,})@") for c in ("a", "b")]
    return pairs.frame().select((boxes[0] == boxes[1]).fill_null(False)).to_series().to_numpy()


def _day_and_month_swapped(pairs: ValuePairs, _: float) -> np.ndarray:
    a, b = pairs.left.str, pairs.right.str
    swapped = (a.slice(0, 4) == b.slice(0, 4)) & (a.slice(4, 2) == b.slice(6, 2)) & (a.slice(6, 2) == b.slice(4, 2))
    return swapped.to_numpy()


def _nickname(pairs: ValuePairs, _: float) -> np.ndarray:
    """The two names can stand for one formal name."""
    used, place = np.unique(np.concatenate([pairs.low, pairs.high]), return_inverse=True)
    roots = _root_table(pairs.dictionary.gather(used).to_list(), pairs.nicknames)[place]
    left, right = roots[: len(pairs.low)], roots[len(pairs.low) :]
    holds = np.zeros(len(left), bool)
    for a in left.T:
        for b in right.T:
            holds |= (a == b) & (a >= 0)
    return holds


def _root_table(names: list[str], nicknames: dict[str, tuple[str, ...]]) -> np.ndarray:
    """names x most roots: numbers of the formal names each may stand for, -1 where there are no more."""
    roots = [dict.fromkeys((name, *nicknames.get(name, ()))) for name in names]
    number: dict[str, int] = {}
    table = np.full((len(names), max(map(len, roots))), -1, np.int32)
    for row, own in zip(table, roots, strict=True):
        row[: len(own)] = [number.setdefault(root, len(number)) for root in own]
    return table


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


def grade(pairs: ValuePairs, levels: list[str]) -> np.ndarray:
    """The level of each pair as a number: 1 disagrees, then upwards from the weakest; `levels` is best first, its
    first is exact agreement, which different values never reach."""
    result = np.full(len(pairs.low), DISAGREE, np.int8)
    for place, level in reversed(list(enumerate(levels))):
        word, *number = level.split()
        if word != "exact":
            holds = TESTS[word](pairs, float(number[0]) if number else 0.0)
            result[holds] = len(levels) - place + 1
    return result
