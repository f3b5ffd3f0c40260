"""Telehealth meetings, and the recommendations that visits end with."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visits
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    days_after,
    moments,
    office_seconds,
    pick,
    sample,
    sometimes,
    spread,
    word_wheel,
    workday,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster

MEETINGS = "_meetings"
MEETING_TYPES = {
    "Follow-up": 44,
    "Lab Review": 24,
    "Initial Consultation": 8,
    "Medication Management": 12,
    "Coaching": 7,
    "Urgent": 2,
    "Group": 1,
    "follow up": 2,
}
BILLING = {"billed": 30, "paid": 44, "not billed": 8, "insurance pending": 6, "denied": 2, "waived": 10}
KINDS = {
    "hormone": 30,
    "thyroid": 8,
    "nutrition": 14,
    "supplement": 14,
    "medication": 10,
    "lifestyle": 14,
    "lab_followup": 8,
    "referral": 2,
}
SCALE_OF_FIVE_UNTIL = 17_532  # 2018-01-01
SCALE_OF_TEN_UNTIL = 18_993  # 2022-01-01
BOOKED_AHEAD_DAYS = 45
OPEN_DAYS = 200


def telehealth(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againzoommeeting`: one meeting per telehealth visit, then such as never took place or are still ahead.

    Meeting and visit of one patient start at the same minute, which is how both find their appointment.
    """
    rng = chunk.rng("25againzoommeeting")
    seen = visits(chunk).filter((pl.col("kind") == "telehealth") & (pl.col("status") != "void"))
    total = chunk.rows_for("25againzoommeeting")
    held = seen[sample(rng, len(seen), total)]
    held = held.with_columns(
        pl.when(pl.col("status") == "cancelled").then(pl.lit("cancelled")).otherwise(pl.lit("completed")).alias("state")
    )
    missed = _missed(rng, chunk, max(total - len(held), 0))
    columns = ["row", "patient_id", "provider_id", "day", "second", "state"]
    every = pl.concat([held.select(columns), missed.select(columns)]).sort("day", "second", maintain_order=True)
    every = every.unique(["row", "day", "second"], keep="first", maintain_order=True)
    every = every.with_columns(pl.Series("meeting_id", chunk.take_keys("25againzoommeeting", len(every))))
    chunk.frames[MEETINGS] = every
    return {"25againzoommeeting": _meeting_frame(chunk, rng, every)}


def _missed(rng: np.random.Generator, chunk: Chunk, n: int) -> pl.DataFrame:
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() + 1e-9, n)
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    day = workday(first + ((last - first) * rng.random(n)).astype(np.int64))
    today = day_number(chunk.as_of)
    ahead = (last >= today) & chance(rng, n, 0.25)
    day = np.where(ahead, workday(today + 4 + rng.integers(0, BOOKED_AHEAD_DAYS, n)), np.minimum(day, today - 1))
    state = np.where(
        ahead, "scheduled", pick(rng, n, {"no show": 45, "cancelled": 45, "completed": 10}).to_numpy().astype(str)
    )
    employed_on = np.minimum(day, today)
    return pl.DataFrame(
        {
            "row": row,
            "patient_id": people["patient_id"].to_numpy()[row],
            "provider_id": Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], employed_on),
            "day": day,
            "second": office_seconds(rng, n),
            "state": state,
        }
    )


def satisfaction(rng: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Ratings on the scale of their time: 1-5 until 2017, 1-10 until 2021, 0-100 since."""
    content = rng.beta(6, 1.6, len(day))
    five, ten = np.ceil(content * 5), np.ceil(content * 10)
    rated = np.where(
        day < SCALE_OF_FIVE_UNTIL, five, np.where(day < SCALE_OF_TEN_UNTIL, ten, np.round(content * 20) * 5)
    )
    return rated.astype(np.int64)


def _meeting_frame(chunk: Chunk, rng: np.random.Generator, every: pl.DataFrame) -> pl.DataFrame:
    n = len(every)
    day, second = every["day"].to_numpy(), every["second"].to_numpy()
    done = (every["state"] == "completed").to_numpy()
    ahead = (every["state"] == "scheduled").to_numpy()
    minutes = np.clip(rng.normal(27, 9, n), 4, 88).astype(np.int64)
    number = pl.Series(rng.integers(10**10, 10**11, n)).cast(pl.String)
    spaced = pl.select(
        pl.format("{} {} {}", number.str.slice(0, 3), number.str.slice(3, 4), number.str.slice(7, 4))
    ).to_series()
    zoom = pl.select(pl.when(pl.Series(chance(rng, n, 0.3))).then(spaced).otherwise(number)).to_series()
    lines = [word_wheel("session_note", "note_words").draw(rng, n) for _ in range(2)]
    where = registrations(chunk)["state"].gather(every["row"]).fill_null("FL")
    note = pl.select(
        pl.format("{} {} {}", lines[0], word_wheel("assessment", "note_words").draw(rng, n), lines[1])
    ).to_series()
    note = pl.DataFrame({"note": note, "state": where}).select(_with_state()).to_series()
    billing = pl.select(
        pl.when(pl.Series(done)).then(pick(rng, n, BILLING)).otherwise(pl.lit("not billed"))
    ).to_series()
    booked = np.minimum(day, day_number(chunk.as_of)) - rng.integers(0, 20, n)
    touched = np.where(ahead, booked, day)
    return every.select(
        "meeting_id",
        "patient_id",
        sometimes(rng, every["provider_id"], 0.015).alias("provider_id"),
        pl.lit(None, pl.Int64).alias("appointment_id"),
        moments(day, second).alias("meeting_date"),
        blanked(moments(day, second + minutes * 60), ~done).alias("meeting_end"),
        blanked(minutes, ~done).alias("meeting_duration"),
        pick(rng, n, MEETING_TYPES).alias("meeting_type"),
        pl.col("state").alias("meeting_status"),
        sometimes(rng, zoom, 0.02).alias("zoom_meeting_id"),
        sometimes(rng, pl.Series(rng.integers(10**5, 10**6, n)).cast(pl.String), 0.1).alias("zoom_passcode"),
        sometimes(rng, pl.select(pl.format("https://zoom.us/j/{}", number)).to_series(), 0.1).alias("join_url"),
        blanked(note, ~done | chance(rng, n, 0.06)).alias("session_notes"),
        blanked(satisfaction(rng, day), ~done | chance(rng, n, 0.33)).alias("patient_satisfaction"),
        billing.alias("billing_status"),
        sometimes(rng, pick(rng, n, {"Y": 58, "N": 42}), 0.1).alias("follow_up_required"),
        sometimes(rng, _zones(chunk, every), 0.2).alias("time_zone"),
        pl.Series("recording_available", chance(rng, n, 0.07)),
        moments(booked, any_seconds(rng, n)).alias("created_at"),
        moments(touched, 82_000 + rng.integers(0, 4_000, n)).alias("last_updated"),
    )


def _with_state() -> pl.Expr:
    """The note with the patient's state where the phrase names one."""
    before, after = (pl.col("note").str.split_exact("{state}", 1).struct.field(f"field_{at}") for at in (0, 1))
    return pl.when(after.is_null()).then("note").otherwise(pl.concat_str(before, "state", after))


def _zones(chunk: Chunk, every: pl.DataFrame) -> pl.Series:
    """Time zone of a site in the patient's state, that of the first site elsewhere."""
    sites = chunk.reference["facilities"].unique("state", keep="first", maintain_order=True)
    zones = dict(sites.select("state", "time_zone").drop_nulls().iter_rows())
    state = registrations(chunk)["state"].gather(every["row"])
    return state.replace_strict(zones, default=chunk.reference["facilities"]["time_zone"][0], return_dtype=pl.String)


def recommendations(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againrecommendations`, given at visits; those of a telehealth meeting name it."""
    rng = chunk.rng("25againrecommendations")
    seen = visits(chunk).filter(~pl.col("kind").is_in(["injection", "lab draw"]) & (pl.col("status") != "void"))
    at = spread(rng, np.ones(len(seen)), chunk.rows_for("25againrecommendations"))
    n = len(at)
    meetings = chunk.frames[MEETINGS].select("row", "day", "second", "meeting_id")
    given = seen[at].join(meetings, on=["row", "day", "second"], how="left", maintain_order="left")
    day = given["day"].to_numpy()
    kind = pick(rng, n, KINDS)
    text = _texts(rng, kind, registrations(chunk)["sex"].gather(given["row"]))
    today = day_number(chunk.as_of)
    old = today - day > OPEN_DAYS
    status = np.where(
        old,
        pick(rng, n, {"completed": 74, "declined": 10, "in progress": 8, "open": 8}).to_numpy().astype(str),
        pick(rng, n, {"open": 46, "in progress": 34, "completed": 18, "declined": 2}).to_numpy().astype(str),
    )
    closed = status == "completed"
    start = days_after(rng, chunk.as_of, day, 30)
    start = np.where(closed, start, day + rng.integers(0, 45, n))
    outcome = closed & chance(rng, n, 0.85)
    seen_on = days_after(rng, chunk.as_of, start, 150)
    return {
        "25againrecommendations": given.select(
            pl.Series("recommendation_id", chunk.take_keys("25againrecommendations", n)),
            "patient_id",
            sometimes(rng, given["provider_id"], 0.012).alias("provider_id"),
            "meeting_id",
            kind.alias("recommendation_type"),
            text.alias("recommendation_text"),
            sometimes(rng, pick(rng, n, {"medium": 48, "low": 26, "high": 22, "urgent": 4}), 0.008).alias(
                "priority_level"
            ),
            pl.Series("status", status),
            dates(day).alias("created_date"),
            blanked(dates(start), (status == "declined") | chance(rng, n, 0.08)).alias("implementation_date"),
            sometimes(rng, dates(day + rng.integers(30, 200, n)), 0.3).alias("review_date"),
            sometimes(rng, word_wheel("provider_comment", "note_words").draw(rng, n), 0.4).alias("provider_notes"),
            blanked(word_wheel("outcome", "note_words").draw(rng, n), ~outcome).alias("outcome_tracking"),
            blanked(dates(seen_on), ~outcome).alias("outcome_date"),
            moments(np.where(outcome, seen_on, np.minimum(day, today)), any_seconds(rng, n)).alias("last_updated"),
            pl.Series("is_deleted", chance(rng, n, 0.004)),
        )
    }


def _texts(rng: np.random.Generator, kind: pl.Series, sex: pl.Series) -> pl.Series:
    """What is recommended; advice on hormones depends on the sex."""
    lists = pl.select(pl.when(kind == "hormone").then(pl.format("hormone {}", sex)).otherwise(kind)).to_series()
    text = pl.Series([""] * len(kind), dtype=pl.String)
    for name in lists.unique().sort():
        mine = np.flatnonzero((lists == name).to_numpy())
        text = text.scatter(mine, word_wheel(f"recommendation:{name}", "note_words").draw(rng, len(mine)))
    return text
