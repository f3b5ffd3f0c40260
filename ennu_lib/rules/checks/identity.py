"""Who a patient is: completeness, birth date, name, test records, duplicates (PAT-03 to PAT-06, PAT-12, PAT-16)."""

from __future__ import annotations

import datetime as dt
from functools import partial

import polars as pl

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.rules.name_order import EVIDENCE, NameWords, count_words, load_name_words, with_evidence
from ennu_lib.rules.parsing import day, filled, moment, says_nothing, typed_day, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import Tables

MOJIBAKE = r"[ÂÃÄÅâ][\x{80}-\x{bf}€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"


@checks("PAT-03")
def complete(tables: Tables, settings) -> list[Look]:
    """Name, birth date and sex say something; the default of an old system is no birth date."""
    columns = ["first_name", "last_name", "date_of_birth", "gender"]
    fails = {(column, "NO_NAME"): says_nothing(column) for column in ("first_name", "last_name")}
    no_day = pl.col("date_of_birth").str.strip_chars().str.slice(0, 10).is_in(NO_DATES)
    no_day |= _typed_default(tables)
    fails["date_of_birth", "NO_BIRTH_DATE"] = says_nothing("date_of_birth") | no_day.fill_null(False)
    fails["gender", "NO_SEX"] = says_nothing("gender")
    return [Look("patients", tables("patients", *columns), fails)]


def _typed_default(tables: Tables) -> pl.Expr:
    """A birth date typed in another form than YYYY-MM-DD that is the default of an old system all the same."""
    typed = typed_day("date_of_birth", tables.today, defaults=True)
    return typed.is_not_null() & typed_day("date_of_birth", tables.today).is_null()


@checks("PAT-04")
def birth_date(tables: Tables, settings) -> list[Look]:
    """A real day, no default of an old system, neither ahead nor too long ago; who is not of age is for the clinic to
    decide."""
    frame = tables("patients", "date_of_birth", "deceased_date").with_columns(
        born=typed_day("date_of_birth", tables.today), text=pl.col("date_of_birth").str.strip_chars().str.slice(0, 10)
    )
    often = settings["common_sentinel"]
    is_often = (pl.col("born") == pl.lit(often).str.to_date()).fill_null(False)
    sentinel = (
        pl.col("text").is_in(NO_DATES)
        | _typed_default(tables)
        | (is_often & (is_often.mean() > settings["common_share"]))
    )
    sentinel = sentinel.fill_null(False)
    earliest = max(dt.date(settings["earliest_year"], 1, 1), _years_before(tables.today, settings["oldest"] + 1))
    fails = {
        ("date_of_birth", "SENTINEL"): sentinel,
        ("date_of_birth", "NOT_A_DATE"): filled("date_of_birth")
        & pl.col("born").is_null()
        & ~sentinel
        & ~pl.col("text").str.contains(r"^0{2,4}[-/]0{2}[-/]0{2,4}$"),
        ("date_of_birth", "FUTURE"): pl.col("born") > tables.today,
        ("date_of_birth", "TOO_OLD"): (pl.col("born") <= earliest) & ~sentinel,
        ("date_of_birth", "MINOR"): (pl.col("born") > _years_before(tables.today, settings["of_age"]))
        & (pl.col("born") <= tables.today),
        ("date_of_birth", "AFTER_DEATH"): pl.col("born") > day("deceased_date"),
    }
    return [Look("patients", frame, fails, counts=filled("date_of_birth"))]


@checks("PAT-05")
def name_hygiene(tables: Tables, settings) -> list[Look]:
    """Letters, single blanks, mixed case, no placeholder, no wrongly decoded characters, each in its own column."""
    order = load_name_words(tables.params)
    words = tables.made("name_words", partial(_words, settings=order)).collect()
    frame = tables("patients", "first_name", "last_name", "city", "email_address", "emergency_contact")
    frame = with_evidence(frame, words, order, "first_name", "last_name", "email_address", "emergency_contact")
    sure, suspected = pl.col(EVIDENCE) >= order.sure, pl.col(EVIDENCE) >= order.suspected
    fails = {
        ("first_name", "SWAPPED_WITH_LAST"): sure,
        ("first_name", "PERHAPS_SWAPPED"): suspected & ~sure,
    }
    for column in ("first_name", "last_name", "city"):
        text = pl.col(column)
        fails[column, "MOJIBAKE"] = text.str.contains(MOJIBAKE)
        if column == "city":
            continue
        letters = text.str.replace_all(r"[^\p{L}]", "")
        one_case = (letters == letters.str.to_uppercase()) | (letters == letters.str.to_lowercase())
        placeholder = text.str.strip_chars().str.to_uppercase().is_in(settings["placeholders"])
        fails[column, "PLACEHOLDER"] = placeholder
        fails[column, "WHITESPACE"] = text.str.contains(r"^\s|\s$|\s\s")
        # Two capitals may be the initials of a given name; a family name has one at most.
        initials = settings["initials"] if column == "first_name" else 1
        fails[column, "CASE"] = one_case & (letters.str.len_chars() > initials) & ~placeholder
        fails[column, "NOT_A_NAME"] = text.str.contains(r"[0-9@]") & ~placeholder
        fails[column, "TOO_LONG"] = text.str.len_chars() > settings["longest"]
        fails[column, "NOT_NFC"] = text != text.str.normalize("NFC")
    return [Look("patients", frame, fails)]


def _words(tables: Tables, settings: NameWords) -> pl.LazyFrame:
    def table(name: str) -> pl.LazyFrame | None:
        return tables.file(f"source/{name}") if tables.has(name) else None

    return count_words(table, settings, tables.params / "identity" / "nicknames.csv").lazy()


@checks("PAT-06")
def test_records(tables: Tables, settings) -> list[Look]:
    """Records made for training and tests."""
    frame = tables("patients", "last_name", "patient_status")
    made_up = pl.col("last_name").str.strip_chars().str.to_uppercase().str.contains(settings["names"])
    return [Look("patients", frame, {("last_name", "TEST_RECORD"): made_up | (word("patient_status") == "test")})]


@checks("PAT-12")
def duplicates(tables: Tables, settings) -> list[Look]:
    """Certain duplicates only: same name and birth date with one of mailbox, mobile, ZIP; phase 03 decides the rest."""
    frame = tables(
        "patients",
        "patient_id",
        "first_name",
        "last_name",
        "date_of_birth",
        "email_address",
        "phone_mobile",
        "zip_code",
    ).with_columns(
        born=typed_day("date_of_birth", tables.today),
        given=_letters("first_name"),
        family=_letters("last_name"),
        mail=pl.col("email_address").str.strip_chars().str.to_lowercase(),
        mobile=pl.col("phone_mobile").str.replace_all(r"\D", "").str.slice(-10),
        zip5=pl.col("zip_code").str.zfill(5).str.slice(0, 5),
        number=pl.col("patient_id").cast(pl.Int64, strict=False),
    )
    frame = frame.filter(pl.col("born").is_not_null() & pl.col("family").is_not_null() & pl.col("given").is_not_null())
    again = [
        pl.col(same).is_not_null()
        & (pl.col(same).str.len_chars() >= 5)
        & (pl.col("number") > pl.col("number").min().over("given", "family", "born", same))
        for same in ("mail", "mobile", "zip5")
    ]
    return [Look("patients", frame, {("patient_id", "DUPLICATE"): pl.any_horizontal(again)})]


@checks("PAT-16")
def cross_fields(tables: Tables, settings) -> list[Look]:
    """Born before the first visit, no appointment after death, an emergency phone that is another one."""
    first = (
        tables("encounters", "patient_id", "encounter_date")
        .group_by("patient_id")
        .agg(moment("encounter_date").min().dt.date().alias("first_visit"))
    )
    held = tables("appointments", "patient_id", "appointment_date", "appointment_status")
    held = held.filter(~word("appointment_status").is_in(settings["not_held"]))
    last = held.group_by("patient_id").agg(moment("appointment_date").max().dt.date().alias("last_visit"))
    frame = tables(
        "patients",
        "patient_id",
        "date_of_birth",
        "first_visit_date",
        "deceased_date",
        "phone_primary",
        "phone_mobile",
        "emergency_phone",
    )
    frame = frame.join(first, on="patient_id", how="left", maintain_order="left")
    frame = frame.join(last, on="patient_id", how="left", maintain_order="left")
    figures = {c: pl.col(c).str.replace_all(r"\D", "").str.slice(-10) for c in ("phone_primary", "phone_mobile")}
    emergency = pl.col("emergency_phone").str.replace_all(r"\D", "").str.slice(-10)
    fails = {
        ("date_of_birth", "BORN_AFTER_VISIT"): typed_day("date_of_birth", tables.today)
        >= pl.min_horizontal("first_visit", typed_day("first_visit_date", tables.today)),
        ("deceased_date", "SEEN_AFTER_DEATH"): pl.col("last_visit") > day("deceased_date"),
        ("emergency_phone", "OWN_PHONE"): (emergency.str.len_chars() >= 10)
        & pl.any_horizontal(own == emergency for own in figures.values()),
    }
    return [Look("patients", frame, fails)]


def _years_before(day: dt.date, years: int) -> dt.date:
    """Whose birthday was so many years ago today; of 29 February, the first of March."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return dt.date(day.year - years, 3, 1)


def _letters(column: str) -> pl.Expr:
    letters = pl.col(column).str.to_lowercase().str.replace_all(r"[^\p{L}]", "")
    return pl.when(letters.str.len_chars() > 0).then(letters)
