"""Persons become patient rows: when each registered, who registered twice, and who only looks like somebody else."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_contact import draw_emails
from ennu_lib.clinic.people_draw import Wheel, chance, day_number, whole
from ennu_lib.clinic.people_duplicates import CHANGES, eligible
from ennu_lib.clinic.people_households import draw_persons
from ennu_lib.clinic.people_params import DUPLICATE_KINDS, PeopleParams, people_params

REGISTRATIONS = "_registrations"
RARE_FIRST = (
    "mojibake_name",
    "accents_dropped",
    "birth_date_day_month",
    "nickname",
    "married_and_moved",
    "swapped_names",
)
REPEATABLE = ("exact_reregistration", "contact_changed", "missing_fields")
ROLE_TRAPS = {"twin": "twin_trap", "senior": "junior_senior_trap", "junior": "junior_senior_trap"}


def register_patients(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """The patient rows of the chunk with what is true of them, kept as chunk.frames["_registrations"].

    One row per patient_id in order. Beside the visible fields of persons: person_id, household_id, kind (unique,
    original, a duplicate kind or a trap), source (row of the same person's first registration), registered, last_day
    and true_birth_day (days since 1970-01-01), and activity (relative number of visits).
    """
    params = people_params(chunk.params)
    rng = chunk.rng("people.registrations")
    duplicates = min(whole(rng, params.duplicate_share * chunk.patients), chunk.patients // 2)
    persons = _with_traps(rng, params, draw_persons(chunk, params, chunk.patients - duplicates))
    persons = persons.with_columns(pl.col("birth_day").alias("true_birth_day"), *_lives(rng, chunk, params, persons))
    second = _second_registrations(rng, params, persons, duplicates)
    rows = pl.concat([_first_registrations(persons, second), second], how="diagonal_relaxed")
    rows = _numbered(chunk, _with_activity(rng, rows))
    chunk.frames[REGISTRATIONS] = rows
    chunk.labels.add_identities(rows)
    doubled = rows.filter(pl.col("kind").is_in(DUPLICATE_KINDS))
    for (kind,), part in doubled.group_by("kind", maintain_order=True):
        chunk.labels.add("patients", part["patient_id"], f"duplicate:{kind}")
    return {}


def registrations(chunk: Chunk) -> pl.DataFrame:
    """What `register_patients` left for the generators after it."""
    return chunk.frames[REGISTRATIONS]


def _with_traps(rng: np.random.Generator, params: PeopleParams, persons: pl.DataFrame) -> pl.DataFrame:
    trap = persons["role"].replace_strict(ROLE_TRAPS, default=None, return_dtype=pl.String).to_numpy().copy()
    alone = np.flatnonzero((persons["role"] == "head").to_numpy())
    pairs = whole(rng, params.shared_ssn_share * len(persons)), whole(rng, params.namesake_share * len(persons))
    chosen = rng.permutation(alone)[: 2 * sum(pairs)]
    ssn = persons["ssn"].to_numpy().copy()
    first, last = persons["first_name"].to_numpy().copy(), persons["last_name"].to_numpy().copy()
    one, other = chosen[0 : 2 * pairs[0] : 2], chosen[1 : 2 * pairs[0] : 2]
    known = np.array([ssn[at] is not None for at in one], dtype=bool)
    one, other = one[: len(other)][known[: len(other)]], other[known[: len(other)]]
    ssn[other] = ssn[one]
    trap[one] = trap[other] = "shared_ssn_trap"
    one, other = chosen[2 * pairs[0] :: 2], chosen[2 * pairs[0] + 1 :: 2]
    same_sex = persons["sex"].to_numpy()[one[: len(other)]] == persons["sex"].to_numpy()[other]
    one, other = one[: len(other)][same_sex], other[same_sex]
    first[other], last[other] = first[one], last[one]
    trap[one] = trap[other] = "namesake_trap"
    year = (1970 + persons["birth_day"].to_numpy() // 365.25).astype(np.int64)
    renamed = persons.with_columns(
        pl.Series("first_name", first.tolist(), dtype=pl.String),
        pl.Series("last_name", last.tolist(), dtype=pl.String),
        pl.Series("ssn", ssn.tolist(), dtype=pl.String),
        pl.Series("trap", trap.tolist(), dtype=pl.String),
    )
    mail = draw_emails(rng, renamed["first_name"], renamed["last_name"], year)
    is_renamed = np.zeros(len(persons), dtype=bool)
    is_renamed[other] = True
    return renamed.with_columns(pl.when(pl.Series(is_renamed)).then(mail).otherwise("email").alias("email"))


def _lives(rng: np.random.Generator, chunk: Chunk, params: PeopleParams, persons: pl.DataFrame) -> list[pl.Series]:
    """When each person came first and last: six in ten are still patients, one in twenty never had a visit."""
    n, today, opened = len(persons), day_number(chunk.as_of), day_number(params.opened)
    household = persons["household"].to_numpy()
    house_day = opened + (today - opened) * rng.random(int(household[-1]) + 1) ** 0.75
    own_day = opened + (today - opened) * rng.random(n) ** 0.75
    registered = np.where(chance(rng, n, 0.6), house_day[household], own_day)
    adult = persons["birth_day"].to_numpy() + 14 * 365.25
    registered = np.minimum(np.maximum(registered, adult), today - 1).astype(np.int64)
    u = rng.random(n)
    stays = registered + rng.exponential(750, n).astype(np.int64) + 20
    last = np.where(u < 0.6, today, np.minimum(stays, today))
    prospect = u > 0.95
    old = today - persons["birth_day"].to_numpy() > 66 * 365.25
    deceased = old & chance(rng, n, 0.07) & ~prospect
    last = np.where(prospect, registered, np.where(deceased, np.minimum(stays, today - 30), last))
    pace = rng.gamma(1.6, 1 / 1.6, n) * np.where(persons["role"].is_in(["child"]).to_numpy(), 0.4, 1.0)
    return [
        pl.Series("registered", registered),
        pl.Series("last_day", np.maximum(last, registered)),
        pl.Series("is_prospect", prospect),
        pl.Series("is_deceased", deceased),
        pl.Series("pace", np.where(prospect, 0.0, pace)),
    ]


def _second_registrations(rng, params: PeopleParams, persons: pl.DataFrame, n: int) -> pl.DataFrame:
    wheel = Wheel(list(params.duplicate_kinds), list(params.duplicate_kinds.values()))
    kinds = wheel.evenly(rng, n).to_numpy().astype(object)
    sources = _sources(rng, persons, kinds)
    parts = []
    for kind in DUPLICATE_KINDS:
        rows = persons[sources[kinds == kind]].with_columns(pl.lit(kind).alias("kind"))
        if len(rows):
            parts.append(CHANGES[kind](rng, rows))
    second = pl.concat(parts, how="diagonal_relaxed") if parts else persons.clear().with_columns(kind=pl.lit(""))
    return _later(rng, second)


def _sources(rng: np.random.Generator, persons: pl.DataFrame, kinds: np.ndarray) -> np.ndarray:
    """The person behind each second registration; kinds that nobody is left for become exact copies."""
    free = persons["trap"].is_null().to_numpy() & ~persons["is_prospect"].to_numpy()
    sources = np.zeros(len(kinds), dtype=np.int64)
    order = [*RARE_FIRST, *[kind for kind in DUPLICATE_KINDS if kind not in RARE_FIRST]]
    for kind in [*order, "exact_reregistration"]:
        wanted = np.flatnonzero((kinds == kind) & (sources == 0))
        candidates = np.flatnonzero(free & eligible(kind, persons))
        chosen = rng.permutation(candidates)[: len(wanted)]
        sources[wanted[: len(chosen)]] = chosen
        free[chosen] = False
        kinds[wanted[len(chosen) :]] = "exact_reregistration"
    again = np.flatnonzero(np.isin(kinds, REPEATABLE) & chance(rng, len(kinds), 0.15))
    if len(sources):
        sources[again] = rng.choice(sources, len(again))
    return sources


def _later(rng: np.random.Generator, second: pl.DataFrame) -> pl.DataFrame:
    """Second registrations come after the first, and the desk asks for less; exact copies repeat everything."""
    n = len(second)
    first, last = second["registered"].to_numpy(), second["last_day"].to_numpy()
    day = first + np.maximum(((last - first) * rng.beta(1.5, 1.5, n)).astype(np.int64), 1)
    hurried = ~second["kind"].is_in(["exact_reregistration", "merged_earlier"]).to_numpy()
    drops = {"ssn": 0.4, "middle_name": 0.35, "email": 0.15, "address_line2": 0.3}
    return second.with_columns(
        *[
            pl.when(pl.Series(~(hurried & chance(rng, n, share)))).then(pl.col(name)).alias(name)
            for name, share in drops.items()
        ],
        pl.Series("registered_again", day),
        pl.Series("share", rng.uniform(0.35, 0.9, n)),
    )


def _first_registrations(persons: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    doubled = pl.col("person").is_in(second["person"].unique().to_list())
    kind = pl.coalesce("trap", pl.when(doubled).then(pl.lit("original")).otherwise(pl.lit("unique")))
    return persons.with_columns(kind.alias("kind"))


def _with_activity(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """Visits follow the time as patient; from the second registration on they are split between the rows."""
    begins = pl.coalesce("registered_again", "registered")
    years = (pl.col("last_day") - begins + 20) / 365.25
    moved = (
        pl.when(pl.col("registered_again").is_not_null()).then(years * pl.col("pace") * pl.col("share")).fill_null(0)
    )
    merged = pl.col("kind") == "merged_earlier"
    return rows.with_columns(
        begins.alias("registered"),
        pl.when(merged)
        .then(0.0)
        .otherwise(
            pl.when(pl.col("registered_again").is_null()).then(years * pl.col("pace")).otherwise(moved)
            - pl.when(pl.col("registered_again").is_null()).then(moved.sum().over("person") * 0.7).otherwise(0.0)
        )
        .clip(lower_bound=0)
        .alias("activity"),
    ).drop("registered_again", "share")


def _numbered(chunk: Chunk, rows: pl.DataFrame) -> pl.DataFrame:
    """Patient numbers in the order of registration; persons and households get keys that hold for all chunks."""
    rows = rows.with_columns((pl.col("kind").is_in(DUPLICATE_KINDS)).alias("is_second"))
    rows = rows.sort("registered", "is_second", "person", "kind", maintain_order=True)
    people = chunk.take_keys("person", int(rows["person"].max()) + 1)
    houses = chunk.take_keys("household", int(rows["household"].max()) + 1)
    rows = rows.with_columns(
        pl.Series("patient_id", chunk.patient_ids()),
        pl.Series("person_id", people[rows["person"].to_numpy()]),
        pl.Series("household_id", houses[rows["household"].to_numpy()]),
        pl.int_range(pl.len()).alias("row"),
    )
    return rows.with_columns(pl.col("row").filter(~pl.col("is_second")).first().over("person").alias("source"))
