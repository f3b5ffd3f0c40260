"""The persons behind the patients: households with their ages, names and shared addresses."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_contact import household_contacts
from ennu_lib.clinic.people_draw import Wheel, blanked, chance, clinic_table, day_number, rank_within
from ennu_lib.clinic.people_names import (
    different_from,
    draw_given,
    family_forms,
    family_names,
    given_names,
    origin_wheel,
)
from ennu_lib.clinic.people_params import PeopleParams

YEAR = 365.25


@lru_cache(maxsize=1)
def _roles() -> dict[str, list[str]]:
    members = clinic_table("households").group_by("household", maintain_order=True).agg("role")
    return dict(members.iter_rows())


def draw_persons(chunk: Chunk, params: PeopleParams, n: int) -> pl.DataFrame:
    """`n` persons in households, household by household.

    Columns: person (0 … n-1), household (0 …), role, sex, birth_day (days since 1970-01-01), origin, names with their
    native spelling and maiden name, language, and what `household_contacts` adds.
    """
    rng = chunk.rng("people.persons")
    persons = _members(rng, params, n)
    household = persons["household"].to_numpy()
    role = persons["role"].to_numpy()
    sex = _sexes(rng, household, role)
    origin = origin_wheel().draw(rng, int(household[-1]) + 1).to_numpy()[household]
    birth = _birth_days(rng, household, role, day_number(chunk.as_of))
    persons = persons.with_columns(
        pl.Series("person", np.arange(n)),
        pl.Series("sex", sex),
        pl.Series("origin", origin),
        pl.Series("birth_day", birth),
    )
    persons = persons.with_columns(_names(rng, persons)).with_columns(_languages(rng, origin))
    return household_contacts(chunk, persons)


def _members(rng: np.random.Generator, params: PeopleParams, n: int) -> pl.DataFrame:
    """Whole households while they fit, then persons who live alone."""
    roles = _roles()
    wheel = Wheel(list(params.households), list(params.households.values()))
    kinds = wheel.draw(rng, n).to_numpy()
    sizes = np.array([len(roles[kind]) for kind in kinds])
    fitting = kinds[np.cumsum(sizes) <= n]
    members = [roles[kind] for kind in fitting]
    members += [["head"]] * (n - sum(map(len, members)))
    household = np.repeat(np.arange(len(members)), [len(part) for part in members])
    return pl.DataFrame({"household": household, "role": [role for part in members for role in part]})


def _sexes(rng: np.random.Generator, household: np.ndarray, role: np.ndarray) -> np.ndarray:
    n = len(role)
    sex = np.where(chance(rng, n, 0.53), "M", "F")
    head = _first_of(household)
    spouse = role == "spouse"
    opposite = np.where(sex[head] == "M", "F", "M")
    sex[spouse] = np.where(chance(rng, n, 0.95), opposite, sex[head])[spouse]
    sex[np.isin(role, ["senior", "junior"])] = "M"
    return sex


def _birth_days(rng: np.random.Generator, household: np.ndarray, role: np.ndarray, today: int) -> np.ndarray:
    """Ages of a wellness clinic: mostly 30 to 65; parents are older than their children, twins equally old."""
    n = len(role)
    age = np.clip(rng.normal(47, 12.5, n), 19, 88)
    has_child = np.isin(household, household[np.isin(role, ["child", "junior"])])
    adult = np.isin(role, ["head", "senior"])
    age = np.where(adult & has_child, np.maximum(age, 37 + rng.random(n) * 8), age)
    head = _first_of(household)
    age = np.where(role == "spouse", np.clip(age[head] + rng.normal(0, 4, n), 19, 92), age)
    age = np.where(np.isin(role, ["child", "junior"]), np.maximum(age[head] - rng.uniform(20, 34, n), 14.5), age)
    age = np.where(role == "parent", np.minimum(age[head] + rng.uniform(19, 32, n), 97), age)
    age = np.where(role == "sibling", np.clip(age[head] + rng.uniform(1.5, 9, n), 18, 90), age)
    young_twin = (role == "twin") & np.isin(household, household[role == "spouse"])
    age = np.where(young_twin, np.maximum(age[head] - 24, 16), age)
    birth = today - (age * YEAR).astype(np.int64) - rng.integers(0, 360, n)
    twins = np.flatnonzero(role == "twin")
    birth[twins[1::2]] = birth[twins[0::2]]
    return birth


def _first_of(household: np.ndarray) -> np.ndarray:
    """Position of the first member of everyone's household."""
    return np.arange(len(household)) - rank_within(household)


def _names(rng: np.random.Generator, persons: pl.DataFrame) -> list[pl.Series]:
    household, role = persons["household"].to_numpy(), persons["role"].to_numpy()
    origin, sex = persons["origin"].to_numpy(), persons["sex"].to_numpy()
    head = _first_of(household)
    given = _given_rows(rng, household, role, origin, sex)
    own_rows = family_names().draw(rng, origin)
    own = family_names().column("name", own_rows)
    family = family_forms(rng, origin, own, family_names().column("name", family_names().draw(rng, origin)))
    house, house_rows = family.gather(head), own_rows[head]
    marries_in = (role == "spouse") | ((role == "parent") & chance(rng, len(role), 0.4))
    keeps, hyphen = chance(rng, len(role), 0.26), chance(rng, len(role), 0.07)
    frame = pl.DataFrame({"own": own, "house": house})
    last = frame.select(
        pl.when(pl.Series(marries_in & keeps))
        .then("own")
        .when(pl.Series(marries_in & hyphen) & ~pl.col("house").str.contains("-"))
        .then(pl.format("{}-{}", "own", "house"))
        .otherwise("house")
    ).to_series()
    changed = marries_in & (sex == "F") & ~keeps
    pool = given_names()
    return [
        pool.column("name", given).alias("first_name"),
        pool.column("native", given).alias("first_native"),
        _middle_names(rng, origin, sex).alias("middle_name"),
        last.alias("last_name"),
        family_names().column("native", np.where(marries_in & keeps, own_rows, house_rows)).alias("last_native"),
        blanked(own, ~changed).alias("maiden_name"),
        _suffixes(rng, role, sex).alias("suffix"),
    ]


def _given_rows(rng, household, role, origin, sex) -> np.ndarray:
    """Rows of the given names; nobody bears the name of the housemate before, but junior bears the name of senior."""
    rows = draw_given(rng, origin, sex)
    same_house = np.r_[False, household[1:] == household[:-1]]
    before = np.where(same_house, np.r_[-1, rows[:-1]], -1)
    rows = different_from(rows, before)
    junior = np.flatnonzero(role == "junior")
    rows[junior] = rows[junior - 1]
    return rows


def _middle_names(rng: np.random.Generator, origin: np.ndarray, sex: np.ndarray) -> pl.Series:
    full = given_names().column("name", draw_given(rng, np.where(origin == "hispanic", origin, "anglo"), sex))
    initial = full.str.slice(0, 1)
    frame = pl.DataFrame({"full": full, "initial": initial, "u": rng.random(len(full))})
    return frame.select(
        pl.when(pl.col("u") < 0.42).then(None).when(pl.col("u") < 0.8).then("initial").otherwise("full")
    ).to_series()


def _suffixes(rng: np.random.Generator, role: np.ndarray, sex: np.ndarray) -> pl.Series:
    suffix = np.full(len(role), None, dtype=object)
    lucky = (sex == "M") & (role == "head")
    suffix[lucky & chance(rng, len(role), 0.012)] = "III"
    suffix[lucky & chance(rng, len(role), 0.018)] = "Jr"
    suffix[role == "senior"] = "Sr"
    suffix[role == "junior"] = "Jr"
    return pl.Series(values=suffix.tolist(), dtype=pl.String)


def _languages(rng: np.random.Generator, origin: np.ndarray) -> pl.Series:
    """The language a person prefers: that of the family's origin or English."""
    origins = clinic_table("origins")
    spoken = pl.DataFrame({"origin": origin}).join(origins, on="origin", how="left", maintain_order="left")
    own = chance(rng, len(origin), spoken["language_share"].to_numpy())
    return spoken.select(pl.when(pl.Series(own)).then("language").otherwise(pl.lit("English")).alias("language"))[
        "language"
    ]
