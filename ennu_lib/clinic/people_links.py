"""Addresses, phones, email addresses, former names and emergency contacts of the patients."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_contact import draw_addresses
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
    word_wheel,
)
from ennu_lib.clinic.people_duplicates import typo
from ennu_lib.clinic.people_names import draw_given, given_names, nicknames
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_text import draw_phones, phone_text

YES_NO = {True: "Y", False: "N"}


def yes_no(flags: np.ndarray | pl.Series) -> pl.Series:
    """Y and N for booleans."""
    return pl.Series(values=flags).replace_strict(YES_NO, return_dtype=pl.String)


def contact_tables(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """patient_addresses, patient_phones, patient_emails, patient_emergency_contacts and patient_aliases."""
    return {
        "patient_addresses": _addresses(chunk),
        "patient_phones": _phones(chunk),
        "patient_emails": _emails(chunk),
        "patient_emergency_contacts": _emergency_contacts(chunk),
        "patient_aliases": _aliases(chunk),
    }


def _stamps(rng: np.random.Generator, chunk: Chunk, first: np.ndarray) -> pl.Series:
    """Times of the last change, somewhere between a first day and today."""
    today = day_number(chunk.as_of)
    span = np.maximum(today - first, 1)
    return moments(first + (span * rng.random(len(first)) ** 2).astype(np.int64), any_seconds(rng, len(first)))


def _addresses(chunk: Chunk) -> pl.DataFrame:
    """The home of every patient, then former homes and offices of some."""
    rng = chunk.rng("patient_addresses")
    rows = registrations(chunk)
    home = rows.filter(pl.col("address_line1").is_not_null() & pl.col("city").is_not_null())
    extra = max(chunk.rows_for("patient_addresses") - len(home), 0)
    more = rows[sample(rng, len(rows), extra)].drop("address_line1", "address_line2", "city", "state", "zip_code")
    more = pl.concat([more, draw_addresses(rng, len(more)).drop("area")], how="horizontal")
    both = pl.concat(
        [
            home.with_columns(kind_of=pl.lit("home")),
            more.with_columns(kind_of=pick(rng, len(more), {"previous": 6, "work": 2, "mailing": 2})),
        ],
        how="diagonal_relaxed",
    )
    n = len(both)
    former = both["kind_of"] == "previous"
    since = both["registered"].to_numpy() - (former.to_numpy() * rng.integers(200, 3000, n))
    until = since + rng.integers(100, 2000, n)
    return both.select(
        pl.Series("address_id", chunk.take_keys("patient_addresses", n)),
        "patient_id",
        pl.col("kind_of").alias("address_type"),
        "address_line1",
        "address_line2",
        "city",
        "state",
        "zip_code",
        sometimes(rng, pick(rng, n, {"USA": 7, "US": 3}), 0.3).alias("country"),
        sometimes(rng, dates(since), 0.08).alias("valid_from"),
        blanked(dates(np.minimum(until, day_number(chunk.as_of))), ~former.to_numpy()).alias("valid_to"),
        yes_no(~former).alias("is_current"),
        _stamps(rng, chunk, np.maximum(since, both["registered"].to_numpy())).alias("last_updated"),
    )


def _phones(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_phones")
    rows = registrations(chunk)
    home = rows.filter(pl.col("home_phone").is_not_null()).with_columns(number="home_phone", type=pl.lit("home"))
    mobile = rows.filter(pl.col("mobile_phone").is_not_null()).with_columns(
        number="mobile_phone", type=pl.lit("mobile")
    )
    extra = max(chunk.rows_for("patient_phones") - len(home) - len(mobile), 0)
    work = rows[sample(rng, len(rows), extra)]
    numbers = draw_phones(rng, work["area"].fill_null(813).to_numpy())
    work = work.with_columns(
        pl.Series("number", numbers), pick(rng, len(work), {"work": 8, "fax": 1, "home": 3}).alias("type")
    )
    every = pl.concat([home, mobile, work]).sort("patient_id", maintain_order=True)
    n = len(every)
    at_work = (every["type"] == "work").to_numpy()
    extension = blanked(pl.Series(rng.integers(100, 9999, n)).cast(pl.String), ~(at_work & chance(rng, n, 0.25)))
    return every.select(
        pl.Series("phone_id", chunk.take_keys("patient_phones", n)),
        "patient_id",
        pl.col("type").alias("phone_type"),
        phone_text(pl.col("number")).alias("phone_number"),
        extension.alias("extension"),
        (pl.int_range(pl.len()).over("patient_id") + 1).alias("order"),
        pl.when(pl.col("type") == "mobile")
        .then(pl.Series(sometimes(rng, yes_no(chance(rng, n, 0.8)), 0.05)))
        .otherwise(pl.lit("N"))
        .alias("sms_ok"),
        pl.Series("is_active", chance(rng, n, 0.93)),
        _stamps(rng, chunk, every["registered"].to_numpy()).alias("last_updated"),
    )


def _emails(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_emails")
    rows = registrations(chunk).filter(pl.col("email").is_not_null())
    extra = max(chunk.rows_for("patient_emails") - len(rows), 0)
    second = (
        rows[sample(rng, len(rows), extra)]
        .with_columns(
            pl.col("email").str.replace(r"@.*$", "").alias("local"),
            word_wheel("email_domain").draw(rng, min(extra, len(rows))).alias("domain"),
        )
        .with_columns(pl.format("{}{}@{}", "local", pl.lit("1"), "domain").alias("email"), is_primary=pl.lit("N"))
    )
    every = pl.concat([rows.with_columns(is_primary=pl.lit("Y")), second.select(*rows.columns, "is_primary")])
    n = len(every)
    return every.select(
        pl.Series("email_id", chunk.take_keys("patient_emails", n)),
        "patient_id",
        pl.col("email").alias("email_address"),
        sometimes(rng, pick(rng, n, {"personal": 9, "work": 1}), 0.08).alias("email_type"),
        "is_primary",
        pl.Series("verified", chance(rng, n, 0.62)),
        yes_no(chance(rng, n, 0.03)).alias("bounced"),
        _stamps(rng, chunk, every["registered"].to_numpy()).alias("last_updated"),
    )


def _emergency_contacts(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_emergency_contacts")
    rows = registrations(chunk).filter(pl.col("emergency_contact").is_not_null())
    rows = rows[sample(rng, len(rows), chunk.rows_for("patient_emergency_contacts"))]
    n = len(rows)
    second = draw_phones(rng, rows["area"].fill_null(813).to_numpy())
    return rows.select(
        pl.Series("contact_id", chunk.take_keys("patient_emergency_contacts", n)),
        "patient_id",
        pl.col("emergency_contact").alias("contact_name"),
        sometimes(rng, rows["emergency_relation"], 0.05).alias("relationship"),
        phone_text(pl.col("emergency_number")).alias("phone"),
        phone_text(pl.Series(blanked(second, chance(rng, n, 0.8)))).alias("phone_alt"),
        pl.lit(None, pl.String).alias("email"),
        pl.lit(1).alias("order"),
        _stamps(rng, chunk, rows["registered"].to_numpy()).alias("last_updated"),
    )


def _aliases(chunk: Chunk) -> pl.DataFrame:
    """Maiden names of the married, names in their own script, nicknames, and misspellings seen on old papers."""
    rng = chunk.rng("patient_aliases")
    rows = registrations(chunk).select(
        "patient_id",
        "first_name",
        "last_name",
        "maiden_name",
        "first_native",
        "last_native",
        "origin",
        "sex",
        "registered",
    )
    n = len(rows)
    maiden = rows.filter(pl.col("maiden_name").is_not_null() & pl.Series(chance(rng, n, 0.55)))
    maiden = maiden.with_columns(pl.col("maiden_name").alias("last_name"), alias_type=pl.lit("maiden"))
    native = rows.filter(pl.col("last_native").is_not_null() & pl.Series(chance(rng, n, 0.6)))
    native = native.with_columns(
        pl.coalesce("first_native", "first_name").alias("first_name"),
        pl.col("last_native").alias("last_name"),
        alias_type=pl.lit("legal"),
    )
    wanted = max(chunk.rows_for("patient_aliases") - len(maiden) - len(native), 0)
    others = rows[sample(rng, n, wanted)]
    other = pl.concat([maiden, native, _lesser_aliases(rng, others)], how="diagonal_relaxed")
    m = len(other)
    middle = given_names().column("name", draw_given(rng, other["origin"].to_numpy(), other["sex"].to_numpy()))
    ended = other["registered"].to_numpy() - rng.integers(0, 2500, m)
    former = other["alias_type"].is_in(["maiden", "former"]).to_numpy()
    return other.select(
        pl.Series("alias_id", chunk.take_keys("patient_aliases", m)),
        "patient_id",
        "alias_type",
        "first_name",
        sometimes(rng, middle, 0.8).alias("middle_name"),
        "last_name",
        blanked(dates(ended - rng.integers(2000, 9000, m)), ~former).alias("valid_from"),
        blanked(dates(ended), ~former).alias("valid_to"),
        sometimes(rng, pick(rng, m, ["driver license", "insurance card", "patient", "prior records"]), 0.2).alias(
            "source"
        ),
        moments(other["registered"].to_numpy(), any_seconds(rng, m)).alias("created_at"),
    )


def _lesser_aliases(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    forms = nicknames()
    kinds, firsts, lasts = [], [], []
    for first, last in rows.select("first_name", "last_name").iter_rows():
        if first in forms and rng.random() < 0.7:
            kinds.append("nickname"), firsts.append(forms[first][-1]), lasts.append(last)
        else:
            kinds.append("misspelling"), firsts.append(first), lasts.append(typo(rng, last))
    return rows.with_columns(
        pl.Series("alias_type", kinds, dtype=pl.String),
        pl.Series("first_name", firsts, dtype=pl.String),
        pl.Series("last_name", lasts, dtype=pl.String),
    )
