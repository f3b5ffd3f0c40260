"""Whom the patients' rows point at: providers by their time of employment, users, sites and other shared keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import day_number

NOT_YET_ENDED = 10**6
ATTEMPTS = 6


def reference_keys(chunk: Chunk, table: str, column: str) -> pl.Series:
    """The keys of a table that all chunks share."""
    return chunk.reference[table][column]


def draw_keys(rng: np.random.Generator, chunk: Chunk, table: str, column: str, n: int) -> pl.Series:
    """`n` keys of a shared table, each equally likely."""
    keys = reference_keys(chunk, table, column)
    return keys.gather(rng.integers(0, len(keys), n))


def draw_users(rng: np.random.Generator, chunk: Chunk, n: int) -> pl.Series:
    """`n` staff users."""
    return draw_keys(rng, chunk, "staff_users", "user_id", n)


@dataclass(frozen=True)
class Roster:
    """Providers with the days on which they were employed."""

    ids: np.ndarray
    first_day: np.ndarray
    last_day: np.ndarray

    @classmethod
    def of(cls, chunk: Chunk) -> Roster:
        """The roster of the clinic; a missing first day counts as always, a missing last day as still employed."""
        providers = chunk.reference["providers"]
        days = providers.select(
            pl.col("provider_id").cast(pl.Int64),
            pl.col("hire_date").cast(pl.Date).to_physical().fill_null(0).alias("first"),
            pl.col("end_date").cast(pl.Date).to_physical().fill_null(NOT_YET_ENDED).alias("last"),
        )
        days = days.with_columns(
            pl.when(pl.col("last") <= pl.col("first")).then(NOT_YET_ENDED).otherwise("last").alias("last")
        )
        return cls(days["provider_id"].to_numpy(), days["first"].to_numpy(), days["last"].to_numpy())

    def usual(self, rng: np.random.Generator, chunk: Chunk, n: int) -> np.ndarray:
        """Positions of `n` patients' usual providers, who work here today."""
        today = day_number(chunk.as_of)
        here = np.flatnonzero((self.first_day <= today) & (self.last_day >= today))
        return rng.choice(here, n)

    def seen_by(self, rng: np.random.Generator, usual: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Provider keys for visits on `days`: three in four the usual provider, all employed on that day."""
        chosen = np.where(rng.random(len(days)) < 0.75, usual, rng.integers(0, len(self.ids), len(days)))
        for _ in range(ATTEMPTS):
            away = np.flatnonzero((self.first_day[chosen] > days) | (self.last_day[chosen] < days))
            chosen[away] = rng.integers(0, len(self.ids), len(away))
        return self._surely_employed(chosen, days)

    def _surely_employed(self, chosen: np.ndarray, days: np.ndarray) -> np.ndarray:
        away = np.flatnonzero((self.first_day[chosen] > days) | (self.last_day[chosen] < days))
        for day in np.unique(days[away]):
            here = np.flatnonzero((self.first_day <= day) & (self.last_day >= day))
            senior = here[0] if len(here) else int(np.argmin(self.first_day))
            chosen[away[days[away] == day]] = senior
        return self.ids[chosen]
