"""Places: regions, languages, ZIP codes, the clinic's own sites with their time zones, pharmacies."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from ennu_lib.clinic.check_digits import npis
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import numbered, real_first, yes_no
from ennu_lib.clinic.people_draw import Wheel, blanked, chance, clinic_table, pick, sometimes, word_wheel

CENTRE = {"latitude": 39.5, "longitude": -98.4}


def regions(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`states_countries`: states, territories, military regions and countries; all real, so fewer than planned."""
    frame = clinic_table("regions").select(
        pl.col("code").alias("region_code"),
        "name",
        "kind",
        "parent",
        "phone_prefix",
        pl.when(pl.col("kind") == "country").then(pl.lit("N")).otherwise(pl.lit("Y")).alias("show"),
    )
    return {"states_countries": frame}


def languages(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`languages`."""
    listed = clinic_table("languages")
    return {
        "languages": listed.select(
            pl.Series("language_id", values=chunk.take_keys("languages", listed.height)),
            "iso_code",
            "name",
            pl.col("native_name"),
            (pl.col("rtl") == "1").alias("is_rtl"),
            pl.Series("show", values=np.where(np.arange(listed.height) < 12, "Y", "N")),
        )
    }


def postal_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`postal_codes`: the towns where patients live, then invented five-digit codes inside real three-digit areas."""
    rng = chunk.rng("postal_codes")
    towns = clinic_table("places").unique("zip", keep="first", maintain_order=True)
    areas = _areas()
    real = (
        towns.select("zip", "city", "state", pl.col("zip").str.slice(0, 3).alias("area"))
        .join(areas.select("area", "state", "time_zone"), on=["area", "state"], how="left", maintain_order="left")
        .drop("area")
    )
    rows = chunk.rows_for("postal_codes")
    frame = real_first(real, lambda lacking: _invented_zips(rng, lacking, areas), rows, "zip")
    n = frame.height
    return {
        "postal_codes": frame.with_columns(
            sometimes(rng, word_wheel("street").draw(rng, n) + " County", 0.1).alias("county"),
            sometimes(rng, _near(rng, CENTRE["latitude"], 8, n), 0.05).alias("latitude"),
            sometimes(rng, _near(rng, CENTRE["longitude"], 22, n), 0.05).alias("longitude"),
        )
    }


def _near(rng: np.random.Generator, middle: float, reach: float, n: int) -> pl.Series:
    return pl.Series(values=np.round(rng.uniform(middle - reach, middle + reach, n), 4))


def _areas() -> pl.DataFrame:
    """Every three-digit ZIP area with its state and time zone."""
    ranges = clinic_table("zip_prefixes").with_columns(
        pl.int_ranges(pl.col("low").cast(int), pl.col("high").cast(int) + 1).alias("area")
    )
    spread = ranges.explode("area").with_columns(pl.col("area").cast(pl.String).str.zfill(3))
    return spread.unique("area", keep="first", maintain_order=True).select("area", "state", "city", "time_zone")


def _invented_zips(rng: np.random.Generator, rows: int, areas: pl.DataFrame) -> pl.DataFrame:
    numbers = np.arange(rows, dtype=np.int64)
    chosen = areas[numbers % areas.height]
    last_two = pl.Series(values=numbers // areas.height * 7 % 100).cast(pl.String).str.zfill(2)
    suffix = pick(rng, rows, {"": 5, " Heights": 1, " Park": 1, " Beach": 1, " Springs": 1})
    return chosen.select(
        (pl.col("area") + last_two).alias("zip"), (pl.col("city") + suffix).alias("city"), "state", "time_zone"
    ).unique("zip", keep="first", maintain_order=True)


def facilities(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`facilities`: the clinic's sites; each has the IANA time zone in which its local times are kept."""
    rng = chunk.rng("facilities")
    towns = clinic_table("places").unique("zip", keep="first", maintain_order=True)
    sites = clinic_table("facilities").join(towns, on="zip", how="left", maintain_order="left")
    n = sites.height
    phone = "(" + sites["area_code"] + ") 555-01" + pl.Series(values=np.arange(n)).cast(pl.String).str.zfill(2)
    fax = "(" + sites["area_code"] + ") 555-01" + pl.Series(values=np.arange(50, 50 + n)).cast(pl.String)
    return {
        "facilities": sites.select(
            pl.Series("facility_id", values=chunk.take_keys("facilities", n)),
            "name",
            "code",
            "facility_type",
            pl.col("address").alias("address_line1"),
            sometimes(rng, "Suite " + pl.Series(values=rng.integers(100, 900, n)).cast(pl.String), 0.5).alias(
                "address_line2"
            ),
            "city",
            "state",
            pl.col("zip").alias("zip_code"),
            phone.alias("phone"),
            fax.alias("fax"),
            "time_zone",
            npis(rng.choice(90_000_000, n, replace=False) + 180_000_000).alias("npi"),
            "place_of_service",
            pl.col("opened_on").str.to_date(),
            pl.col("closed_on").str.to_date(),
            pl.when(pl.col("closed_on").is_null()).then(pl.lit("Y")).otherwise(pl.lit("N")).alias("is_active"),
            pl.lit(datetime(2026, 3, 2, 8, 0)).alias("last_updated"),
        )
    }


def pharmacies(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`pharmacies`."""
    rng = chunk.rng("pharmacies")
    n = chunk.rows_for("pharmacies")
    towns = clinic_table("places")
    town = towns[Wheel(towns["zip"], towns["weight"].to_numpy()).indices(rng, n)]
    street = word_wheel("street").draw(rng, n)
    number = pl.Series(values=rng.integers(1, 9_900, n)).cast(pl.String)
    compounding = chance(rng, n, 0.06)
    brand = pick(rng, n, {"Corner": 3, "Family": 3, "Care": 3, "Community": 2, "Medical Arts": 1, "Neighborhood": 2})
    return {
        "pharmacies": pl.DataFrame(
            {
                "pharmacy_id": chunk.take_keys("pharmacies", n),
                "name": street + " " + brand + np.where(compounding, " Compounding Pharmacy", " Pharmacy"),
                "ncpdp_id": sometimes(rng, numbered("", rng.choice(9_000_000, n, replace=False), 7), 0.05),
                "address_line1": sometimes(
                    rng, number + " " + street + " " + pick(rng, n, ["St", "Ave", "Blvd", "Rd"]), 0.02
                ),
                "city": town["city"],
                "state": town["state"],
                "zip_code": town["zip"],
                "phone": _office_phone(rng, town["area_code"], 0.05),
                "fax": _office_phone(rng, town["area_code"], 0.3),
                "is_compounding": yes_no(compounding),
                "is_mail_order": yes_no(chance(rng, n, 0.04)),
                "last_updated": pl.Series(values=[datetime(2025, 12, 1, 7, 15)]).new_from_index(0, n),
            }
        )
    }


def _office_phone(rng: np.random.Generator, area: pl.Series, null_share: float) -> pl.Series:
    n = len(area)
    line = pl.Series(values=rng.integers(0, 10_000, n)).cast(pl.String).str.zfill(4)
    exchange = pl.Series(values=rng.integers(200, 1_000, n)).cast(pl.String)
    return blanked(area + "-" + exchange + "-" + line, chance(rng, n, null_share))


REFERENCE = [regions, languages, postal_codes, facilities, pharmacies]
