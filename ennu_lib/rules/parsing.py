"""Text to days, moments, cents, numbers and truth values, as expressions; what cannot be read is null."""

from __future__ import annotations

import datetime as dt

import polars as pl

from ennu_lib.catalog.sentinels import NO_DATES

TEXT_FORMS = ("%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%m-%d-%Y", "%Y%m%d", "%b %d, %Y")
SHORT_FORMS = ("%m/%d/%y",)
NOTHING = ("", "n/a", "na", "unknown", "none", "-", "null", "see chart", "tbd", ".", "?")


def day(column: str) -> pl.Expr:
    """The day of an ISO date or moment; sentinels and zero dates are null."""
    text = pl.col(column).str.slice(0, 10)
    return pl.when(~text.is_in(NO_DATES)).then(text.str.to_date("%Y-%m-%d", strict=False))


def typed_day(column: str, today: dt.date, *, defaults: bool = False) -> pl.Expr:
    """The day of a date typed in any of the forms that legacy systems use; two-digit years are the last hundred.

    The days by which old systems say that there is none are null, unless `defaults` are wanted, too.
    """
    text = pl.col(column).str.strip_chars().str.replace(r"[T ]00:00(:00)?$", "")
    full = pl.coalesce(text.str.to_date(form, strict=False) for form in TEXT_FORMS)
    short = pl.coalesce(
        pl.when(text.str.contains(r"^\d{1,2}/\d{1,2}/\d{2}$")).then(text.str.to_date(form, strict=False))
        for form in SHORT_FORMS
    )
    short = pl.when(short > today).then(short.dt.offset_by("-100y")).otherwise(short)
    read = pl.when(text.str.contains(r"^\d{1,2}/\d{1,2}/\d{2}$")).then(short).otherwise(full)
    sentinels = [dt.date.fromisoformat(d) for d in NO_DATES if d != "0000-00-00"]
    return read if defaults else pl.when(~read.is_in(sentinels)).then(read)


def moment(column: str) -> pl.Expr:
    """The local moment `YYYY-MM-DD HH:MM:SS`, a bare day as its midnight."""
    text = pl.col(column).str.replace("T", " ", literal=True)
    full = text.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    return pl.coalesce(full, day(column).cast(pl.Datetime("us")))


def cents(column: str) -> pl.Expr:
    """An amount of money in whole cents, without floating point, so that sums are compared exactly.

    Half a cent goes away from zero, as in phase 02.
    """
    return cents_of(pl.col(column))


def cents_of(text: pl.Expr) -> pl.Expr:
    """As `cents`, of an expression."""
    amount = text.str.strip_chars().cast(pl.Decimal(38, 6), strict=False).round(2, mode="half_away_from_zero")
    return (amount * 100).cast(pl.Int64, strict=False)


def number(column: str) -> pl.Expr:
    """A plain number."""
    return pl.col(column).str.strip_chars().cast(pl.Float64, strict=False)


def yes(column: str) -> pl.Expr:
    """True for Y, yes, true, 1 in any case."""
    return word(column).is_in(["y", "yes", "true", "t", "1"])


def word(column: str) -> pl.Expr:
    """A coded value without blanks around it, in lower case, words joined by one underscore."""
    return pl.col(column).str.strip_chars().str.to_lowercase().str.replace_all(r"[ _-]+", "_")


def says_nothing(column: str) -> pl.Expr:
    """Null, blank, or a word that stands for nothing."""
    return pl.col(column).is_null() | pl.col(column).str.strip_chars().str.to_lowercase().is_in(NOTHING)


def filled(column: str) -> pl.Expr:
    """Says something."""
    return ~says_nothing(column)
