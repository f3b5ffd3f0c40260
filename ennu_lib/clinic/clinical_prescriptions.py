"""The chart's list of medications, and prescriptions sent to pharmacies."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visits
from ennu_lib.clinic.clinical_medication import CONTROLLED, COURSES, courses_of, drug_column
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    days_after,
    moments,
    pick,
    sometimes,
    spread,
    word_wheel,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster, draw_keys, draw_users

UNIT_OF_FORM = {
    "tablet": "tablet",
    "capsule": "capsule",
    "injection": "mL",
    "vial": "vial",
    "pen": "pen",
    "patch": "patch",
}


SHORT_INTERVALS = {1: "daily", 7: "weekly", 3: "weekly", 2: "daily", 120: "monthly"}


def chart_medications(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`patient_medications` and `prescriptions`."""
    return {"patient_medications": _chart_list(chunk), "prescriptions": _prescriptions(chunk)}


def _chart_list(chunk: Chunk) -> pl.DataFrame:
    """`patient_medications`: the clinic's own courses copied in part, and what others prescribe."""
    rng = chunk.rng("patient_medications")
    people = registrations(chunk)
    other = courses_of(chunk, "patient_medications", protocol_only=False)
    own = chunk.frames[COURSES]
    copied = own.filter(pl.Series(chance(rng, len(own), 0.45)))
    every = pl.concat([copied, other[len(copied) :]]).sort("start", maintain_order=True)
    n = len(every)
    start, end, going = (every[name].to_numpy() for name in ("start", "end", "going"))
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[every["row"]], start)
    name = pl.select(pl.format("{} {}", drug_column(every, "ingredient"), drug_column(every, "strength"))).to_series()
    return every.select(
        pl.Series("patient_medication_id", chunk.take_keys("patient_medications", n)),
        people["patient_id"].gather(every["row"]),
        sometimes(rng, drug_column(every, "rxcui"), 0.03).alias("rxcui"),
        sometimes(rng, name, 0.005).alias("drug_name"),
        sometimes(rng, every["dose"].cast(pl.Float64), 0.05).alias("dose"),
        sometimes(rng, drug_column(every, "dose_unit"), 0.06).alias("dose_unit"),
        sometimes(rng, drug_column(every, "route"), 0.05).alias("route"),
        sometimes(rng, drug_column(every, "frequency"), 0.05).alias("frequency"),
        sometimes(rng, dates(start), 0.03).alias("start_date"),
        blanked(dates(end), going | chance(rng, n, 0.03)).alias("stop_date"),
        "going",
        sometimes(rng, word_wheel("indication", "note_words").draw(rng, n), 0.5).alias("indication"),
        sometimes(rng, pl.Series(provider), 0.12).alias("prescriber_id"),
        sometimes(rng, draw_users(rng, chunk, n), 0.1).alias("entered_by"),
        sometimes(
            rng, pick(rng, n, {"prescribed here": 55, "patient reported": 30, "pharmacy": 10, "imported": 5}), 0.3
        ).alias("source"),
        sometimes(rng, word_wheel("provider_comment", "note_words").draw(rng, n), 0.8).alias("comments"),
        pl.Series("is_deleted", chance(rng, n, 0.006)),
        moments(np.where(going, start, end), any_seconds(rng, n)).alias("last_updated"),
    ).rename({"going": "is_active"})


def _prescriptions(chunk: Chunk) -> pl.DataFrame:
    """Prescriptions of the clinic's courses, written on the days of visits where there was one."""
    rng = chunk.rng("prescriptions")
    people, own = registrations(chunk), chunk.frames[COURSES]
    span = (own["end"] - own["start"]).to_numpy() + 60
    at = spread(rng, span.astype(float), chunk.rows_for("prescriptions"))
    every = own[at]
    n = len(every)
    day = every["start"].to_numpy() + ((every["end"] - every["start"]).to_numpy() * rng.random(n)).astype(np.int64)
    seen = (
        visits(chunk)
        .select("row", "day", "encounter_id")
        .with_columns(pl.col("day").alias("visit_day"))
        .sort("day", maintain_order=True)
    )
    wanted = every.select("row", pl.Series("day", day), pl.int_range(pl.len()).alias("at")).sort(
        "day", maintain_order=True
    )
    near = wanted.join_asof(seen, on="day", by="row", strategy="backward", tolerance=150, check_sortedness=False).sort(
        "at"
    )
    day = near.select(pl.coalesce("visit_day", "day")).to_series().to_numpy()
    order = np.argsort(day, kind="stable")
    every, near, day = every[order], near[order], day[order]
    counted = drug_column(every, "form").is_in(["tablet", "capsule"]).to_numpy()
    quantity = np.where(
        counted, rng.choice([30.0, 60.0, 90.0], n, p=[0.6, 0.15, 0.25]), rng.choice([1.0, 4.0, 8.0, 10.0], n)
    )
    schedule = drug_column(every, "drug_class").replace_strict(CONTROLLED, default=None, return_dtype=pl.String)
    lasts = day + rng.integers(28, 400, n)
    recent = lasts > day_number(chunk.as_of)
    name = pl.select(pl.format("{} {}", drug_column(every, "ingredient"), drug_column(every, "strength"))).to_series()
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[every["row"]], day)
    return every.select(
        pl.Series("prescription_id", chunk.take_keys("prescriptions", n)),
        people["patient_id"].gather(every["row"]),
        sometimes(rng, pl.Series(provider), 0.006).alias("provider_id"),
        sometimes(rng, draw_keys(rng, chunk, "pharmacies", "pharmacy_id", n), 0.12).alias("pharmacy_id"),
        near["encounter_id"].alias("encounter"),
        sometimes(rng, _formulary_keys(chunk, drug_column(every, "rxcui")), 0.1).alias("drug_id"),
        sometimes(rng, drug_column(every, "rxcui"), 0.1).alias("rxnorm_drugcode"),
        name.alias("drug"),
        sometimes(rng, drug_column(every, "sig"), 0.03).alias("dosage"),
        sometimes(rng, pl.Series(quantity), 0.02).alias("quantity"),
        sometimes(rng, drug_column(every, "form").replace(UNIT_OF_FORM), 0.1).alias("unit"),
        sometimes(
            rng,
            drug_column(every, "interval").replace_strict(SHORT_INTERVALS, default="daily", return_dtype=pl.String),
            0.3,
        ).alias("interval"),
        pl.Series("refills", rng.integers(0, 6, n)),
        sometimes(rng, pick(rng, n, {"30": 6, "90": 3}).cast(pl.Int64), 0.5).alias("per_refill"),
        dates(day).alias("written_date"),
        sometimes(rng, dates(days_after(rng, chunk.as_of, day, 10)), 0.35).alias("filled_date"),
        sometimes(rng, dates(lasts), 0.35).alias("end_date"),
        sometimes(rng, pick(rng, n, {"Y": 85, "N": 15}), 0.1).alias("substitute"),
        pl.when(schedule.is_not_null()).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("is_controlled"),
        schedule.alias("dea_schedule"),
        sometimes(rng, pick(rng, n, {"sent": 80, "printed": 12, "failed": 3, "cancelled": 5}), 0.3).alias("erx_status"),
        pl.Series("active", (recent & every["going"].to_numpy()).astype(np.int64)),
        sometimes(rng, word_wheel("provider_comment", "note_words").draw(rng, n), 0.82).alias("note"),
        sometimes(rng, moments(day, any_seconds(rng, n)), 0.08).alias("modified_at"),
    )


def _formulary_keys(chunk: Chunk, rxcui: pl.Series) -> pl.Series:
    """The chart system's own drug number for each RxNorm concept it knows."""
    known = chunk.reference["drug_formulary"].select(pl.col("rxcui").cast(pl.String), pl.col("drug_id").cast(pl.Int64))
    first = known.drop_nulls().unique("rxcui", keep="first", maintain_order=True)
    return rxcui.to_frame("rxcui").join(first, on="rxcui", how="left", maintain_order="left")["drug_id"]
