"""The mapping rules: each turns a source column, as text, into the text HubSpot stores, or into null.

Every rule is total and lazy. What it cannot convert becomes null and is counted by the engine; nothing is guessed.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.rules.checks.revenue import luhn

DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y")
MOMENT_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
TRUE_WORDS = ("1", "y", "yes", "true", "t")
FALSE_WORDS = ("0", "n", "no", "false", "f")
MAX_TEXT = 65_536
UTC_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def blank_to_null(value: pl.Expr) -> pl.Expr:
    """Trimmed text; the empty string becomes null, because HubSpot takes '' as an order to clear."""
    trimmed = value.cast(pl.String).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def without_nul(value: pl.Expr) -> pl.Expr:
    """The text without NUL, which no property can hold."""
    return value.str.replace_all("\0", "", literal=True)


def text(value: pl.Expr) -> pl.Expr:
    """Text of at most 65,536 characters (HubSpot's limit for a string property)."""
    return value.str.slice(0, MAX_TEXT)


def lower(value: pl.Expr) -> pl.Expr:
    """Text in lower case."""
    return value.str.to_lowercase()


def digits(value: pl.Expr) -> pl.Expr:
    """The digits of a text, or null when it has none."""
    found = value.str.replace_all(r"\D", "")
    return pl.when(found != "").then(found)


def integer(value: pl.Expr) -> pl.Expr:
    """A whole number without separators."""
    return value.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False).cast(pl.String)


def number(value: pl.Expr) -> pl.Expr:
    """Digits with at most one decimal point, as HubSpot's number properties demand; trailing zeros go."""
    plain = value.str.contains(r"^-?\d+(\.\d+)?$")
    trimmed = value.str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", "")
    return pl.when(plain).then(trimmed)


def date(value: pl.Expr) -> pl.Expr:
    """A calendar day as YYYY-MM-DD, never moved by a time zone."""
    day = value.str.slice(0, 10)
    parsed = pl.coalesce(*(day.str.to_date(each, strict=False) for each in DATE_FORMATS))
    return pl.when(~says_no_date(value)).then(parsed.dt.to_string("%Y-%m-%d"))


def moment(value: pl.Expr) -> pl.Expr:
    """A local date and time, or null."""
    parsed = pl.coalesce(*(value.str.to_datetime(each, strict=False, time_unit="ms") for each in MOMENT_FORMATS))
    return pl.when(~says_no_date(value)).then(parsed)


def utc(value: pl.Expr, zone: pl.Expr | None, zones: list[str]) -> pl.Expr:
    """An instant in UTC from local time in `zone`, one of `zones`; without a zone the time is taken as UTC.

    The hour that a clock change skips has no instant and becomes null; the hour that it repeats is its first pass.
    """
    local = moment(value)
    if zone is None or not zones:
        return local.dt.to_string(UTC_FORMAT)
    branches = pl.when(zone == zones[0]).then(_from_zone(local, zones[0]))
    for name in zones[1:]:
        branches = branches.when(zone == name).then(_from_zone(local, name))
    return branches.otherwise(local).dt.to_string(UTC_FORMAT)


def _from_zone(local: pl.Expr, zone: str) -> pl.Expr:
    placed = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return placed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def flag(value: pl.Expr) -> pl.Expr:
    """`true` or `false` from the ways in which legacy tables spell it."""
    word = value.str.to_lowercase()
    return pl.when(word.is_in(TRUE_WORDS)).then(pl.lit("true")).when(word.is_in(FALSE_WORDS)).then(pl.lit("false"))


def slug(value: pl.Expr) -> pl.Expr:
    """A code spelling without case and punctuation: `Cancelled - Patient` as cancelled_patient."""
    return value.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_")


def code(value: pl.Expr, table: dict[str, str]) -> pl.Expr:
    """The option that a spelling stands for; `table` holds spellings as `slug` writes them."""
    return slug(value).replace_strict(table, default=None, return_dtype=pl.String)


def codes(value: pl.Expr, table: dict[str, str]) -> pl.Expr:
    """Several options out of a text separated by comma, semicolon or bar, joined by ';' without spaces."""
    parts = value.str.replace_all(r"[,|]", ";").str.split(";")
    known = parts.list.eval(code(pl.element(), table).drop_nulls())
    return pl.when(known.list.len() > 0).then(known.list.unique(maintain_order=True).list.join(";"))


def npi(value: pl.Expr) -> pl.Expr:
    """A national provider number with a right check digit; any other stays empty (rule STF-02)."""
    figures = digits(value)
    right = figures.str.contains(r"^[12]\d{9}$") & luhn(pl.lit("80840") + figures)
    return pl.when(right).then(figures)


def range_1_to_5(value: pl.Expr) -> pl.Expr:
    """A rating of 1 to 5. Ratings of 6 to 10 and 11 to 100 come from ten-point and percent forms; they round up."""
    rating = value.cast(pl.Float64, strict=False)
    scaled = (
        pl.when(rating.is_between(1, 5))
        .then(rating)
        .when(rating.is_between(5, 10))
        .then((rating / 2).ceil())
        .when(rating.is_between(10, 100))
        .then((rating / 20).ceil())
    )
    return scaled.cast(pl.Int64, strict=False).cast(pl.String)


def rated_in_period(value: pl.Expr, day: pl.Expr) -> pl.Expr:
    """A rating of 1 to 5 on the scale of its quarter: five, ten or a hundred points, by the highest rating given then.

    Ratings round up. A four among tens is a two; only the ratings around it can tell.
    """
    rating = value.cast(pl.Float64, strict=False)
    rating = pl.when(rating.is_between(0, 100)).then(rating)
    quarter = (day.str.slice(5, 2).cast(pl.Int8, strict=False) + 2) // 3
    highest = rating.max().over(day.str.slice(0, 4), quarter)
    steps = pl.when(highest <= 5).then(1).when(highest <= 10).then(2).otherwise(20)
    scaled = (rating / steps).ceil()
    # Nothing is a rating on a scale to a hundred, and none on the two others.
    scaled = pl.when((rating > 0) | (steps == 20)).then(scaled.clip(1, 5))
    return scaled.cast(pl.Int64, strict=False).cast(pl.String)


def says_no_date(value: pl.Expr) -> pl.Expr:
    """Whether a value is one of the ways in which a legacy system writes that there is no date."""
    return value.str.slice(0, 10).is_in(NO_DATES)


SIMPLE = {
    "text": text,
    "lower": lower,
    "digits": digits,
    "integer": integer,
    "number": number,
    "date": date,
    "flag": flag,
    "range_1_to_5": range_1_to_5,
    "npi": npi,
}
