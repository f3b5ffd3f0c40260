"""What the generators of billing, scheduling and reference tables share: money in cents, ragged rows, filler."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import polars as pl
import yaml

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.conform import FRAME_TYPES
from ennu_lib.clinic.people_draw import Wheel, clinic_table
from ennu_lib.config import params_dir


@lru_cache(maxsize=1)
def office_file() -> dict:
    """`params/clinic/office.yml` as plain values."""
    return yaml.safe_load((params_dir() / "clinic" / "office.yml").read_text(encoding="utf-8"))


def money(cents: np.ndarray) -> pl.Series:
    """Whole cents as amounts with two places; the float64 nearest to such an amount always prints as that amount."""
    return pl.Series(values=np.asarray(cents) / 100)


def numbered(prefix: str, numbers: np.ndarray, width: int) -> pl.Series:
    """Codes such as `INV-0000017`."""
    return prefix + pl.Series(values=np.asarray(numbers, dtype=np.int64)).cast(pl.String).str.zfill(width)


def yes_no(flags: np.ndarray) -> pl.Series:
    """Y where true, else N."""
    return pl.Series(values=np.where(flags, "Y", "N"))


def repeated(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows that have `counts` children each: the parent's position and the child's rank from 0."""
    parents = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return parents, np.arange(len(parents)) - first[parents]


def seconds_of(moments: pl.Series) -> np.ndarray:
    """Datetimes as whole seconds since 1970-01-01."""
    return moments.cast(pl.Datetime("us")).cast(pl.Int64).to_numpy() // 1_000_000


def at_seconds(seconds: np.ndarray) -> pl.Series:
    """Whole seconds since 1970-01-01 as local datetimes."""
    return pl.Series(values=np.asarray(seconds, dtype=np.int64) * 1_000_000).cast(pl.Datetime("us"))


def shifted_to_weekday(days: np.ndarray, step: int = 1) -> np.ndarray:
    """Days since 1970-01-01 with weekends moved on (`step` 1) to Monday or back (`step` -1) to Friday."""
    weekday = (days + 3) % 7
    move = {1: (2, 1), -1: (-1, -2)}[step]
    return days + np.where(weekday == 5, move[0], np.where(weekday == 6, move[1], 0))


def real_first(real: pl.DataFrame, filler: Callable[[int], pl.DataFrame], rows: int, key: str) -> pl.DataFrame:
    """The real rows and so much filler that there are `rows`; filler whose key is already taken is left out."""
    lacking = rows - real.height
    if lacking <= 0:
        return real
    made = filler(lacking + real.height).join(real.select(key), on=key, how="anti").head(lacking)
    return pl.concat([real, made], how="diagonal_relaxed")


def names(rng: np.random.Generator, n: int) -> tuple[pl.Series, pl.Series]:
    """Given and family names of `n` members of staff."""
    given, family = clinic_table("given_names"), clinic_table("family_names")
    return (
        Wheel(given["name"], given["weight"].to_numpy()).draw(rng, n),
        Wheel(family["name"], family["weight"].to_numpy()).draw(rng, n),
    )


def rows_made(chunk: Chunk, table: str) -> pl.DataFrame:
    """Rows of `table` that this chunk has so far; an empty frame of the catalogue's columns where it has none."""
    made = chunk.frames.get(table)
    if made is not None:
        return made
    return pl.DataFrame(
        schema={column.name: FRAME_TYPES[column.type.kind] for column in chunk.catalogue.table(table).columns}
    )
