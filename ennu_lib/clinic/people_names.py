"""Names by language of origin, drawn with the frequencies of the word lists."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.people_draw import Wheel, chance, clinic_table

WESTERN_GIVEN_NAME = {"chinese": 0.4, "korean": 0.4, "vietnamese": 0.3, "indian": 0.1, "polish": 0.3, "russian": 0.1}
WESTERN_GIVEN_NAME |= {"hispanic": 0.12, "italian": 0.45, "german": 0.45, "dutch": 0.5, "french": 0.35}


@dataclass(frozen=True)
class NamePool:
    """Names in groups; a draw gives row numbers of `frame`."""

    frame: pl.DataFrame
    groups: dict[str, tuple[np.ndarray, Wheel]]

    def draw(self, rng: np.random.Generator, group: np.ndarray) -> np.ndarray:
        """One row number per entry of `group`, out of the rows of that group."""
        rows = np.zeros(len(group), dtype=np.int64)
        for name, (members, wheel) in self.groups.items():
            wanted = np.flatnonzero(group == name)
            rows[wanted] = members[wheel.indices(rng, len(wanted))]
        return rows

    def column(self, name: str, rows: np.ndarray) -> pl.Series:
        """A column of the drawn rows."""
        return self.frame[name].gather(rows)


def _pool(frame: pl.DataFrame, group: pl.Expr) -> NamePool:
    frame = frame.with_columns(group.alias("group")).with_row_index("row")
    groups = {}
    for (name,), part in frame.group_by("group", maintain_order=True):
        groups[name] = (part["row"].to_numpy(), Wheel(part["row"], part["weight"].to_numpy()))
    return NamePool(frame, groups)


@lru_cache(maxsize=1)
def given_names() -> NamePool:
    """Given names, grouped as `origin sex`."""
    return _pool(clinic_table("given_names"), pl.format("{} {}", "origin", "sex"))


@lru_cache(maxsize=1)
def family_names() -> NamePool:
    """Family names, grouped by origin."""
    return _pool(clinic_table("family_names"), pl.col("origin"))


@lru_cache(maxsize=1)
def origin_wheel() -> Wheel:
    """Languages of origin of the clinic's families."""
    origins = clinic_table("origins")
    return Wheel(origins["origin"], origins["share"].to_numpy())


@lru_cache(maxsize=1)
def nicknames() -> dict[str, list[str]]:
    """Given name to its usual short forms."""
    pairs = clinic_table("nicknames").group_by("name", maintain_order=True).agg("nickname")
    return dict(pairs.iter_rows())


def draw_given(rng: np.random.Generator, origin: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Rows of `given_names()`; some families of other origin give their children English names."""
    western = np.zeros(len(origin))
    for name, share in WESTERN_GIVEN_NAME.items():
        western[origin == name] = share
    source = np.where(chance(rng, len(origin), western), "anglo", origin)
    return given_names().draw(rng, np.char.add(np.char.add(source.astype(str), " "), sex.astype(str)))


def different_from(rows: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The rows, moved to the next name of the same group where they equal `taken`: siblings bear different names."""
    pool = given_names()
    group = pool.frame["group"].to_numpy()
    changed = rows.copy()
    for at in np.flatnonzero(rows == taken):
        members = pool.groups[group[rows[at]]][0]
        changed[at] = members[(np.searchsorted(members, rows[at]) + 1) % len(members)]
    return changed


def family_forms(rng: np.random.Generator, origin: np.ndarray, first: pl.Series, second: pl.Series) -> pl.Series:
    """Family names as written: Hispanic families often bear two, apart or with a hyphen."""
    hispanic = origin == "hispanic"
    two = hispanic & chance(rng, len(origin), 0.22)
    hyphen = hispanic & ~two & chance(rng, len(origin), 0.05)
    frame = pl.DataFrame({"first": first, "second": second})
    return frame.select(
        pl.when(pl.Series(two) & (pl.col("first") != pl.col("second")))
        .then(pl.format("{} {}", "first", "second"))
        .when(pl.Series(hyphen))
        .then(pl.format("{}-{}", "first", "second"))
        .otherwise("first")
    ).to_series()
