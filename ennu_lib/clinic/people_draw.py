"""Vectorised chance: weighted choices, dates, blanks and uneven spreading over patients."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import polars as pl

from ennu_lib.config import params_dir

EPOCH = date(1970, 1, 1)
DAY_SECONDS = 86_400


class Wheel:
    """Values with weights, drawn many at a time."""

    def __init__(self, values: pl.Series | list, weights: np.ndarray | list | None = None):
        self.values = values if isinstance(values, pl.Series) else pl.Series(values=values)
        shares = np.ones(len(self.values)) if weights is None else np.asarray(weights, dtype=float)
        self._edges = np.cumsum(shares / shares.sum())

    def indices(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Positions of `n` drawn values."""
        return np.searchsorted(self._edges, rng.random(n) * self._edges[-1], side="right").clip(max=len(self) - 1)

    def evenly(self, rng: np.random.Generator, n: int) -> pl.Series:
        """`n` values in the proportions of the weights, each count within one of its share, in random order."""
        marks = (np.arange(n) + rng.random()) / max(n, 1) * self._edges[-1]
        return self.values.gather(rng.permutation(np.searchsorted(self._edges, marks).clip(max=len(self) - 1)))

    def draw(self, rng: np.random.Generator, n: int) -> pl.Series:
        """`n` drawn values."""
        return self.values.gather(self.indices(rng, n))

    def __len__(self) -> int:
        return len(self.values)


@cache
def clinic_table(name: str) -> pl.DataFrame:
    """The file `params/clinic/<name>.csv`; columns named `weight` or `share` are numbers, all others text."""
    frame = pl.read_csv(params_dir() / "clinic" / f"{name}.csv", infer_schema=False)
    numbers = [column for column in frame.columns if column in ("weight", "share", "language_share")]
    return frame.with_columns(pl.col(numbers).cast(pl.Float64))


@cache
def word_wheel(name: str, file: str = "people_words") -> Wheel:
    """The weighted list `name` of a word file with the columns list, value, weight."""
    words = clinic_table(file).filter(pl.col("list") == name)
    if words.is_empty():
        raise KeyError(f"params/clinic/{file}.csv has no list '{name}'")
    return Wheel(words["value"], words["weight"].to_numpy())


def pick(rng: np.random.Generator, n: int, weighted: dict[str, float] | list[str]) -> pl.Series:
    """`n` values of a small choice given in code or parameters."""
    if isinstance(weighted, dict):
        return Wheel(list(weighted), list(weighted.values())).draw(rng, n)
    return Wheel(weighted).draw(rng, n)


def chance(rng: np.random.Generator, n: int, share: float | np.ndarray) -> np.ndarray:
    """`n` booleans that are true with probability `share`."""
    return rng.random(n) < share


def blanked(values: pl.Series | np.ndarray, empty: np.ndarray) -> pl.Series:
    """The values with NULL where `empty` is true."""
    series = values if isinstance(values, pl.Series) else pl.Series(values=values)
    return pl.select(pl.when(pl.Series(values=~empty)).then(series)).to_series().alias(series.name)


def sometimes(rng: np.random.Generator, values: pl.Series | np.ndarray, null_share: float) -> pl.Series:
    """The values with a share of them NULL."""
    return blanked(values, chance(rng, len(values), null_share))


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def dates(days: np.ndarray) -> pl.Series:
    """Days since 1970-01-01 as dates."""
    return pl.Series(values=np.asarray(days).astype(np.int32)).cast(pl.Date)


def moments(days: np.ndarray, seconds: np.ndarray | int) -> pl.Series:
    """Days since 1970-01-01 and seconds of the day as local times, without fractions of a second."""
    whole = np.asarray(days).astype(np.int64) * DAY_SECONDS + np.asarray(seconds).astype(np.int64)
    return pl.Series(values=whole * 1_000_000).cast(pl.Datetime("us"))


def office_seconds(
    rng: np.random.Generator, n: int, opens: float = 8, closes: float = 17.5, step: int = 15
) -> np.ndarray:
    """Seconds of the day in opening hours, on a raster of `step` minutes."""
    slots = rng.integers(int(opens * 60 / step), int(closes * 60 / step), n)
    return slots * step * 60


def any_seconds(rng: np.random.Generator, n: int) -> np.ndarray:
    """Seconds of the day between 07:00 and 22:00, any second: what a computer stamps."""
    return rng.integers(7 * 3600, 22 * 3600, n)


def spread(rng: np.random.Generator, weights: np.ndarray, n: int) -> np.ndarray:
    """`n` positions into `weights`, each as often as its weight says, in rising order."""
    total = weights.sum()
    if n == 0 or total <= 0:
        return np.empty(0, dtype=np.int64)
    return np.repeat(np.arange(len(weights)), rng.multinomial(n, weights / total))


def rank_within(groups: np.ndarray) -> np.ndarray:
    """0, 1, 2 … within each run of equal values of a sorted array."""
    if not len(groups):
        return np.empty(0, dtype=np.int64)
    starts = np.r_[True, groups[1:] != groups[:-1]]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(groups)), 0))
    return np.arange(len(groups)) - first


def sample(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """`size` different positions out of `n`, in rising order; all of them when there are fewer."""
    if size >= n:
        return np.arange(n)
    return np.sort(rng.choice(n, size, replace=False))


def whole(rng: np.random.Generator, expected: float) -> int:
    """An expected number of rows as a whole number that is right on average over many chunks."""
    return int(expected + rng.random())


def workday(days: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 with Saturdays and Sundays moved back to the Friday before."""
    weekday = (days + 3) % 7
    return days - np.where(weekday == 5, 1, np.where(weekday == 6, 2, 0))


def days_after(rng: np.random.Generator, as_of: date, first: np.ndarray, longest: int) -> np.ndarray:
    """Days up to `longest` days after `first`, none of them in the future."""
    return np.minimum(first + rng.integers(0, longest, len(first)), day_number(as_of))
