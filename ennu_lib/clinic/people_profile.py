"""Preferences, consents, origin, employers, referral sources and the name/value extras of the patients."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_contact import draw_addresses
from ennu_lib.clinic.people_draw import (
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    days_after,
    moments,
    pick,
    sample,
    sometimes,
    word_wheel,
)
from ennu_lib.clinic.people_links import yes_no
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import draw_keys, draw_users
from ennu_lib.clinic.people_text import draw_phones, phone_text

CONSENTS = {"hipaa": 0.88, "treatment": 0.78, "telehealth": 0.42, "marketing": 0.2}
RACES = {
    "anglo": {"White": 78, "Black or African American": 18, "Two or more races": 4},
    "hispanic": {"White": 55, "Other Race": 38, "Black or African American": 4, "American Indian or Alaska Native": 3},
    "asian": {"Asian": 100},
    "arabic": {"White": 70, "Other Race": 30},
}
ASIAN = ("vietnamese", "chinese", "korean", "indian")
RACE_CODES = {
    "White": "2106-3",
    "Black or African American": "2054-5",
    "Asian": "2028-9",
    "Other Race": "2131-1",
    "American Indian or Alaska Native": "1002-5",
}


def profile_tables(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """patient_preferences, _consents, _races, _employers, _referral_sources and _custom_fields."""
    return {
        "patient_preferences": _preferences(chunk),
        "patient_consents": _consents(chunk),
        "patient_races": _races(chunk),
        "patient_employers": _employers(chunk),
        "patient_referral_sources": _referral_sources(chunk),
        "patient_custom_fields": _custom_fields(chunk),
    }


def custom_field_defs(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """The definitions behind patient_custom_fields, from `params/clinic/custom_fields.csv`."""
    defs = clinic_table("custom_fields")
    n = len(defs)
    return {
        "patient_custom_field_defs": defs.select(
            pl.Series("field_def_id", chunk.take_keys("patient_custom_field_defs", n)),
            "field_name",
            "field_label",
            "field_type",
            "group",
            pl.Series("order", np.arange(1, n + 1)),
            pl.col("options").replace("", None),
            pl.when(pl.col("weight") > 55).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("required_flag"),
            (pl.col("weight") > 1).alias("is_active"),
        )
    }


def _subset(chunk: Chunk, rng: np.random.Generator, table: str) -> pl.DataFrame:
    rows = registrations(chunk)
    return rows[sample(rng, len(rows), chunk.rows_for(table))]


def _preferences(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_preferences")
    rows = _subset(chunk, rng, "patient_preferences")
    n = len(rows)
    times = [
        "weekday_morning",
        "weekday_afternoon",
        "weekday_evening",
        "weekend",
        "weekday_morning;weekday_afternoon",
        "weekday_evening;weekend",
    ]
    from_all = draw_keys(rng, chunk, "providers", "provider_id", n)
    return rows.select(
        pl.Series("preference_id", chunk.take_keys("patient_preferences", n)),
        "patient_id",
        sometimes(rng, pick(rng, n, {"email": 38, "text": 36, "phone": 18, "portal": 8}), 0.03).alias("contact_method"),
        sometimes(rng, pick(rng, n, {"as needed": 50, "monthly": 30, "weekly": 17, "daily": 3}), 0.1).alias(
            "contact_frequency"
        ),
        sometimes(rng, rows["language"], 0.05).alias("language"),
        sometimes(
            rng,
            pick(rng, n, {"none": 92, "hearing": 3, "visual": 2, "mobility": 3, "hearing;mobility": 1, "other": 1}),
            0.1,
        ).alias("accessibility"),
        sometimes(rng, from_all, 0.45).alias("preferred_provider_id"),
        sometimes(rng, draw_keys(rng, chunk, "facilities", "facility_id", n), 0.3).alias("preferred_facility_id"),
        sometimes(rng, pick(rng, n, times), 0.3).alias("preferred_times"),
        sometimes(rng, pick(rng, n, {"online": 50, "phone": 40, "in person": 10}), 0.1).alias("booking_channel"),
        sometimes(rng, pick(rng, n, {"text": 60, "email": 28, "phone": 12}), 0.05).alias("reminder_channel"),
        sometimes(rng, yes_no(chance(rng, n, 0.55)), 0.05).alias("marketing_opt_in"),
        pl.Series("do_not_contact", chance(rng, n, 0.015)),
        pl.Series("show", chance(rng, n, 0.3)),
        moments(days_after(rng, chunk.as_of, rows["registered"].to_numpy(), 700), any_seconds(rng, n)).alias(
            "last_updated"
        ),
    )


def _consents(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_consents")
    rows = registrations(chunk).select("patient_id", "registered", "last_day")
    parts = [
        rows.filter(pl.Series(chance(rng, len(rows), share))).with_columns(pl.lit(kind).alias("consent_type"))
        for kind, share in CONSENTS.items()
    ]
    every = pl.concat(parts).sort("patient_id", maintain_order=True)
    n = len(every)
    marketing = (every["consent_type"] == "marketing").to_numpy()
    status = (
        pl.DataFrame(
            {
                "marketing": marketing,
                "m": pick(rng, n, {"granted": 62, "declined": 24, "revoked": 14}),
                "o": pick(rng, n, {"granted": 93, "expired": 5, "revoked": 1, "declined": 1}),
            }
        )
        .select(pl.when("marketing").then("m").otherwise("o"))
        .to_series()
    )
    day = days_after(rng, chunk.as_of, every["registered"].to_numpy(), 40)
    return every.select(
        pl.Series("consent_id", chunk.take_keys("patient_consents", n)),
        "patient_id",
        pl.lit(None, pl.Int64).alias("document_id"),
        "consent_type",
        status.alias("consent_status"),
        sometimes(rng, dates(day).cast(pl.String), 0.02).alias("consent_date"),
        sometimes(rng, dates(day + 365 * rng.integers(1, 4, n)), 0.5).alias("expires_date"),
        sometimes(rng, pick(rng, n, {"tablet": 40, "portal": 34, "paper": 22, "verbal": 4}), 0.05).alias("method"),
        sometimes(rng, pick(rng, n, ["2014.1", "2017.2", "2020.1", "2023.3"]), 0.1).alias("version"),
        sometimes(rng, draw_users(rng, chunk, n), 0.5).alias("witness_user_id"),
        moments(day, any_seconds(rng, n)).alias("last_updated"),
    )


def _races(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_races")
    rows = _subset(chunk, rng, "patient_races")
    n = len(rows)
    origin = rows["origin"].replace(list(ASIAN), ["asian"] * len(ASIAN)).to_numpy()
    race = np.full(n, "White", dtype=object)
    for group, weighted in RACES.items():
        race[origin == group] = pick(rng, int((origin == group).sum()), weighted).to_numpy()
    race = sometimes(rng, pl.Series(values=race.tolist(), dtype=pl.String), 0.05)
    ethnicity = rows.select(
        pl.when(pl.col("origin") == "hispanic")
        .then(pl.lit("Hispanic or Latino"))
        .otherwise(pl.lit("Not Hispanic or Latino"))
    ).to_series()
    return rows.select(
        pl.Series("patient_race_id", chunk.take_keys("patient_races", n)),
        "patient_id",
        race.alias("race"),
        sometimes(rng, ethnicity, 0.1).alias("ethnicity"),
        sometimes(rng, pick(rng, n, {"CDCREC": 9, "local": 1}), 0.2).alias("system"),
        race.replace_strict(RACE_CODES, default=None, return_dtype=pl.String).alias("code"),
        moments(days_after(rng, chunk.as_of, rows["registered"].to_numpy(), 10), any_seconds(rng, n)).alias(
            "recorded_at"
        ),
    )


def _employers(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_employers")
    rows = _subset(chunk, rng, "patient_employers")
    n = len(rows)
    where = draw_addresses(rng, n)
    hired = rows["registered"].to_numpy() - rng.integers(-600, 5000, n)
    return rows.select(
        pl.Series("employer_link_id", chunk.take_keys("patient_employers", n)),
        "patient_id",
        word_wheel("employer").draw(rng, n).alias("employer_name"),
        sometimes(rng, word_wheel("occupation").draw(rng, n), 0.2).alias("occupation"),
        phone_text(pl.Series(sometimes(rng, draw_phones(rng, where["area"].to_numpy()), 0.3))).alias("work_phone"),
        sometimes(rng, where["city"], 0.02).alias("city"),
        where["state"],
        yes_no(chance(rng, n, 0.12)).alias("corporate_plan"),
        sometimes(rng, dates(hired).cast(pl.String), 0.45).alias("hire_date"),
        sometimes(rng, dates(days_after(rng, chunk.as_of, hired + 60, 2500)).cast(pl.String), 0.85).alias("end_date"),
        moments(days_after(rng, chunk.as_of, rows["registered"].to_numpy(), 500), any_seconds(rng, n)).alias(
            "last_updated"
        ),
    )


def _referral_sources(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_referral_sources")
    rows = _subset(chunk, rng, "patient_referral_sources")
    n = len(rows)
    source = word_wheel("referral_source").draw(rng, n)
    personal = source.is_in(["Friend or family", "Existing patient", "Physician referral", "word of mouth"]).to_numpy()
    people = pl.select(pl.format("{} {}", rows["first_name"], rows["last_name"])).to_series()
    someone = people.gather(rng.permutation(n))
    return rows.select(
        pl.Series("patient_referral_id", chunk.take_keys("patient_referral_sources", n)),
        "patient_id",
        sometimes(rng, draw_keys(rng, chunk, "referral_sources", "referral_source_id", n), 0.1).alias(
            "referral_source_id"
        ),
        sometimes(rng, source, 0.13).alias("source_text"),
        blanked(someone, ~(personal & chance(rng, n, 0.6))).alias("referred_by"),
        sometimes(rng, word_wheel("campaign").draw(rng, n), 0.8).alias("campaign"),
        sometimes(rng, dates(rows["registered"].to_numpy()), 0.05).alias("referral_date"),
        yes_no(chance(rng, n, 0.95)).alias("is_primary"),
        moments(days_after(rng, chunk.as_of, rows["registered"].to_numpy(), 30), any_seconds(rng, n)).alias(
            "last_updated"
        ),
    )


def _custom_fields(chunk: Chunk) -> pl.DataFrame:
    """Values of the extras: a choice out of the options, a number, a date, a flag or a word."""
    rng = chunk.rng("patient_custom_fields")
    rows = registrations(chunk)
    n = chunk.rows_for("patient_custom_fields")
    at = np.sort(rng.integers(0, len(rows), n))
    defs = clinic_table("custom_fields")
    which = Wheel(list(range(len(defs))), defs["weight"].to_numpy()).indices(rng, n)
    day = days_after(rng, chunk.as_of, rows["registered"].to_numpy()[at], 400)
    kind = defs["field_type"].to_numpy()[which]
    value = np.full(n, "", dtype=object)
    for number, options in enumerate(defs["options"].to_list()):
        mine = which == number
        if options:
            value[mine] = pick(rng, int(mine.sum()), options.split("|")).to_numpy()
    number = kind == "number"
    value[number] = rng.integers(0, 60, int(number.sum())).astype(str)
    dated = kind == "date"
    value[dated] = dates(day - rng.integers(1, 900, n)).cast(pl.String).to_numpy()[dated]
    flag = kind == "flag"
    value[flag] = pick(rng, int(flag.sum()), {"Y": 45, "N": 45, "1": 5, "0": 5}).to_numpy()
    return pl.DataFrame(
        {
            "patient_field_id": chunk.take_keys("patient_custom_fields", n),
            "patient_id": rows["patient_id"].gather(at),
            "field_def_id": chunk.reference["patient_custom_field_defs"]["field_def_id"].gather(which),
            "field_value": sometimes(rng, pl.Series(values=value.tolist(), dtype=pl.String), 0.04),
            "entered_by": sometimes(rng, draw_users(rng, chunk, n), 0.3),
            "DateTStamp": moments(day, any_seconds(rng, n)),
        }
    )
