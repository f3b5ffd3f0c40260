"""Scheduling tables made once: visit types, rooms, recall intervals, working hours and time off of the providers."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import repeated, shifted_to_weekday, yes_no
from ennu_lib.clinic.people_draw import any_seconds, chance, clinic_table, dates, day_number, moments, pick, sometimes

WEEKS_AHEAD = 6
RECALLS = {
    "Hormone follow-up labs": 90,
    "Thyroid labs": 180,
    "Annual wellness visit": 365,
    "Pellet re-insertion": 120,
    "PSA check": 180,
    "Mammogram reminder": 365,
    "Lipid panel": 180,
    "Hemoglobin A1c": 90,
    "Hematocrit check": 90,
    "Body composition": 90,
    "Medication review": 180,
    "Vitamin D recheck": 120,
    "DXA scan": 730,
    "Coaching check-in": 30,
}


def appointment_types(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`appointment_types`: the types in use, then retired ones of earlier years."""
    listed = clinic_table("appointment_types")
    lacking = max(0, chunk.rows_for("appointment_types") - listed.height)
    old = listed[np.arange(lacking) % listed.height].with_columns(
        ("OLD" + pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(2)).alias("code"),
        (pl.col("name") + " (until " + (2015 + pl.int_range(pl.len()) % 8).cast(pl.String) + ")").alias("name"),
        pl.lit("0").alias("online"),
    )
    both = pl.concat([listed, old])
    n = both.height
    active = np.arange(n) < listed.height
    return {
        "appointment_types": both.select(
            pl.Series("appointment_type_id", values=chunk.take_keys("appointment_types", n)),
            "code",
            "name",
            "category",
            pl.col("minutes").cast(pl.Int64).alias("default_minutes"),
            (pl.col("telehealth") == "1").alias("is_telehealth"),
            (
                "#" + ((pl.int_range(n) * 48_271 + 5_000_000) % 16_777_215).cast(pl.String).str.zfill(8).str.slice(2)
            ).alias("color"),
            pl.Series("position", values=np.arange(1, n + 1)),
            pl.when(pl.col("online") == "1").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("online_bookable"),
            yes_no(active).alias("is_active"),
        )
    }


def rooms(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`rooms`: two per site that sees patients, plus the rest spread over the sites."""
    rng = chunk.rng("rooms")
    sites = chunk.reference["facilities"].filter(pl.col("facility_type").is_in(["clinic", "lab"]))["facility_id"]
    n = max(chunk.rows_for("rooms"), len(sites))
    number = pl.Series(values=np.arange(n) // len(sites) + 1).cast(pl.String)
    use = pick(rng, n, {"exam": 6, "draw": 2, "infusion": 1, "office": 2})
    return {
        "rooms": pl.DataFrame(
            {
                "room_id": chunk.take_keys("rooms", n),
                "facility_id": sites.gather(np.arange(n) % len(sites)),
                "name": use.str.to_titlecase() + " " + number,
                "use": use,
                "capacity": rng.integers(1, 4, n),
                "is_active": yes_no(~chance(rng, n, 0.05)),
            }
        )
    }


def recall_types(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`recall_types`."""
    rng = chunk.rng("recall_types")
    n = len(RECALLS)
    types = chunk.reference["appointment_types"]
    visits = types.filter(pl.col("category").is_in(["follow_up", "lab_draw"]) & (pl.col("is_active") == "Y"))
    return {
        "recall_types": pl.DataFrame(
            {
                "recall_type_id": chunk.take_keys("recall_types", n),
                "description": list(RECALLS),
                "interval": list(RECALLS.values()),
                "appointment_type": sometimes(
                    rng, visits["appointment_type_id"].gather(rng.integers(0, visits.height, n)), 0.1
                ),
                "is_active": yes_no(np.arange(n) < n - 1),
            }
        )
    }


def provider_schedules(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`provider_schedules`: a working block per provider and day, newest days last, from weeks ahead back in time."""
    rng = chunk.rng("provider_schedules")
    staff = chunk.reference["providers"].join(
        chunk.reference["provider_locations"].filter(pl.col("is_primary") == "Y").select("provider_id", "facility_id"),
        on="provider_id",
        how="left",
        maintain_order="left",
    )
    last = day_number(chunk.as_of) + WEEKS_AHEAD * 7
    days = _working_days(chunk.rows_for("provider_schedules") // staff.height + 1, last)
    here = _days_here(staff, days)
    who, when = np.nonzero(here)
    order = np.argsort(-days[when], kind="stable")[: chunk.rows_for("provider_schedules")]
    order = order[np.lexsort((who[order], days[when][order]))]
    who, day = who[order], days[when][order]
    n = len(who)
    early = (who + day) % 3 != 0
    return {
        "provider_schedules": pl.DataFrame(
            {
                "schedule_id": chunk.take_keys("provider_schedules", n),
                "provider_id": staff["provider_id"].gather(who),
                "location": staff["facility_id"].gather(who),
                "work_date": dates(day),
                "start_time": pl.Series(values=np.where(early, "08:00:00", "10:00:00")),
                "end_time": pl.Series(values=np.where(early, "16:30:00", "18:30:00")),
                "schedule_type": pick(rng, n, {"Clinic": 7, "Telehealth": 2, "Admin": 1}),
                "last_updated": moments(day - 35, any_seconds(rng, n)),
            }
        )
    }


def _working_days(count: int, last: int) -> np.ndarray:
    """At least `count` weekdays that end with `last`, in rising order; doubled because not all providers were here."""
    span = np.arange(last - int(count * 2 * 7 / 5) - 14, last + 1)
    return span[(span + 3) % 7 < 5]


def _days_here(staff: pl.DataFrame, days: np.ndarray) -> np.ndarray:
    """Providers by days: employed on that day, and not one of the provider's free weekdays."""
    hired = staff["hire_date"].to_physical().to_numpy()[:, None]
    left = staff["end_date"].to_physical().fill_null(10**6).to_numpy()[:, None]
    free = (np.arange(staff.height)[:, None] * 2 + 1) % 5 == ((days + 3) % 7)[None, :]
    return (hired <= days) & (days <= left) & ~free


def schedule_exceptions(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`schedule_exceptions`: time off of each provider over the years employed, some of it still ahead."""
    rng = chunk.rng("schedule_exceptions")
    staff = chunk.reference["providers"]
    n = chunk.rows_for("schedule_exceptions")
    parent, _ = repeated(rng.multinomial(n, np.full(staff.height, 1 / staff.height)))
    first = staff["hire_date"].to_physical().to_numpy().astype(np.int64)[parent] + 60
    last = staff["end_date"].to_physical().fill_null(day_number(chunk.as_of) + 120).to_numpy().astype(np.int64)[parent]
    start = shifted_to_weekday(first + (rng.random(n) * np.maximum(last - first, 1)).astype(np.int64))
    length = rng.choice([0, 0, 1, 2, 4, 4, 9, 13], n)
    users = chunk.reference["staff_users"]["user_id"]
    return {
        "schedule_exceptions": pl.DataFrame(
            {
                "exception_id": chunk.take_keys("schedule_exceptions", n),
                "provider_id": staff["provider_id"].gather(parent),
                "from_date": dates(start),
                "to_date": dates(start + length),
                "reason": sometimes(
                    rng,
                    pick(rng, n, {"Vacation": 6, "Sick Leave": 3, "Training": 2, "Parental Leave": 1, "Blocked": 2}),
                    0.1,
                ),
                "all_day": length > 0,
                "approved_by": sometimes(rng, users.gather(rng.integers(0, len(users), n)), 0.2),
                "created_at": moments(np.minimum(start - 20, day_number(chunk.as_of) - 1), any_seconds(rng, n)),
            }
        )
    }


REFERENCE = [appointment_types, rooms, recall_types, provider_schedules, schedule_exceptions]
