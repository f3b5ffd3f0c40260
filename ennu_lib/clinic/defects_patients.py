"""Defects of names, dates, addresses, phones and email addresses, as decades of front desks leave them."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.defects_base import Damage, plants
from ennu_lib.clinic.people_draw import clinic_table, pick
from ennu_lib.clinic.people_params import DUPLICATE_KINDS
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_text import PHONE_STYLES, garbled_series, phone_text

DATE_STYLES = ("%m/%d/%Y", "%d-%b-%Y", "%m-%d-%Y", "%Y%m%d", "%b %d, %Y", "%-m/%-d/%Y", "%Y-%m-%dT00:00:00")
NO_NAMES = ["na", "null"]
SHARED_DEFAULT, MORE_THAN_BORN = "1970-01-01", 0.002
SENTINEL_BIRTHS = ["1900-01-01", SHARED_DEFAULT, "1753-01-01", "0001-01-01"]
ZERO_DATES = {"0000-00-00": 8, "00/00/0000": 2}
PLACEHOLDER_PHONES = [
    "000-000-0000",
    "999-999-9999",
    "123-456-7890",
    "(813) 555-0100",
    "555-0142",
    "none",
    "1111111111",
]
PLACEHOLDER_EMAILS = [
    "noemail@noemail.com",
    "none@none.com",
    "test@test.com",
    "na@na.com",
    "patient@example.com",
    "noemail@",
]
PLACEHOLDER_NAMES = ["UNKNOWN", "N/A", "BABY GIRL", "BABY BOY", "DO NOT USE", "NONE"]
TEST_NAMES = {"ZZTEST": 5, "TEST": 3, "ZZZ": 1, "XTEST2": 1, "DEMO": 1, "DUMMY": 1}
DEAD_DOMAINS = {
    "gmail.com": "gmial.com",
    "yahoo.com": "yaho.com",
    "hotmail.com": "hotmial.com",
    "icloud.com": "iclod.com",
}
SEX_SPELLINGS = {"M": ["Male", "male", "m", "0", "MALE"], "F": ["Female", "female", "f", "1", "FEMALE"]}
LANGUAGE_SPELLINGS = {
    "English": ["en", "ENG", "english", "eng"],
    "Spanish": ["es", "SPA", "spanish", "Español"],
    "Vietnamese": ["vi", "VIE"],
    "Chinese": ["zh", "Mandarin"],
    "Arabic": ["ar", "ARA"],
    "French": ["fr", "FRE"],
}
MINORITY_OF_SPELLINGS = 5


def respelled(values: pl.Series, spellings: dict[str, list[str]], rng: np.random.Generator) -> pl.Series:
    """Each value in one of its other spellings; values without any stay."""
    nth = pl.Series(rng.integers(0, MINORITY_OF_SPELLINGS * 12, len(values)))
    choices = values.replace_strict(
        list(spellings), list(spellings.values()), default=None, return_dtype=pl.List(pl.String)
    )
    return pl.select(pl.coalesce(choices.list.get(nth % choices.list.len()), values)).to_series()


def iso_days(damage: Damage, column: str) -> pl.Series:
    """The dates of a text column that are written as YYYY-MM-DD; NULL for all others."""
    return damage.columns[column].str.to_date("%Y-%m-%d", strict=False)


@plants("date_spelling")
def date_spelling(damage: Damage, column: str, rate: float) -> None:
    """Dates in other orders and with month names."""
    days = iso_days(damage, column)
    at = damage.rows(column, days.is_not_null(), rate)
    chosen = days.gather(at)
    style = pl.Series(damage.rng.integers(0, len(DATE_STYLES), len(at)))
    forms = [chosen.dt.strftime(form) for form in DATE_STYLES]
    text = forms[0]
    for number, form in enumerate(forms[1:], start=1):
        text = pl.select(pl.when(style == number).then(form).otherwise(text)).to_series()
    damage.put(column, at, text, "date_spelling")


@plants("two_digit_year")
def two_digit_year(damage: Damage, column: str, rate: float) -> None:
    """Years of two figures: 03/14/62."""
    days = iso_days(damage, column)
    at = damage.rows(column, days.is_not_null(), rate)
    damage.put(column, at, days.gather(at).dt.strftime("%m/%d/%y"), "two_digit_year")


@plants("zero_date_text")
def zero_date_text(damage: Damage, column: str, rate: float) -> None:
    """A date of zeros where there should be none at all."""
    at = damage.rows(column, damage.columns[column].is_null(), rate)
    damage.put(column, at, pick(damage.rng, len(at), ZERO_DATES), "zero_date_text")


@plants("sentinel_birth_date")
def sentinel_birth_date(damage: Damage, column: str, rate: float) -> None:
    """The old system's defaults instead of a birth date.

    1970 is one only where more patients share its first day than were born on it; a single one cannot be told.
    """
    at = damage.rows(column, iso_days(damage, column).is_not_null(), rate)
    days = pick(damage.rng, len(at), SENTINEL_BIRTHS)
    if (days == SHARED_DEFAULT).sum() <= MORE_THAN_BORN * len(damage.frame):
        days = days.replace(SHARED_DEFAULT, SENTINEL_BIRTHS[0])
    damage.put(column, at, days, "sentinel_birth_date")


@plants("future_birth_date")
def future_birth_date(damage: Damage, column: str, rate: float) -> None:
    """A birth date after today: the century mistaken, or the year of an appointment."""
    days = iso_days(damage, column)
    at = damage.rows(column, days.is_not_null() & (days.dt.year() >= 1927), rate)
    damage.put(column, at, days.gather(at).dt.offset_by("100y").dt.strftime("%Y-%m-%d"), "future_birth_date")


@plants("phone_spelling")
def phone_spelling(damage: Damage, column: str, rate: float) -> None:
    """Phones in every format but the usual one, some with an extension."""
    digits = damage.columns[column].str.extract_all(r"\d").list.join("")
    at = damage.rows(column, digits.str.len_chars() == 10, rate)
    number = digits.gather(at)
    style = pl.Series(damage.rng.integers(1, len(PHONE_STYLES) + 1, len(at)))
    text = pl.select(
        pl.format("{} x{}", phone_text(pl.lit(number)), pl.Series(damage.rng.integers(10, 999, len(at))))
    ).to_series()
    for place, form in enumerate(PHONE_STYLES[1:], start=1):
        text = pl.select(pl.when(style == place).then(phone_text(pl.lit(number), form)).otherwise(text)).to_series()
    damage.put(column, at, text, "phone_spelling")


@plants("placeholder_phone")
def placeholder_phone(damage: Damage, column: str, rate: float) -> None:
    """Numbers that stand for no number."""
    at = damage.rows(column, damage.filled(column), rate)
    damage.put(column, at, pick(damage.rng, len(at), PLACEHOLDER_PHONES), "placeholder_phone")


@plants("placeholder_email")
def placeholder_email(damage: Damage, column: str, rate: float) -> None:
    """Addresses that stand for no address."""
    at = damage.rows(column, damage.filled(column), rate)
    damage.put(column, at, pick(damage.rng, len(at), PLACEHOLDER_EMAILS), "placeholder_email")


@plants("broken_email")
def broken_email(damage: Damage, column: str, rate: float) -> None:
    """Addresses that mail cannot reach: no @, doubled dots, a comma, a blank, a mistyped provider."""
    at = damage.rows(column, damage.columns[column].str.contains("@"), rate)
    mail = damage.columns[column].gather(at)
    wrong = [
        mail.str.replace("@", ""),
        mail.str.replace("@", "@@"),
        mail.str.replace(r"\.([a-z]+)$", "..$1"),
        mail.str.replace(r"\.([a-z]+)$", ",$1"),
        mail.str.replace("@", " @"),
        mail.str.replace_many(list(DEAD_DOMAINS), list(DEAD_DOMAINS.values())),
    ]
    kind = pl.Series(damage.rng.integers(0, len(wrong), len(at)))
    text = wrong[0]
    for number, form in enumerate(wrong[1:], start=1):
        text = pl.select(pl.when((kind == number) & (form != mail)).then(form).otherwise(text)).to_series()
    damage.put(column, at, text, "broken_email")


@plants("email_case")
def email_case(damage: Damage, column: str, rate: float) -> None:
    """Capitals and blanks around addresses that are right otherwise."""
    at = damage.rows(column, damage.columns[column].str.contains("@"), rate)
    mail = damage.columns[column].gather(at)
    upper = pl.Series(damage.rng.random(len(at)) < 0.6)
    damage.put(
        column,
        at,
        pl.select(pl.when(upper).then(mail.str.to_uppercase()).otherwise(mail + " ")).to_series(),
        "email_case",
    )


@plants("gender_spelling")
def gender_spelling(damage: Damage, column: str, rate: float) -> None:
    """Sex as word, letter or figure of older systems."""
    at = damage.rows(column, damage.columns[column].is_in(list(SEX_SPELLINGS)), rate)
    damage.put(column, at, respelled(damage.columns[column].gather(at), SEX_SPELLINGS, damage.rng), "gender_spelling")


@plants("language_spelling")
def language_spelling(damage: Damage, column: str, rate: float) -> None:
    """Languages as codes and in their own name."""
    at = damage.rows(column, damage.columns[column].is_in(list(LANGUAGE_SPELLINGS)), rate)
    damage.put(
        column, at, respelled(damage.columns[column].gather(at), LANGUAGE_SPELLINGS, damage.rng), "language_spelling"
    )


def _state_names() -> dict[str, list[str]]:
    states = clinic_table("regions").filter(pl.col("kind") == "state").select("code", "name")
    return {
        code: [name, name.upper(), code.lower(), f"{code[0]}.{code[1]}.", f"{name} "]
        for code, name in states.iter_rows()
    }


@plants("state_spelling")
def state_spelling(damage: Damage, column: str, rate: float) -> None:
    """States as names, in small letters or with full stops."""
    names = _state_names()
    at = damage.rows(column, damage.columns[column].is_in(list(names)), rate)
    damage.put(column, at, respelled(damage.columns[column].gather(at), names, damage.rng), "state_spelling")


@plants("zip_lost_zero")
def zip_lost_zero(damage: Damage, column: str, rate: float) -> None:
    """A spreadsheet took the leading zeros for a number's."""
    at = damage.rows(column, damage.columns[column].str.starts_with("0"), rate)
    damage.put(column, at, damage.columns[column].gather(at).str.strip_chars_start("0"), "zip_lost_zero")


@plants("zip_spelling")
def zip_spelling(damage: Damage, column: str, rate: float) -> None:
    """Nine figures without a dash, or a trailing dash."""
    at = damage.rows(column, damage.columns[column].str.len_chars() == 5, rate)
    code = damage.columns[column].gather(at)
    more = pl.Series(damage.rng.integers(1000, 9999, len(at))).cast(pl.String)
    nine = pl.Series(damage.rng.random(len(at)) < 0.75)
    text = pl.select(pl.when(nine).then(code + more).otherwise(code + "-")).to_series()
    truth = pl.select(pl.when(nine).then(code + "-" + more).otherwise(code)).to_series()
    damage.put(column, at, text, "zip_spelling", truth)


@plants("zip_state_mismatch")
def zip_state_mismatch(damage: Damage, column: str, rate: float) -> None:
    """Another state than the ZIP code's."""
    states = clinic_table("places")["state"].unique().sort()
    at = damage.rows(
        column, damage.columns[column].is_in(states.implode()) & damage.columns["zip_code"].is_not_null(), rate
    )
    position = {state: number for number, state in enumerate(states)}
    old = damage.columns[column].gather(at).replace_strict(position, return_dtype=pl.Int64).to_numpy()
    other = (old + damage.rng.integers(1, len(states), len(at))) % len(states)
    damage.put(column, at, states.gather(other), "zip_state_mismatch")


@plants("name_case")
def name_case(damage: Damage, column: str, rate: float) -> None:
    """Names all in capitals or all in small letters, but for those of which nothing is left then: `NA` is no name."""
    name = damage.columns[column]
    at = damage.rows(column, (name.str.len_chars() > 1) & ~name.str.to_lowercase().is_in(NO_NAMES), rate)
    name = damage.columns[column].gather(at)
    upper = pl.Series(damage.rng.random(len(at)) < 0.75)
    damage.put(
        column,
        at,
        pl.select(pl.when(upper).then(name.str.to_uppercase()).otherwise(name.str.to_lowercase())).to_series(),
        "name_case",
    )


@plants("name_whitespace")
def name_whitespace(damage: Damage, column: str, rate: float) -> None:
    """Blanks before, after or doubled inside."""
    at = damage.rows(column, damage.columns[column].str.len_chars() > 1, rate)
    name = damage.columns[column].gather(at)
    kind = pl.Series(damage.rng.integers(0, 3, len(at)))
    inner = name.str.replace(" ", "  ")
    text = (
        pl.when(kind == 0)
        .then(name + "  ")
        .when((kind == 1) & (inner != name))
        .then(inner)
        .otherwise(pl.lit(" ") + pl.lit(name))
    )
    damage.put(column, at, pl.select(text).to_series(), "name_whitespace")


@plants("name_mojibake")
def name_mojibake(damage: Damage, column: str, rate: float) -> None:
    """UTF-8 that an old import read as Windows-1252."""
    at = damage.rows(column, damage.columns[column].str.contains(r"[^\x00-\x7f]"), rate)
    damage.put(column, at, garbled_series(damage.columns[column].gather(at)), "name_mojibake")


def _nobody_elses(damage: Damage) -> np.ndarray:
    """Rows of patients who are neither registered twice nor a trap, so that wiping their name hides no truth."""
    kinds = registrations(damage.chunk)["kind"]
    return ~kinds.is_in([*DUPLICATE_KINDS, "original"]).to_numpy() & ~kinds.str.ends_with("_trap").to_numpy()


@plants("name_placeholder")
def name_placeholder(damage: Damage, column: str, rate: float) -> None:
    """Words that stand for no name."""
    at = damage.rows(column, damage.filled(column) & _nobody_elses(damage), rate)
    damage.put(column, at, pick(damage.rng, len(at), PLACEHOLDER_NAMES), "name_placeholder")


@plants("test_patient")
def test_patient(damage: Damage, column: str, rate: float) -> None:
    """Rows made for training and tests."""
    at = damage.rows(column, damage.filled(column) & _nobody_elses(damage), rate)
    damage.put("patient_status", at, pl.Series(["test"] * len(at), dtype=pl.String), "test_patient")
    damage.put("first_name", at, pick(damage.rng, len(at), ["Test", "Training", "TEST", "Patient"]), "test_patient")
    damage.put(column, at, pick(damage.rng, len(at), TEST_NAMES), "test_patient")


@plants("swapped_fields")
def swapped_fields(damage: Damage, columns: str, rate: float) -> None:
    """Two values, each in the other's column; `columns` names both with a plus sign between them."""
    one, other = columns.split("+")
    frame = damage.frame
    able = (
        frame[one].is_not_null()
        & frame[other].is_not_null()
        & (frame[one].cast(pl.String) != frame[other].cast(pl.String))
    ).to_numpy()
    if one == "first_name":
        able &= _nobody_elses(damage)
    at = np.intersect1d(damage.rows(one, able, rate), damage.rows(other, able, 1.0))
    first, second = frame[one].gather(at), frame[other].gather(at)
    damage.put(one, at, second.cast(first.dtype), "swapped_fields")
    damage.put(other, at, first.cast(second.dtype), "swapped_fields")
