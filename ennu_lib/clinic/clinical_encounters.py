"""Visits: the spine along which notes, vitals, laboratory orders and telehealth meetings hang."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    day_number,
    moments,
    office_seconds,
    pick,
    rank_within,
    sometimes,
    spread,
    word_wheel,
    workday,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster, draw_users

TYPES = ["office visit", "telehealth", "lab draw", "injection", "pellet", "phone", "coaching"]
BEFORE_TELEHEALTH = [48, 4, 16, 22, 5, 5, 0]
SINCE_TELEHEALTH = [34, 27, 14, 13, 4, 5, 3]
TELEHEALTH_FROM = 18_340  # 2020-03-19
VISITS = "_visits"


def encounters(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """The table `encounters`; chunk.frames["_visits"] keeps row (patient position), day and type for what follows."""
    rng = chunk.rng("encounters")
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() + 1e-9, chunk.rows_for("encounters"))
    n = len(row)
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    is_first = (rank_within(row) == 0) & ~people["is_second"].to_numpy()[row]
    day = np.where(is_first, first, first + ((last - first) * rng.random(n)).astype(np.int64))
    day = np.minimum(workday(day), day_number(chunk.as_of))
    order = np.lexsort((rng.random(n), day))
    row, day, is_first = row[order], day[order], is_first[order]
    kind = _types(rng, day, is_first)
    second = office_seconds(rng, n)
    visits = pl.DataFrame(
        {
            "encounter_id": chunk.take_keys("encounters", n),
            "row": row,
            "day": day,
            "second": second,
            "kind": kind,
            "patient_id": people["patient_id"].to_numpy()[row],
            "provider_id": Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], day),
            "status": _statuses(rng, chunk, day),
        }
    )
    chunk.frames[VISITS] = visits
    return {"encounters": _frame(chunk, rng, visits)}


def visits(chunk: Chunk) -> pl.DataFrame:
    """Visits of the chunk: encounter_id, row (position of the patient), day, second, kind, provider_id, status."""
    return chunk.frames[VISITS]


def _types(rng: np.random.Generator, day: np.ndarray, is_first: np.ndarray) -> np.ndarray:
    n = len(day)
    before, since = Wheel(TYPES, BEFORE_TELEHEALTH).draw(rng, n), Wheel(TYPES, SINCE_TELEHEALTH).draw(rng, n)
    kind = np.where(day < TELEHEALTH_FROM, before.to_numpy().astype(str), since.to_numpy().astype(str))
    return np.where(is_first, "initial consult", kind)


def _statuses(rng: np.random.Generator, chunk: Chunk, day: np.ndarray) -> np.ndarray:
    status = pick(rng, len(day), {"signed": 78, "completed": 17, "cancelled": 4, "void": 1}).to_numpy().astype(str)
    recent = day_number(chunk.as_of) - day < 4
    return np.where(recent & chance(rng, len(day), 0.5), "open", status)


def home_sites(chunk: Chunk) -> np.ndarray:
    """A clinic for every patient of the chunk: one in the patient's state where there is one, otherwise any."""
    rng = chunk.rng("home sites")
    sites = chunk.reference["facilities"].filter(pl.col("facility_type") == "clinic")
    people = registrations(chunk)
    keys, states = sites["facility_id"].cast(pl.Int64).to_numpy(), sites["state"].to_numpy()
    chosen = keys[rng.integers(0, len(keys), len(people))]
    home = people["state"].to_numpy()
    for state in np.unique(states.astype(str)):
        here, living = keys[states == state], np.flatnonzero(home == state)
        chosen[living] = here[rng.integers(0, len(here), len(living))]
    return chosen[people["source"].to_numpy()]


def _frame(chunk: Chunk, rng: np.random.Generator, visits: pl.DataFrame) -> pl.DataFrame:
    n = len(visits)
    row, day, second = (visits[name].to_numpy() for name in ("row", "day", "second"))
    remote = np.isin(visits["kind"].to_numpy(), ["telehealth", "coaching"])
    sites = chunk.reference["facilities"]
    virtual = int(sites.filter(pl.col("facility_type") == "virtual")["facility_id"][0])
    complaint = word_wheel("complaint", "note_words").draw(rng, n)
    stay = rng.integers(10, 75, n) * 60
    return visits.select(
        "encounter_id",
        "patient_id",
        pl.Series(sometimes(rng, visits["provider_id"], 0.008)).alias("provider_id"),
        pl.Series("facility_id", np.where(remote, virtual, _open_sites(chunk, home_sites(chunk)[row], day))),
        pl.lit(None, pl.Int64).alias("appointment_id"),
        moments(day, second).alias("encounter_date"),
        pl.col("kind").alias("encounter_type"),
        pl.Series("is_telehealth", remote),
        "status",
        sometimes(rng, _reasons(rng, visits), 0.1).alias("reason"),
        sometimes(rng, complaint, 0.3).alias("chief_complaint"),
        sometimes(rng, pick(rng, n, {"normal": 8, "high": 2}), 0.9).alias("sensitivity"),
        sometimes(rng, word_wheel("billing_note", "note_words").draw(rng, n), 0.92).alias("billing_note"),
        sometimes(rng, moments(day, second + stay), 0.15).alias("checkout_at"),
        sometimes(rng, draw_users(rng, chunk, n), 0.05).alias("created_by"),
        pl.Series("is_deleted", chance(rng, n, 0.006)),
        moments(
            np.minimum(day + rng.integers(0, 20, n), day_number(chunk.as_of)),
            np.maximum(second + stay, any_seconds(rng, n)),
        ).alias("last_updated"),
    )


REASONS = {
    "initial consult": "new patient",
    "injection": "injection",
    "lab draw": "lab draw",
    "pellet": "pellet insertion",
}


def _reasons(rng: np.random.Generator, visits: pl.DataFrame) -> pl.Series:
    """Why the patient came; some kinds of visit say it themselves."""
    free = word_wheel("visit_reason", "note_words").draw(rng, len(visits))
    return visits.select(
        pl.coalesce(pl.col("kind").replace_strict(REASONS, default=None, return_dtype=pl.String), free)
    ).to_series()


def _open_sites(chunk: Chunk, chosen: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The chosen sites, and the clinic's first site on days when the chosen one was not open."""
    sites = chunk.reference["facilities"].filter(pl.col("facility_type") == "clinic")
    keys = sites["facility_id"].cast(pl.Int64).to_numpy()
    opened = sites["opened_on"].to_physical().fill_null(0).to_numpy()
    closed = sites["closed_on"].to_physical().fill_null(10**6).to_numpy()
    at = np.searchsorted(keys, chosen)
    return np.where((opened[at] <= day) & (day <= closed[at]), chosen, keys[np.argmin(opened)])


def sex_specific_codes(sex: str) -> tuple[pl.DataFrame, Wheel]:
    """ICD-10 codes that a patient of this sex can have, weighted by how common they are in a hormone clinic."""
    listed = clinic_table("problems").join(
        clinic_table("codes_icd10").select("code", "label"), on="code", how="inner", maintain_order="left"
    )
    weight = listed["weight_male" if sex == "M" else "weight_female"].cast(pl.Float64)
    return listed, Wheel(listed["code"], weight.to_numpy())


def problems(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`problem_list` with real ICD-10 codes that suit the patient's sex, and `encounter_diagnoses` drawn from it."""
    rng = chunk.rng("problem_list")
    people = registrations(chunk)
    ill = people["activity"].to_numpy() ** 0.5 * (people["kind"] != "merged_earlier").to_numpy() + 0.02
    row = spread(rng, ill, chunk.rows_for("problem_list"))
    n = len(row)
    sex = people["sex"].to_numpy()[row]
    code = np.full(n, "", dtype=object)
    for one in ("M", "F"):
        listed, wheel = sex_specific_codes(one)
        code[sex == one] = wheel.draw(rng, int((sex == one).sum())).to_numpy()
    frame = pl.DataFrame({"row": row, "code": pl.Series(values=code.tolist(), dtype=pl.String)})
    frame = frame.unique(["row", "code"], keep="first", maintain_order=True)
    frame = frame.with_columns(pl.Series("rank", rank_within(frame["row"].to_numpy()) + 1))
    listed = clinic_table("codes_icd10").select("code", "label")
    frame = frame.join(listed, on="code", how="left", maintain_order="left")
    chunk.frames["_problems"] = frame
    return {"problem_list": _problem_frame(chunk, rng, frame), "encounter_diagnoses": _diagnoses(chunk, frame)}


def _problem_frame(chunk: Chunk, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    people = registrations(chunk)
    n = len(frame)
    row = frame["row"].to_numpy()
    today = day_number(chunk.as_of)
    entered = people["registered"].to_numpy()[row] + rng.integers(0, 400, n)
    entered = np.minimum(entered, np.maximum(people["last_day"].to_numpy()[row], people["registered"].to_numpy()[row]))
    began = np.maximum(entered - rng.integers(0, 2600, n), people["true_birth_day"].to_numpy()[row] + 3650)
    resolved = chance(rng, n, 0.22)
    status = pl.select(
        pl.when(pl.Series(resolved)).then(pl.lit("resolved")).otherwise(pick(rng, n, {"active": 92, "inactive": 8}))
    ).to_series()
    ended = np.minimum(began + rng.integers(30, 1800, n), today)
    return frame.select(
        pl.Series("problem_id", chunk.take_keys("problem_list", n)),
        pl.Series("patient_id", people["patient_id"].to_numpy()[row]),
        sometimes(rng, frame["code"], 0.03).alias("code"),
        sometimes(rng, pl.Series(["ICD10"] * n), 0.1).alias("code_system"),
        pl.col("label").alias("title"),
        sometimes(rng, frame["rank"], 0.2).alias("rank"),
        status.alias("status"),
        sometimes(rng, pl.from_epoch(pl.Series(began), time_unit="d"), 0.06).alias("begin_date"),
        blanked(pl.from_epoch(pl.Series(ended), time_unit="d"), ~resolved).alias("end_date"),
        sometimes(rng, pick(rng, n, {"mild": 4, "moderate": 5, "severe": 1}), 0.5).alias("severity"),
        pl.Series("is_confidential", chance(rng, n, 0.015)),
        sometimes(rng, pl.Series(Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], entered)), 0.1).alias(
            "recorded_by"
        ),
        sometimes(rng, word_wheel("assessment", "note_words").draw(rng, n), 0.7).alias("comments"),
        pl.Series("is_deleted", chance(rng, n, 0.01)),
        moments(entered, any_seconds(rng, n)).alias("last_updated"),
    )


def visit_codes(chunk: Chunk, rng: np.random.Generator, row: np.ndarray) -> pl.Series:
    """For visits of the patients at `row`, one code out of each one's problem list; NULL where the list is empty."""
    frame = chunk.frames["_problems"]
    sizes = np.bincount(frame["row"].to_numpy(), minlength=len(registrations(chunk)))
    starts = np.cumsum(sizes) - sizes
    has = sizes[row] > 0
    nth = np.floor(rng.random(len(row)) ** 1.6 * sizes[row]).astype(np.int64)
    at = np.where(has, starts[row] + nth, 0)
    codes = frame["code"].gather(at) if len(frame) else pl.Series([None] * len(row), dtype=pl.String)
    return blanked(codes, ~has)


def _diagnoses(chunk: Chunk, frame: pl.DataFrame) -> pl.DataFrame:
    rng = chunk.rng("encounter_diagnoses")
    seen = visits(chunk)
    held = seen.filter(pl.col("status").is_in(["signed", "completed", "open"]))
    weight = np.where(held["kind"].is_in(["injection", "lab draw", "phone"]).to_numpy(), 0.6, 1.6)
    at = spread(rng, weight, round(chunk.rows_for("encounter_diagnoses") * 1.3))
    codes = visit_codes(chunk, rng, held["row"].to_numpy()[at])
    drawn = pl.DataFrame(
        {"encounter_id": held["encounter_id"].gather(at), "code": codes, "day": held["day"].gather(at)}
    )
    drawn = drawn.drop_nulls("code").unique(["encounter_id", "code"], keep="first", maintain_order=True)
    n = len(drawn)
    return drawn.select(
        pl.Series("encounter_dx_id", chunk.take_keys("encounter_diagnoses", n)),
        "encounter_id",
        "code",
        pl.lit("ICD10").alias("code_system"),
        (pl.int_range(pl.len()).over("encounter_id") + 1).alias("rank"),
        sometimes(rng, pick(rng, n, {"Y": 7, "N": 3}), 0.4).alias("poa_flag"),
        sometimes(rng, moments(drawn["day"].to_numpy(), any_seconds(rng, n)), 0.02).alias("added_at"),
    )
