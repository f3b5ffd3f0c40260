"""Appointments: one per booked visit, and those that never became a visit or are still ahead."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import at_seconds, rows_made, shifted_to_weekday
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    Wheel,
    blanked,
    chance,
    clinic_table,
    day_number,
    office_seconds,
    pick,
    sometimes,
)
from ennu_lib.clinic.scheduling_visits import booked_visits, with_bookings

MISSED = {"No Show": 25, "Cancelled - Patient": 35, "Cancelled - Clinic": 8, "Rescheduled": 14, "Ahead": 18}
AHEAD = {"Scheduled": 6, "Confirmed": 4}
CHANNELS = {"Online": 5, "Phone": 4, "In Person": 2}
REASONS = {
    "Schedule conflict": 5,
    "Feeling unwell": 3,
    "Cost": 1,
    "Transportation": 1,
    "Provider unavailable": 1,
    "Other": 1,
}
NOTES = {
    "Patient prefers mornings.": 4,
    "Bring recent outside labs.": 3,
    "Fasting required.": 4,
    "Called to confirm, left voicemail.": 3,
    "Interpreter requested.": 1,
    "Update insurance card at check-in.": 2,
    "First dose teaching.": 2,
    "Collect balance at check-in.": 2,
}
BUSY_AHEAD_DAYS = 75


def appointments(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`appointments`, and `encounters` and `25againzoommeeting` with their `appointment_id` filled in."""
    rng = chunk.rng("appointments")
    visits = booked_visits(chunk)
    extra = _without_visit(chunk, rng, visits, max(0, chunk.rows_for("appointments") - visits.height))
    drafts = pl.concat([visits, extra], how="diagonal_relaxed")
    keys = chunk.take_keys("appointments", drafts.height)
    replaced_by = drafts["replaced_by"].to_numpy()
    drafts = drafts.with_columns(
        pl.Series("appointment_id", values=keys),
        blanked(
            pl.Series(values=keys).gather(np.nan_to_num(replaced_by).astype(np.int64)), np.isnan(replaced_by)
        ).alias("rescheduled_to"),
    )
    made = {"appointments": _finished(chunk, rng, _with_type(chunk, rng, drafts))}
    return made | with_bookings(chunk, visits, keys[: visits.height])


def _without_visit(chunk: Chunk, rng: np.random.Generator, visits: pl.DataFrame, n: int) -> pl.DataFrame:
    """`n` bookings that stand beside a visit of the same patient: missed before it, or still ahead."""
    base = rng.integers(0, max(visits.height, 1), n if visits.height else 0)
    kind = pick(rng, len(base), MISSED).cast(pl.String)
    ahead = (kind == "Ahead").to_numpy() & ~_deceased(chunk, visits["patient_id"].gather(base))
    drafts = visits.drop("encounter_id", "meeting_id", "status", "start", strict=False)[base].with_columns(
        pl.Series("start", values=_start_beside(chunk, rng, visits["start"].to_numpy()[base], ahead)),
        pl.when(pl.Series(values=ahead))
        .then(pick(rng, len(base), AHEAD).cast(pl.String))
        .otherwise(kind.replace("Ahead", "Cancelled - Patient"))
        .alias("status"),
        pl.Series("replaced_by", values=np.where((kind == "Rescheduled").to_numpy(), base.astype(float), np.nan)),
    )
    return drafts.with_columns(_still_employed(chunk, rng, drafts["provider_id"], ahead).alias("provider_id"))


def _start_beside(chunk: Chunk, rng: np.random.Generator, start: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    day, time_of_day = start // DAY_SECONDS, start % DAY_SECONDS
    today = day_number(chunk.as_of)
    before = np.minimum(shifted_to_weekday(day - rng.integers(1, 31, len(day)), -1), today - 1)
    after = shifted_to_weekday(today + rng.integers(1, BUSY_AHEAD_DAYS, len(day)))
    return np.where(ahead, after * DAY_SECONDS + office_seconds(rng, len(day)), before * DAY_SECONDS + time_of_day)


def _deceased(chunk: Chunk, patients: pl.Series) -> np.ndarray:
    people = rows_made(chunk, "patients")
    if "deceased_date" not in people.columns:
        return np.zeros(len(patients), dtype=bool)
    gone = people.filter(pl.col("deceased_date").is_not_null())["patient_id"].cast(pl.Int64)
    return patients.is_in(gone.implode()).to_numpy()


def _still_employed(chunk: Chunk, rng: np.random.Generator, providers: pl.Series, ahead: np.ndarray) -> pl.Series:
    """The same providers, but for bookings ahead only such as still work here."""
    here = chunk.reference["providers"].filter(pl.col("end_date").is_null())["provider_id"].cast(pl.Int64)
    gone = ahead & ~providers.is_in(here.implode()).fill_null(False).to_numpy()
    substitutes = here.gather(rng.integers(0, len(here), len(providers)))
    return pl.select(pl.when(pl.Series(values=gone)).then(substitutes).otherwise(providers)).to_series()


def _with_type(chunk: Chunk, rng: np.random.Generator, drafts: pl.DataFrame) -> pl.DataFrame:
    """Add `appointment_type` and `duration`, drawn among the types of the draft's category."""
    types = chunk.reference["appointment_types"].join(
        clinic_table("appointment_types").select("code", "weight"), on="code", how="inner", maintain_order="left"
    )
    chosen = np.zeros(drafts.height, dtype=np.int64)
    for category, remote in drafts.select("category", "is_telehealth").unique().sort(pl.all()).rows():
        rows = (
            drafts.select((pl.col("category") == category) & (pl.col("is_telehealth") == remote)).to_series().arg_true()
        )
        suiting = _suiting_types(types, category, remote)
        wheel = Wheel(pl.Series(values=suiting), types["weight"].to_numpy()[suiting])
        chosen[rows.to_numpy()] = suiting[wheel.indices(rng, len(rows))]
    return drafts.with_columns(
        types["appointment_type_id"].gather(chosen).alias("appointment_type"),
        types["default_minutes"].gather(chosen).alias("duration"),
    )


def _suiting_types(types: pl.DataFrame, category: str, remote: bool) -> np.ndarray:
    """Positions of the types of a category that are held in that way; for kinds that have none, telehealth or any."""
    held = types["is_telehealth"].to_numpy() == remote
    of_category = (types["category"] == category).to_numpy()
    for able in (of_category & held, (types["category"] == "telehealth").to_numpy() & held, of_category):
        if able.any():
            return np.flatnonzero(able)
    raise ValueError(f"params/clinic/appointment_types.csv has no type of category {category}")


def _finished(chunk: Chunk, rng: np.random.Generator, drafts: pl.DataFrame) -> pl.DataFrame:
    n = drafts.height
    start = drafts["start"].to_numpy()
    lead = np.maximum(3_600, rng.exponential(12, n) * DAY_SECONDS).astype(np.int64)
    created = np.minimum(start - lead, day_number(chunk.as_of) * DAY_SECONDS - 3_600)
    cancelled = drafts["status"].str.starts_with("Cancelled").to_numpy()
    channel = pick(rng, n, CHANNELS)
    users = chunk.reference["staff_users"]["user_id"]
    location = _locations(chunk, rng, drafts)
    return drafts.select(
        "appointment_id",
        "patient_id",
        sometimes(rng, drafts["provider_id"], 0.004).alias("provider_id"),
        at_seconds(start).alias("appointment_date"),
        "appointment_type",
        pl.col("status").alias("appointment_status"),
        location.alias("location"),
        "duration",
        sometimes(rng, pick(rng, n, NOTES), 0.6).alias("notes"),
        at_seconds(start + drafts["duration"].to_numpy() * 60).alias("end_time"),
        "is_telehealth",
        blanked(_rooms(chunk, rng, location), drafts["is_telehealth"].to_numpy() | chance(rng, n, 0.15)).alias(
            "room_id"
        ),
        channel.alias("booking_channel"),
        blanked(pick(rng, n, REASONS), ~cancelled | chance(rng, n, 0.1)).alias("cancel_reason"),
        "rescheduled_to",
        at_seconds(created).alias("created_at"),
        blanked(users.gather(rng.integers(0, len(users), n)), (channel == "Online").to_numpy()).alias("booked_by"),
        pl.Series("is_deleted", values=cancelled & chance(rng, n, 0.02)),
    )


def _locations(chunk: Chunk, rng: np.random.Generator, drafts: pl.DataFrame) -> pl.Series:
    """The virtual site for telehealth, else the visit's own, else any clinic."""
    sites = chunk.reference["facilities"]
    virtual = sites.filter(pl.col("facility_type") == "virtual")["facility_id"][0]
    clinics = sites.filter(pl.col("facility_type") == "clinic")["facility_id"].cast(pl.Int64)
    some = clinics.gather(rng.integers(0, len(clinics), drafts.height))
    own = drafts["facility_id"].fill_null(some)
    return pl.select(pl.when(drafts["is_telehealth"]).then(pl.lit(virtual)).otherwise(own)).to_series().cast(pl.Int64)


def _rooms(chunk: Chunk, rng: np.random.Generator, location: pl.Series) -> pl.Series:
    """A room of the site: one drawn for each site and half-hour would be truer, one of the site's is enough."""
    rooms = chunk.reference["rooms"].group_by("facility_id", maintain_order=True).agg(pl.col("room_id"))
    of_site = location.to_frame("facility_id").join(rooms, on="facility_id", how="left", maintain_order="left")[
        "room_id"
    ]
    nth = pl.Series(values=rng.integers(0, 1_000, len(location)))
    return pl.select(of_site.list.get(nth % of_site.list.len().fill_null(1), null_on_oob=True)).to_series()


PER_CHUNK = [appointments]
