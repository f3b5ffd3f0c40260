"""Visits to come: recurring series and the due-back list."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import numbered, yes_no
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    moments,
    pick,
    sample,
    sometimes,
)

SERIES_KINDS = ["injection", "pellet", "coaching", "lab_draw"]
ENDED_SHARE = 0.4


def recurring_appointments(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`recurring_appointments` of some patients; `appointments` with the series of those that belong to one."""
    rng = chunk.rng("recurring_appointments")
    booked = chunk.frames["appointments"]
    types = chunk.reference["appointment_types"].select("appointment_type_id", "category")
    repeated_visits = (
        booked.join(
            types, left_on="appointment_type", right_on="appointment_type_id", how="left", maintain_order="left"
        )
        .filter(pl.col("category").is_in(SERIES_KINDS))
        .unique("patient_id", keep="first", maintain_order=True)
    )
    chosen = repeated_visits[sample(rng, repeated_visits.height, chunk.rows_for("recurring_appointments"))]
    n = chosen.height
    weeks = rng.choice([1, 2, 4, 12], n)
    first_day = chosen["appointment_date"].cast(pl.Date).to_physical().to_numpy().astype(np.int64)
    ended = chance(rng, n, ENDED_SHARE)
    last_day = np.where(
        ended, np.minimum(first_day + weeks * 7 * 10, day_number(chunk.as_of) - 1), day_number(chunk.as_of) + 180
    )
    hour = numbered("", chosen["appointment_date"].dt.hour().to_numpy(), 2)
    minute = numbered("", chosen["appointment_date"].dt.minute().to_numpy(), 2)
    series = pl.DataFrame(
        {
            "series_id": chunk.take_keys("recurring_appointments", n),
            "patient_id": chosen["patient_id"],
            "provider_id": sometimes(rng, chosen["provider_id"], 0.05),
            "appointment_type": chosen["appointment_type"],
            "interval": weeks,
            "weekday": chosen["appointment_date"].dt.weekday().cast(pl.Int64) - 1,
            "start_time": hour + ":" + minute + ":00",
            "valid_from": dates(first_day),
            "valid_to": blanked(dates(np.maximum(last_day, first_day)), ~ended & chance(rng, n, 0.5)),
            "is_active": yes_no(~ended),
        }
    )
    members = series.select("patient_id", "appointment_type", "series_id")
    linked = booked.drop("series_id", strict=False).join(
        members, on=["patient_id", "appointment_type"], how="left", maintain_order="left"
    )
    return {"recurring_appointments": series, "appointments": linked}


def recalls(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`recalls`: due dates counted from the last visit by the interval of the recall type."""
    rng = chunk.rng("recalls")
    today = day_number(chunk.as_of)
    seen = (
        chunk.frames["appointments"]
        .filter(pl.col("appointment_status") == "Completed")
        .group_by("patient_id", maintain_order=True)
        .agg(pl.col("appointment_date").max().cast(pl.Date))
    )
    n = chunk.rows_for("recalls") if seen.height else 0
    who = np.sort(rng.integers(0, max(seen.height, 1), n))
    types = chunk.reference["recall_types"]
    kind = rng.integers(0, types.height, n)
    last = seen["appointment_date"].gather(who).to_physical().to_numpy().astype(np.int64)
    due = last + types["interval"].to_numpy()[kind] + rng.integers(-7, 8, n)
    planned = blanked(dates(due + rng.integers(-10, 20, n)), (due < today) | chance(rng, n, 0.4))
    return {
        "recalls": pl.DataFrame(
            {
                "recall_id": chunk.take_keys("recalls", n),
                "patient_id": seen["patient_id"].gather(who),
                "recall_type_id": types["recall_type_id"].gather(kind),
                "due": sometimes(rng, dates(due), 0.01),
                "DateScheduled": planned,
                "previous_visit": sometimes(rng, dates(last), 0.1),
                "priority": rng.choice([1, 2, 2, 2, 3], n),
                "IsDisabled": yes_no(chance(rng, n, 0.06)),
                "note": sometimes(
                    rng, pick(rng, n, ["Left voicemail.", "Sent portal message.", "Patient will call back."]), 0.8
                ),
                "DateTStamp": moments(np.minimum(last + 1, today - 1), any_seconds(rng, n)),
            }
        )
    }


PER_CHUNK = [recurring_appointments, recalls]
