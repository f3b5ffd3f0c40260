"""Medications under the clinic's own protocols: formulary, courses of treatment, refills and supplements."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
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
from ennu_lib.clinic.people_staff import Roster

COURSES = "_courses"


COMPOUNDERS = ["Empower", "Olympia", "Tailor Made", "Hallandale", "Belmar", "Wells"]


CONTROLLED = {
    "androgens": "III",
    "benzodiazepines": "IV",
    "hypnotics": "IV",
    "opioids": "IV",
    "sympathomimetic anorectics": "IV",
}


ONGOING = 0.45


@lru_cache(maxsize=1)
def products() -> pl.DataFrame:
    """Every drug of the formulary in every strength, with dose choices, sex and weight."""
    drugs = clinic_table("formulary").with_columns(pl.col("strengths").str.split(";").alias("strength"))
    drugs = drugs.with_columns(pl.col("weight") / pl.col("strength").list.len()).explode("strength")
    codes = (
        clinic_table("codes_rxnorm")
        .select("ingredient", "rxcui")
        .unique("ingredient", keep="first", maintain_order=True)
    )
    drugs = drugs.join(codes, on="ingredient", how="left", maintain_order="left")
    return drugs.with_columns(pl.col("doses").str.split(";"), pl.col("interval").cast(pl.Int64))


def formulary(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmedications`: the products, then old versions by compounding pharmacies up to the catalogue's size."""
    rng = chunk.rng("25againmedications")
    drugs = products()
    old = max(chunk.rows_for("25againmedications") - len(drugs), 0)
    source = np.arange(old) % len(drugs)
    maker = pl.Series(values=COMPOUNDERS).gather(np.arange(old) // len(drugs) % len(COMPOUNDERS))
    every = pl.concat(
        [drugs.with_columns(maker=pl.lit(None, pl.String)), drugs[source].with_columns(maker.alias("maker"))]
    )
    n = len(every)
    name = pl.format("{} {} {}", "ingredient", "strength", "form")
    return {
        "25againmedications": every.select(
            pl.Series("medication_id", chunk.take_keys("25againmedications", n)),
            pl.when(pl.col("maker").is_null())
            .then(name)
            .otherwise(pl.format("{} ({})", name, "maker"))
            .alias("medication_name"),
            "ingredient",
            "drug_class",
            "strength",
            pl.col("form").alias("dose_form"),
            "route",
            "rxcui",
            pl.col("drug_class").replace_strict(CONTROLLED, default=None, return_dtype=pl.String).alias("dea_schedule"),
            pl.col("sig").alias("default_sig"),
            pl.col("protocol").alias("protocol_name"),
            pl.col("maker").is_null().alias("is_active"),
            moments(day_number(chunk.as_of) - rng.integers(20, 2200, n), any_seconds(rng, n)).alias("last_updated"),
        )
    }


def medications(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmembermedications`, `25againmedicationrefills`, `25againsupplements`; keeps the courses for the chart."""
    courses = courses_of(chunk, "25againmembermedications", protocol_only=True)
    chunk.frames[COURSES] = courses
    own = _member_frame(chunk, courses)
    return {
        "25againmembermedications": own,
        "25againmedicationrefills": _refills(chunk, courses, own),
        "25againsupplements": _supplements(chunk),
    }


def courses_of(chunk: Chunk, table: str, *, protocol_only: bool) -> pl.DataFrame:
    """`rows_for(table)` courses: row, start, end (or today), going, product, dose; drugs that suit the sex."""
    rng = chunk.rng(f"courses of {table}")
    people, drugs = registrations(chunk), products()
    row = spread(rng, people["activity"].to_numpy() ** 0.8 + 1e-9, chunk.rows_for(table))
    n = len(row)
    sex = people["sex"].to_numpy()[row]
    product = np.zeros(n, dtype=np.int64)
    in_protocol = (drugs["protocol"].fill_null("") != "").to_numpy()
    for one in ("M", "F"):
        suits = drugs["sex"].is_in([one, "B"]).to_numpy() & (in_protocol if protocol_only else True)
        mine = np.flatnonzero(sex == one)
        product[mine] = Wheel(list(range(len(drugs))), np.where(suits, drugs["weight"].to_numpy(), 0)).indices(
            rng, len(mine)
        )
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    start = first + ((last - first) * rng.random(n) ** 1.3).astype(np.int64)
    today = day_number(chunk.as_of)
    end = start + 30 + rng.exponential(260, n).astype(np.int64)
    going = (last >= today) & (chance(rng, n, ONGOING) | (end > today))
    end = np.where(going, today, np.minimum(end, np.maximum(last, start + 14)))
    choices = drugs["doses"].gather(product)
    nth = pl.Series(rng.integers(0, 1000, n))
    dose = pl.select(choices.list.get(nth % choices.list.len())).to_series()
    return pl.DataFrame(
        {"row": row, "start": start, "end": np.minimum(end, today), "going": going, "product": product, "dose": dose}
    )


def drug_column(courses: pl.DataFrame, column: str) -> pl.Series:
    return products()[column].gather(courses["product"])


def _member_frame(chunk: Chunk, courses: pl.DataFrame) -> pl.DataFrame:
    rng = chunk.rng("25againmembermedications")
    people = registrations(chunk)
    n = len(courses)
    start, end, going = (courses[name].to_numpy() for name in ("start", "end", "going"))
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[courses["row"]], start)
    status = np.where(
        going,
        pick(rng, n, {"active": 95, "on hold": 5}).to_numpy().astype(str),
        pick(rng, n, {"completed": 60, "discontinued": 40}).to_numpy().astype(str),
    )
    return courses.select(
        pl.Series("member_medication_id", chunk.take_keys("25againmembermedications", n)),
        people["patient_id"].gather(courses["row"]),
        chunk.reference["25againmedications"]["medication_id"].gather(courses["product"]),
        sometimes(rng, pl.Series(provider), 0.02).alias("provider_id"),
        sometimes(rng, courses["dose"], 0.015).alias("dose"),
        sometimes(rng, drug_column(courses, "dose_unit"), 0.02).alias("dose_unit"),
        sometimes(rng, drug_column(courses, "route"), 0.015).alias("route"),
        sometimes(rng, drug_column(courses, "frequency"), 0.015).alias("frequency"),
        sometimes(rng, drug_column(courses, "interval"), 0.1).alias("interval"),
        dates(start).alias("start_date"),
        blanked(dates(end), going).alias("end_date"),
        pl.Series("status", status),
        sometimes(rng, drug_column(courses, "sig"), 0.1).alias("instructions"),
        moments(np.where(going, start, end), any_seconds(rng, n)).alias("last_updated"),
    )


def _refills(chunk: Chunk, courses: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Refills about every month while a course runs; long courses have more of them."""
    rng = chunk.rng("25againmedicationrefills")
    span = (courses["end"] - courses["start"]).to_numpy() + 1
    at = spread(rng, span.astype(float), chunk.rows_for("25againmedicationrefills"))
    n = len(at)
    day = courses["start"].to_numpy()[at] + (span[at] * rng.random(n)).astype(np.int64)
    order = np.argsort(day, kind="stable")
    at, day = at[order], day[order]
    shipped = np.minimum(day + rng.integers(0, 4, n), day_number(chunk.as_of))
    pending = chance(rng, n, 0.04)
    number = pl.Series(rng.integers(10**15, 10**16, n)).cast(pl.String)
    return pl.DataFrame(
        {
            "refill_id": chunk.take_keys("25againmedicationrefills", n),
            "member_medication_id": own["member_medication_id"].gather(at),
            "refill_date": dates(day),
            "quantity": rng.choice([1.0, 4.0, 10.0, 30.0, 90.0], n, p=[0.3, 0.15, 0.15, 0.3, 0.1]),
            "days_supply": rng.choice([28, 30, 60, 90], n, p=[0.3, 0.5, 0.05, 0.15]),
            "amount": np.round(rng.gamma(3, 35, n), 0) + 0.99,
            "ship_date": blanked(dates(shipped), pending | chance(rng, n, 0.05)),
            "carrier": sometimes(rng, pick(rng, n, {"UPS": 50, "FedEx": 34, "USPS": 16}), 0.1),
            "tracking_number": blanked(
                pl.select(pl.format("1Z{}", number)).to_series(), pending | chance(rng, n, 0.08)
            ),
            "ship_status": np.where(
                pending, "pending", pick(rng, n, {"delivered": 90, "shipped": 8, "returned": 2}).to_numpy().astype(str)
            ),
            "DateTStamp": moments(shipped, any_seconds(rng, n)),
        }
    )


def _supplements(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("25againsupplements")
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() ** 0.7 + 1e-9, chunk.rows_for("25againsupplements"))
    n = len(row)
    listed = clinic_table("supplements")
    listed = listed[Wheel(listed["name"], listed["weight"].to_numpy()).indices(rng, n)]
    start = days_after(rng, chunk.as_of, people["registered"].to_numpy()[row], 1500)
    going = (people["last_day"].to_numpy()[row] >= day_number(chunk.as_of)) & chance(rng, n, 0.55)
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], start)
    end = days_after(rng, chunk.as_of, start, 700)
    return pl.DataFrame(
        {
            "member_supplement_id": chunk.take_keys("25againsupplements", n),
            "patient_id": people["patient_id"].to_numpy()[row],
            "supplement_name": listed["name"],
            "brand": sometimes(rng, word_wheel("supplement_brand").draw(rng, n), 0.2),
            "dose": sometimes(rng, listed["dose"], 0.03),
            "dose_unit": sometimes(rng, listed["unit"], 0.03),
            "frequency": sometimes(rng, pick(rng, n, {"daily": 70, "twice daily": 16, "at bedtime": 14}), 0.03),
            "start_date": sometimes(rng, dates(start), 0.015),
            "end_date": blanked(dates(end), going | chance(rng, n, 0.2)),
            "recommended_by": sometimes(rng, pl.Series(provider), 0.2),
            "is_active": np.where(going, "Y", "N"),
            "last_updated": moments(np.where(going, start, end), any_seconds(rng, n)),
        }
    )
