"""Which visits were booked: most encounters and every telehealth meeting; they learn the booking's number."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import rows_made, seconds_of
from ennu_lib.clinic.people_draw import DAY_SECONDS, blanked, chance, day_number

BOOKED_SHARE = 0.8
UNLINKED_SHARE = 0.05  # of meetings whose booking the telehealth system never learned
CATEGORY_OF_ENCOUNTER = {
    "initial consult": "new_patient",
    "office visit": "follow_up",
    "telehealth": "telehealth",
    "lab draw": "lab_draw",
    "injection": "injection",
    "pellet": "pellet",
    "phone": "telehealth",
    "coaching": "coaching",
}
STATUS_OF_MEETING = {"scheduled": "Scheduled", "no show": "No Show", "cancelled": "Cancelled - Patient"}
VISIT_SCHEMA = {
    "patient_id": pl.Int64,
    "provider_id": pl.Int64,
    "facility_id": pl.Int64,
    "start": pl.Int64,
    "category": pl.String,
    "is_telehealth": pl.Boolean,
    "status": pl.String,
}


def booked_visits(chunk: Chunk) -> pl.DataFrame:
    """One row per booked visit, with `start` in seconds since 1970-01-01 and the keys of encounter and meeting.

    Where a meeting was missed or cancelled, its booking says so.
    """
    meetings = _meetings(chunk)
    encounters = _encounters(chunk).join(
        meetings.select("patient_id", "start", "meeting_id", pl.col("status").alias("held")),
        on=["patient_id", "start"],
        how="left",
        maintain_order="left",
    )
    called_off = pl.col("held").is_in(["No Show", "Cancelled - Patient"])
    encounters = encounters.with_columns(pl.when(called_off).then("held").otherwise("status").alias("status")).drop(
        "held"
    )
    rng = chunk.rng("booked visits")
    booked = encounters.filter(
        pl.col("meeting_id").is_not_null() | pl.Series(values=chance(rng, encounters.height, BOOKED_SHARE))
    )
    alone = meetings.join(booked.select("meeting_id").drop_nulls(), on="meeting_id", how="anti", maintain_order="left")
    return pl.concat([booked, alone], how="diagonal_relaxed")


def _encounters(chunk: Chunk) -> pl.DataFrame:
    today = day_number(chunk.as_of) * DAY_SECONDS
    made = rows_made(chunk, "encounters")
    source = made.with_columns(start=pl.Series(values=seconds_of(made["encounter_date"]), dtype=pl.Int64))
    kept = source.filter((pl.col("status") != "void") & ~pl.col("is_deleted")).unique(
        ["patient_id", "start"], keep="first", maintain_order=True
    )
    waiting = (pl.col("status") == "open") & (pl.col("start") >= today - DAY_SECONDS)
    return kept.select(
        "encounter_id",
        *[pl.col(name).cast(pl.Int64) for name in ("patient_id", "provider_id", "facility_id", "start")],
        pl.col("encounter_type").replace_strict(CATEGORY_OF_ENCOUNTER, default="other").alias("category"),
        "is_telehealth",
        pl.when(pl.col("status") == "cancelled")
        .then(pl.lit("Cancelled - Clinic"))
        .when(waiting)
        .then(pl.lit("Checked In"))
        .otherwise(pl.lit("Completed"))
        .alias("status"),
    )


def _meetings(chunk: Chunk) -> pl.DataFrame:
    source = chunk.frames.get("25againzoommeeting")
    if source is None or source.is_empty():
        return pl.DataFrame(schema={**VISIT_SCHEMA, "meeting_id": pl.Int64})
    return source.select(
        "meeting_id",
        pl.col("patient_id").cast(pl.Int64),
        pl.col("provider_id").cast(pl.Int64),
        pl.lit(None, pl.Int64).alias("facility_id"),
        pl.Series("start", values=seconds_of(source["meeting_date"])),
        pl.lit("telehealth").alias("category"),
        pl.lit(True).alias("is_telehealth"),
        pl.col("meeting_status")
        .str.to_lowercase()
        .replace_strict(STATUS_OF_MEETING, default="Completed")
        .alias("status"),
    ).unique(["patient_id", "start"], keep="first", maintain_order=True)


def with_bookings(chunk: Chunk, visits: pl.DataFrame, keys: np.ndarray) -> dict[str, pl.DataFrame]:
    """Encounters and meetings of the chunk with the number of their booking; `keys` are those of `visits`."""
    numbered = visits.with_columns(pl.Series("appointment_id", values=keys))
    rng = chunk.rng("unlinked meetings")
    written = {}
    for table, key in (("encounters", "encounter_id"), ("25againzoommeeting", "meeting_id")):
        frame = chunk.frames.get(table)
        if frame is None or key not in numbered.columns:
            continue
        pairs = numbered.select(key, "appointment_id").drop_nulls()
        known = frame.drop("appointment_id", strict=False).join(pairs, on=key, how="left", maintain_order="left")
        forgotten = (table != "encounters") & chance(rng, known.height, UNLINKED_SHARE)
        written[table] = known.with_columns(blanked(known["appointment_id"], forgotten).alias("appointment_id"))
    return written
