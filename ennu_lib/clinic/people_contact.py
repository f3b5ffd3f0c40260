"""Addresses, phones, email addresses and social security numbers of persons and their households."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import Wheel, blanked, chance, clinic_table, word_wheel
from ennu_lib.clinic.people_text import draw_phones, email_word

EMAIL_STYLES = (
    pl.format("{}.{}{}", "f", "l", pl.col("n") % 1000),
    pl.format("{}{}{}", pl.col("f").str.slice(0, 1), "l", "yy"),
    pl.format("{}_{}{}", "f", "l", "yy"),
    pl.format("{}{}{}", "f", "l", pl.col("n") % 10000),
    pl.format("{}{}", "f", pl.col("n") % 100_000),
    pl.format("{}.{}{}", "l", "f", "yy"),
)


@lru_cache(maxsize=1)
def places() -> tuple[pl.DataFrame, Wheel]:
    """Cities with ZIP codes and area codes, and the wheel that draws rows of them."""
    frame = clinic_table("places")
    return frame, Wheel(np.arange(len(frame)).tolist(), frame["weight"].to_numpy())


def draw_addresses(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """`n` addresses whose city, state, ZIP code and area code belong together.

    Columns: address_line1, address_line2, city, state, zip_code, area (integer).
    """
    frame, wheel = places()
    place = frame[wheel.indices(rng, n)]
    number = rng.integers(1, 60, n) * rng.choice([1, 10, 100, 101], n, p=[0.1, 0.25, 0.3, 0.35]) + rng.integers(
        1, 60, n
    )
    words = pl.DataFrame(
        {
            "number": number,
            "side": Wheel(["", "N ", "S ", "E ", "W ", "NW "], [70, 7, 7, 6, 7, 3]).draw(rng, n),
            "street": word_wheel("street").draw(rng, n),
            "type": word_wheel("street_type").draw(rng, n),
            "unit": word_wheel("unit").draw(rng, n),
            "door": rng.integers(1, 40, n) * rng.choice([1, 10, 101], n),
        }
    )
    lives_in_flat = pl.Series(chance(rng, n, 0.19))
    return words.select(
        pl.format("{} {}{} {}", "number", "side", "street", "type").alias("address_line1"),
        pl.when(lives_in_flat).then(pl.format("{} {}", "unit", "door").str.replace("# ", "#")).alias("address_line2"),
        place["city"],
        place["state"],
        place["zip"].alias("zip_code"),
        place["area_code"].cast(pl.Int64).alias("area"),
    )


def draw_emails(rng: np.random.Generator, first: pl.Series, last: pl.Series, birth_year: np.ndarray) -> pl.Series:
    """Email addresses that people of these names would choose."""
    n = len(first)
    frame = pl.DataFrame({"first": first, "last": last, "n": rng.integers(1, 1_000_000, n), "year": birth_year})
    frame = frame.with_columns(
        email_word(pl.col("first")).alias("f"),
        email_word(pl.col("last")).alias("l"),
        (pl.col("year") % 100).cast(pl.String).str.zfill(2).alias("yy"),
        word_wheel("email_domain").draw(rng, n).alias("domain"),
        pl.Series("style", Wheel(list(range(6)), [30, 22, 12, 16, 12, 8]).indices(rng, n)),
    )
    local = pl.when(pl.col("style") == 0).then(EMAIL_STYLES[0])
    for number, style in enumerate(EMAIL_STYLES[1:], start=1):
        local = local.when(pl.col("style") == number).then(style)
    return frame.select(pl.format("{}@{}", local, "domain")).to_series()


def draw_ssns(rng: np.random.Generator, n: int) -> pl.Series:
    """Social security numbers in the form AAA-GG-SSSS, none of a never-issued area, group or serial."""
    area = rng.integers(1, 899, n)
    area = np.where(area == 666, 667, area)
    parts = pl.DataFrame({"a": area, "g": rng.integers(1, 100, n), "s": rng.integers(1, 10_000, n)})
    text = [pl.col(c).cast(pl.String).str.zfill(w) for c, w in (("a", 3), ("g", 2), ("s", 4))]
    return parts.select(pl.format("{}-{}-{}", *text)).to_series()


def household_contacts(chunk: Chunk, persons: pl.DataFrame) -> pl.DataFrame:
    """Adds address_*, city, state, zip_code, area, home_phone, mobile_phone, email and ssn to the persons.

    Housemates share address and landline, some share one mailbox.
    """
    rng = chunk.rng("people.contacts")
    n = len(persons)
    household = persons["household"].to_numpy()
    first_of_house = np.searchsorted(household, household)
    houses = int(household[-1]) + 1
    address = draw_addresses(rng, houses)[household]
    landline = draw_phones(rng, address["area"].to_numpy())[first_of_house]
    from_elsewhere = chance(rng, n, 0.22)
    area = np.where(from_elsewhere, draw_addresses(rng, n)["area"].to_numpy(), address["area"].to_numpy())
    years = 1970 + persons["birth_day"].to_numpy() // 365.25
    own_mail = draw_emails(rng, persons["first_name"], persons["last_name"], years.astype(np.int64))
    shares_mail = chance(rng, houses, 0.13)[household] | (
        persons["role"].is_in(["child", "parent"]).to_numpy() & chance(rng, n, 0.6)
    )
    mail = own_mail.gather(np.where(shares_mail, first_of_house, np.arange(n)))
    has_landline = chance(rng, houses, 0.36)[household]
    return pl.concat([persons, address], how="horizontal").with_columns(
        blanked(landline, ~has_landline).alias("home_phone"),
        blanked(draw_phones(rng, area), chance(rng, n, 0.05)).alias("mobile_phone"),
        blanked(mail, chance(rng, n, 0.1)).alias("email"),
        blanked(draw_ssns(rng, n), chance(rng, n, 0.42)).alias("ssn"),
    )
