"""Medications: the clinic's formulary, what members take under protocol, the chart's list, prescriptions, supplements."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visits
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
from ennu_lib.clinic.people_staff import Roster, draw_keys, draw_users

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
UNIT_OF_FORM = {
    "tablet": "tablet",
    "capsule": "capsule",
    "injection": "mL",
    "vial": "vial",
    "pen": "pen",
    "patch": "patch",
}
SHORT_INTERVALS = {1: "daily", 7: "weekly", 3: "weekly", 2: "daily", 120: "monthly"}


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
    every = pl.concat([
        drugs.with_columns(maker=pl.lit(None, pl.String)), drugs[source].with_columns(maker.alias("maker"))
    ])  # fmt: skip
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
    """Courses of treatment as the clinic's own table, the chart's list, the prescriptions and the refills show them."""
    courses = _courses(chunk, "25againmembermedications", protocol_only=True)
    chunk.frames[COURSES] = courses
    own = _member_frame(chunk, courses)
    return {
        "25againmembermedications": own,
        "25againmedicationrefills": _refills(chunk, courses, own),
        "patient_medications": _chart_list(chunk),
        "prescriptions": _prescriptions(chunk),
        "25againsupplements": _supplements(chunk),
    }


def _courses(chunk: Chunk, table: str, *, protocol_only: bool) -> pl.DataFrame:
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


def _drug(courses: pl.DataFrame, column: str) -> pl.Series:
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
        sometimes(rng, _drug(courses, "dose_unit"), 0.02).alias("dose_unit"),
        sometimes(rng, _drug(courses, "route"), 0.015).alias("route"),
        sometimes(rng, _drug(courses, "frequency"), 0.015).alias("frequency"),
        sometimes(rng, _drug(courses, "interval"), 0.1).alias("interval"),
        dates(start).alias("start_date"),
        blanked(dates(end), going).alias("end_date"),
        pl.Series("status", status),
        sometimes(rng, _drug(courses, "sig"), 0.1).alias("instructions"),
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
    return pl.DataFrame({
        "refill_id": chunk.take_keys("25againmedicationrefills", n),
        "member_medication_id": own["member_medication_id"].gather(at),
        "refill_date": dates(day),
        "quantity": rng.choice([1.0, 4.0, 10.0, 30.0, 90.0], n, p=[0.3, 0.15, 0.15, 0.3, 0.1]),
        "days_supply": rng.choice([28, 30, 60, 90], n, p=[0.3, 0.5, 0.05, 0.15]),
        "amount": np.round(rng.gamma(3, 35, n), 0) + 0.99,
        "ship_date": blanked(dates(shipped), pending | chance(rng, n, 0.05)),
        "carrier": sometimes(rng, pick(rng, n, {"UPS": 50, "FedEx": 34, "USPS": 16}), 0.1),
        "tracking_number": blanked(pl.select(pl.format("1Z{}", number)).to_series(), pending | chance(rng, n, 0.08)),
        "ship_status": np.where(pending, "pending", pick(rng, n, {"delivered": 90, "shipped": 8, "returned": 2}).to_numpy().astype(str)),
        "DateTStamp": moments(shipped, any_seconds(rng, n)),
    })  # fmt: skip


def _chart_list(chunk: Chunk) -> pl.DataFrame:
    """`patient_medications`: the clinic's own courses copied in part, and what others prescribe."""
    rng = chunk.rng("patient_medications")
    people = registrations(chunk)
    other = _courses(chunk, "patient_medications", protocol_only=False)
    own = chunk.frames[COURSES]
    copied = own.filter(pl.Series(chance(rng, len(own), 0.45)))
    every = pl.concat([copied, other[len(copied) :]]).sort("start", maintain_order=True)
    n = len(every)
    start, end, going = (every[name].to_numpy() for name in ("start", "end", "going"))
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[every["row"]], start)
    name = pl.select(pl.format("{} {}", _drug(every, "ingredient"), _drug(every, "strength"))).to_series()
    return every.select(
        pl.Series("patient_medication_id", chunk.take_keys("patient_medications", n)),
        people["patient_id"].gather(every["row"]),
        sometimes(rng, _drug(every, "rxcui"), 0.03).alias("rxcui"),
        sometimes(rng, name, 0.005).alias("drug_name"),
        sometimes(rng, every["dose"].cast(pl.Float64), 0.05).alias("dose"),
        sometimes(rng, _drug(every, "dose_unit"), 0.06).alias("dose_unit"),
        sometimes(rng, _drug(every, "route"), 0.05).alias("route"),
        sometimes(rng, _drug(every, "frequency"), 0.05).alias("frequency"),
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
    counted = _drug(every, "form").is_in(["tablet", "capsule"]).to_numpy()
    quantity = np.where(
        counted, rng.choice([30.0, 60.0, 90.0], n, p=[0.6, 0.15, 0.25]), rng.choice([1.0, 4.0, 8.0, 10.0], n)
    )
    schedule = _drug(every, "drug_class").replace_strict(CONTROLLED, default=None, return_dtype=pl.String)
    lasts = day + rng.integers(28, 400, n)
    recent = lasts > day_number(chunk.as_of)
    name = pl.select(pl.format("{} {}", _drug(every, "ingredient"), _drug(every, "strength"))).to_series()
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[every["row"]], day)
    return every.select(
        pl.Series("prescription_id", chunk.take_keys("prescriptions", n)),
        people["patient_id"].gather(every["row"]),
        sometimes(rng, pl.Series(provider), 0.006).alias("provider_id"),
        sometimes(rng, draw_keys(rng, chunk, "pharmacies", "pharmacy_id", n), 0.12).alias("pharmacy_id"),
        near["encounter_id"].alias("encounter"),
        sometimes(rng, _formulary_keys(chunk, _drug(every, "rxcui")), 0.1).alias("drug_id"),
        sometimes(rng, _drug(every, "rxcui"), 0.1).alias("rxnorm_drugcode"),
        name.alias("drug"),
        sometimes(rng, _drug(every, "sig"), 0.03).alias("dosage"),
        sometimes(rng, pl.Series(quantity), 0.02).alias("quantity"),
        sometimes(rng, _drug(every, "form").replace(UNIT_OF_FORM), 0.1).alias("unit"),
        sometimes(
            rng, _drug(every, "interval").replace_strict(SHORT_INTERVALS, default="daily", return_dtype=pl.String), 0.3
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


def _supplements(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("25againsupplements")
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() ** 0.7 + 1e-9, chunk.rows_for("25againsupplements"))
    n = len(row)
    name = word_wheel("supplement", "note_words").draw(rng, n)
    start = days_after(rng, chunk.as_of, people["registered"].to_numpy()[row], 1500)
    going = (people["last_day"].to_numpy()[row] >= day_number(chunk.as_of)) & chance(rng, n, 0.55)
    provider = Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], start)
    end = days_after(rng, chunk.as_of, start, 700)
    return pl.DataFrame({
        "member_supplement_id": chunk.take_keys("25againsupplements", n),
        "patient_id": people["patient_id"].to_numpy()[row],
        "supplement_name": name,
        "brand": sometimes(rng, word_wheel("supplement_brand").draw(rng, n), 0.2),
        "dose": sometimes(rng, name.replace_strict(SUPPLEMENT_DOSES, default="1", return_dtype=pl.String), 0.03),
        "dose_unit": sometimes(rng, name.replace_strict(SUPPLEMENT_UNITS, default="capsule", return_dtype=pl.String), 0.03),
        "frequency": sometimes(rng, pick(rng, n, {"daily": 70, "twice daily": 16, "at bedtime": 14}), 0.03),
        "start_date": sometimes(rng, dates(start), 0.015),
        "end_date": blanked(dates(end), going | chance(rng, n, 0.2)),
        "recommended_by": sometimes(rng, pl.Series(provider), 0.2),
        "is_active": np.where(going, "Y", "N"),
        "last_updated": moments(np.where(going, start, end), any_seconds(rng, n)),
    })  # fmt: skip


SUPPLEMENT_DOSES = {
    "Vitamin D3": "5000", "Omega-3 fish oil": "2", "Magnesium glycinate": "400", "DHEA": "25", "Zinc picolinate": "30",
    "Vitamin B12": "1000", "Methylfolate": "800", "Vitamin K2": "100", "Creatine monohydrate": "5", "Melatonin": "3",
    "Ashwagandha": "600", "CoQ10": "200", "DIM": "200", "Berberine": "500", "Iron bisglycinate": "25",
}  # fmt: skip
SUPPLEMENT_UNITS = {
    "Vitamin D3": "IU", "Omega-3 fish oil": "g", "Magnesium glycinate": "mg", "DHEA": "mg", "Zinc picolinate": "mg",
    "Vitamin B12": "mcg", "Methylfolate": "mcg", "Vitamin K2": "mcg", "Creatine monohydrate": "g", "Melatonin": "mg",
    "Ashwagandha": "mg", "CoQ10": "mg", "DIM": "mg", "Berberine": "mg", "Iron bisglycinate": "mg",
}  # fmt: skip
