"""The ways in which one person comes to have two patient rows, each with its own change to the row.

Rows carry first_name, middle_name, last_name, suffix, birth_day, address columns, home_phone, mobile_phone, email, ssn.
The rows of one kind are few, so the letter by letter changes of names run in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl

from ennu_lib.clinic.people_contact import draw_addresses, draw_emails
from ennu_lib.clinic.people_draw import EPOCH, blanked, chance
from ennu_lib.clinic.people_names import family_names, nicknames
from ennu_lib.clinic.people_text import draw_phones, folded, garbled_series

Change = Callable[[np.random.Generator, pl.DataFrame], pl.DataFrame]
NEIGHBOURS = dict(zip("abcdefghijklmnoprstuvwxyz", "svxswdfygkjlknbipedarycusxu", strict=False))
ADDRESS_COLUMNS = ("address_line1", "address_line2", "city", "state", "zip_code", "area")


def typo(rng: np.random.Generator, word: str) -> str:
    """The word with one slip of the fingers: letters swapped, dropped, doubled or mistaken for a neighbour."""
    letters = [at for at in range(1, len(word) - 1) if word[at].isalpha() and word[at + 1].isalpha()]
    if not letters:
        return word + word[-1]
    at, slip = int(rng.choice(letters)), int(rng.integers(0, 4))
    if slip == 0 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if slip == 1 and len(word) > 3:
        return word[:at] + word[at + 1 :]
    if slip == 2:
        return word[: at + 1] + word[at:]
    return word[:at] + NEIGHBOURS.get(word[at].lower(), "e") + word[at + 1 :]


def mistyped_day(rng: np.random.Generator, birth: date) -> date:
    """A birth date with one figure wrong: the day turned round, or the year off by one, ten or a transposition."""
    turned = birth.day % 10 * 10 + birth.day // 10
    slip = int(rng.integers(0, 3))
    if slip == 0 and turned != birth.day and 1 <= turned <= 28:
        return birth.replace(day=turned)
    transposed = birth.year // 100 * 100 + birth.year % 10 * 10 + birth.year // 10 % 10
    if slip == 1 and transposed != birth.year and abs(transposed - birth.year) < 30 and 1930 < transposed < 2005:
        return _in_year(birth, transposed)
    return _in_year(birth, min(birth.year + int(rng.choice([-10, -1, 1, 10])), 2010))


def _in_year(birth: date, year: int) -> date:
    leap_day = birth.month == 2 and birth.day == 29
    return birth.replace(year=year, day=28 if leap_day else birth.day)


def day_and_month_swapped(birth: date) -> date:
    """The date as one reads it who writes the day first."""
    return birth.replace(day=birth.month, month=birth.day)


def _mapped_days(rows: pl.DataFrame, change: Callable[[date], date]) -> pl.DataFrame:
    days = [(change(EPOCH + timedelta(days=day)) - EPOCH).days for day in rows["birth_day"].to_list()]
    return rows.with_columns(pl.Series("birth_day", days, dtype=pl.Int64))


def _unchanged(_rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def _name_typo(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    in_first = chance(rng, len(rows), 0.5)
    first, last = rows["first_name"].to_list(), rows["last_name"].to_list()
    first = [typo(rng, word) if here else word for word, here in zip(first, in_first, strict=True)]
    last = [word if here else typo(rng, word) for word, here in zip(last, in_first, strict=True)]
    return rows.with_columns(pl.Series("first_name", first), pl.Series("last_name", last))


def _nickname(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    forms = nicknames()
    short = [str(rng.choice(forms[name])) for name in rows["first_name"].to_list()]
    return rows.with_columns(
        pl.Series("first_name", short, dtype=pl.String), pl.lit(None, pl.String).alias("middle_name")
    )


def _swapped_names(_rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("last_name").alias("first_name"), pl.col("first_name").alias("last_name"))


def _birth_date_typo(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    return _mapped_days(rows, lambda birth: mistyped_day(rng, birth))


def _birth_date_day_month(_rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    return _mapped_days(rows, day_and_month_swapped)


def _moved(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    n = len(rows)
    address = draw_addresses(rng, n)
    return rows.with_columns(
        *[address[name] for name in ADDRESS_COLUMNS],
        blanked(draw_phones(rng, address["area"].to_numpy()), chance(rng, n, 0.7)).alias("home_phone"),
    )


def _married_and_moved(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    n = len(rows)
    origin = np.where(chance(rng, n, 0.4), rows["origin"].to_numpy(), "anglo")
    spouse = family_names().column("name", family_names().draw(rng, origin))
    hyphen = pl.Series(chance(rng, n, 0.15))
    renamed = _moved(rng, rows).with_columns(pl.col("last_name").alias("maiden_name"), spouse.alias("spouse"))
    return renamed.with_columns(
        pl.when(hyphen).then(pl.format("{}-{}", "last_name", "spouse")).otherwise("spouse").alias("last_name"),
        pl.lit(None, pl.String).alias("suffix"),
    ).drop("spouse")


def _missing_fields(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """Registered in a hurry: a name, and either the birth date or a way to reach the person."""
    n = len(rows)
    no_birth = chance(rng, n, 0.3)
    gone = pl.Series(~no_birth)
    keep_address = pl.Series(no_birth | chance(rng, n, 0.3))
    return rows.with_columns(
        pl.when(keep_address).then(pl.col(name)).alias(name) for name in ("address_line1", "city", "state", "zip_code")
    ).with_columns(
        pl.when(gone).then("birth_day").alias("birth_day"),
        pl.when(pl.Series(chance(rng, n, 0.25))).then("email").alias("email"),
        *[pl.lit(None, pl.String).alias(name) for name in ("ssn", "middle_name", "address_line2")],
        pl.lit(None, pl.Int64).alias("home_phone"),
    )


def _contact_changed(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    year = (1970 + rows["birth_day"].to_numpy() // 365.25).astype(np.int64)
    moved = _moved(rng, rows)
    return moved.with_columns(
        pl.Series("mobile_phone", draw_phones(rng, moved["area"].to_numpy())),
        draw_emails(rng, rows["first_name"], rows["last_name"], year).alias("email"),
        pl.lit(None, pl.Int64).alias("home_phone"),
    )


def _accents_dropped(_rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """Typed without accents, apostrophes and hyphens, and the particle joined to the name: Delacruz."""
    particle = r"(?i)\b(de la|de los|van der|van den|von der|de|van|el|al)[ -]"
    joined = pl.col("last_name").str.replace_all(particle, "${1}").alias("last_name")
    plain = [
        folded(pl.col(name)).str.replace_all(r"['’]", "").str.replace_all("-", " ").alias(name)
        for name in ("first_name", "last_name")
    ]
    return rows.with_columns(joined).with_columns(plain)


def _mojibake_name(_rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(garbled_series(rows["first_name"]), garbled_series(rows["last_name"]))


CHANGES: dict[str, Change] = {
    "exact_reregistration": _unchanged,
    "name_typo": _name_typo,
    "nickname": _nickname,
    "swapped_names": _swapped_names,
    "birth_date_typo": _birth_date_typo,
    "birth_date_day_month": _birth_date_day_month,
    "married_and_moved": _married_and_moved,
    "missing_fields": _missing_fields,
    "contact_changed": _contact_changed,
    "accents_dropped": _accents_dropped,
    "mojibake_name": _mojibake_name,
    "merged_earlier": _unchanged,
}


def eligible(kind: str, persons: pl.DataFrame) -> np.ndarray:
    """Which persons can be registered a second time in this way."""
    birth = pl.from_epoch("birth_day", time_unit="d")
    spelling = pl.concat_str("first_name", "last_name")
    rules = {
        "nickname": pl.col("first_name").is_in(list(nicknames())),
        "birth_date_day_month": (birth.dt.day() <= 12) & (birth.dt.day() != birth.dt.month()),
        "married_and_moved": (pl.col("sex") == "F") & ~pl.col("last_name").str.contains(r"[ -]"),
        "accents_dropped": spelling.str.contains(r"[^\x00-\x7f]|['-]") | pl.col("last_name").str.contains(" "),
        "mojibake_name": spelling.str.contains(r"[^\x00-\x7f]"),
        "swapped_names": pl.col("first_name") != pl.col("last_name"),
    }
    if kind not in rules:
        return np.ones(len(persons), dtype=bool)
    return persons.select(rules[kind].alias("fits"))["fits"].to_numpy()
