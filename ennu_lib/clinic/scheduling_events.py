"""What happens around an appointment: status changes, reminders, arrivals."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import at_seconds, money, repeated, seconds_of
from ennu_lib.clinic.people_draw import DAY_SECONDS, blanked, chance, day_number, pick, sometimes

# How often the step before the last was recorded at all; the log was kept more carefully from year to year.
RECORDED = {"Scheduled": 0.35, "Confirmed": 0.18, "Checked In": 0.12}
STEPS_BEFORE = {
    "Scheduled": [],
    "Confirmed": ["Scheduled"],
    "Checked In": ["Scheduled", "Confirmed"],
    "Completed": ["Scheduled", "Confirmed", "Checked In"],
    "No Show": ["Scheduled", "Confirmed"],
    "Cancelled - Patient": ["Scheduled", "Confirmed"],
    "Cancelled - Clinic": ["Scheduled", "Confirmed"],
    "Rescheduled": ["Scheduled"],
}
REMINDERS = np.array([0.20, 0.45, 0.29, 0.06])  # share of appointments with none, one, two, three
HOURS_BEFORE = np.array([48, 24, 2])
ARRIVAL_MINUTES = (-18, 9)
MEDIAN_NOTICE_HOURS = 60


def status_history(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`appointment_status_history`, which ends in the stored status; `appointments` with the time of that change."""
    rng = chunk.rng("appointment_status_history")
    booked = chunk.frames["appointments"]
    times = _step_times(rng, booked, day_number(chunk.as_of) * DAY_SECONDS)
    steps = pl.concat([_earlier(rng, booked, step, times[step]) for step in RECORDED] + [_last(booked, times["last"])])
    steps = steps.sort("changed_at", "appointment_id", "nth")
    n = steps.height
    users = chunk.reference["staff_users"]["user_id"]
    history = steps.drop("nth").with_columns(
        pl.Series("status_change_id", values=chunk.take_keys("appointment_status_history", n)),
        at_seconds(steps["changed_at"].to_numpy()).alias("changed_at"),
        sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.25).alias("changed_by"),
    )
    return {
        "appointment_status_history": history,
        "appointments": booked.with_columns(at_seconds(times["last"]).alias("last_updated")),
    }


def _step_times(rng: np.random.Generator, booked: pl.DataFrame, now: int) -> dict[str, np.ndarray]:
    """Seconds since 1970-01-01 of each step; each step is later than the one before it, none is in the future."""
    n = booked.height
    created, start = seconds_of(booked["created_at"]), seconds_of(booked["appointment_date"])
    end = seconds_of(booked["end_time"])
    status = booked["appointment_status"]
    notice = np.minimum(
        (rng.lognormal(np.log(MEDIAN_NOTICE_HOURS), 1.2, n) * 3600).astype(np.int64), (start - created) * 9 // 10
    )
    confirmed = np.minimum(created + (start - created) * rng.uniform(0.2, 0.7, n), now - 1800).astype(np.int64)
    arrived = start - rng.integers(0, 15 * 60, n)
    called_off = (status.str.starts_with("Cancelled") | (status == "Rescheduled")).to_numpy()
    last = np.select(
        [status == "Scheduled", status == "Confirmed", status == "Checked In", status == "Completed", called_off],
        [created, confirmed, arrived, end + rng.integers(60, 1500, n), start - notice],
        default=start + rng.integers(15 * 60, 60 * 60, n),
    )
    confirmed = np.where(called_off, created + (last - created) // 2, confirmed)
    return {"Scheduled": created, "Confirmed": confirmed, "Checked In": arrived, "last": last}


def _earlier(rng: np.random.Generator, booked: pl.DataFrame, step: str, at: np.ndarray) -> pl.DataFrame:
    applies = booked["appointment_status"].is_in([status for status, before in STEPS_BEFORE.items() if step in before])
    kept = applies.to_numpy() & chance(rng, booked.height, RECORDED[step])
    nth = list(RECORDED).index(step)
    return _steps(booked, at, pl.repeat(step, booked.height, eager=True), nth).filter(pl.Series(values=kept))


def _last(booked: pl.DataFrame, at: np.ndarray) -> pl.DataFrame:
    return _steps(booked, at, booked["appointment_status"], len(RECORDED)).with_columns(reason=booked["cancel_reason"])


def _steps(booked: pl.DataFrame, at: np.ndarray, status: pl.Series, nth: int) -> pl.DataFrame:
    return booked.select(
        "appointment_id",
        status.alias("status"),
        pl.Series("changed_at", values=at),
        pl.lit(None, pl.String).alias("reason"),
        pl.lit(nth).alias("nth"),
    )


def reminders(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`appointment_reminders`: up to three before each appointment, none before it was booked or in the future."""
    rng = chunk.rng("appointment_reminders")
    booked = chunk.frames["appointments"]
    parent, nth = repeated(rng.choice(len(REMINDERS), booked.height, p=REMINDERS))
    start, created = seconds_of(booked["appointment_date"])[parent], seconds_of(booked["created_at"])[parent]
    sent = start - HOURS_BEFORE[nth] * 3600 + rng.integers(0, 300, len(parent))
    kept = (sent > created) & (sent < day_number(chunk.as_of) * DAY_SECONDS)
    parent, sent = parent[kept], sent[kept]
    n = len(parent)
    channel = pick(rng, n, {"Email": 4, "Text": 5, "Phone": 1})
    templates = chunk.reference.get("email_templates")
    template = (
        templates["email_template_id"].gather(rng.integers(0, templates.height, n)) if templates is not None else None
    )
    return {
        "appointment_reminders": pl.DataFrame(
            {
                "reminder_sent_id": chunk.take_keys("appointment_reminders", n),
                "appointment_id": booked["appointment_id"].gather(parent),
                "channel": channel,
                "sent_at": at_seconds(sent),
                "delivery_status": pick(rng, n, {"delivered": 88, "sent": 6, "failed": 3, "bounced": 3}),
                "read": blanked(pick(rng, n, {"Y": 6, "N": 4}), (channel == "Phone").to_numpy() | chance(rng, n, 0.2)),
                "response": sometimes(rng, pick(rng, n, {"confirmed": 7, "cancelled": 1, "none": 2}), 0.5),
                "template_id": pl.Series(values=[None] * n, dtype=pl.Int64)
                if template is None
                else sometimes(rng, template, 0.2),
            }
        )
    }


def checkins(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`patient_checkins`: arrival, rooming and departure of those who came."""
    rng = chunk.rng("patient_checkins")
    came = chunk.frames["appointments"].filter(pl.col("appointment_status").is_in(["Completed", "Checked In"]))
    came = came.filter(pl.Series(values=chance(rng, came.height, 0.99)))
    n = came.height
    arrived = seconds_of(came["appointment_date"]) + rng.integers(*ARRIVAL_MINUTES, n) * 60 + rng.integers(0, 60, n)
    roomed = arrived + rng.integers(2, 20, n) * 60
    departed = np.maximum(roomed + 300, seconds_of(came["end_time"]) + rng.integers(-5, 25, n) * 60)
    still_here = (came["appointment_status"] == "Checked In").to_numpy()
    users = chunk.reference["staff_users"]["user_id"]
    return {
        "patient_checkins": pl.DataFrame(
            {
                "checkin_id": chunk.take_keys("patient_checkins", n),
                "appointment_id": came["appointment_id"],
                "arrived_at": at_seconds(arrived),
                "roomed_at": sometimes(rng, at_seconds(roomed), 0.1),
                "departed_at": blanked(at_seconds(departed), still_here | chance(rng, n, 0.08)),
                "checked_in_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.15),
                "copay_collected": sometimes(rng, money(rng.choice([0, 1500, 2000, 2500, 3000, 4000], n)), 0.6),
            }
        )
    }


PER_CHUNK = [status_history, reminders, checkins]
