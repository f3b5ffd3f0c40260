"""Turns the values of an import plan into polars expressions."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import Any

import polars as pl

from ennu_lib.catalog import Column
from ennu_lib.clinic.conform import FRAME_TYPES
from ennu_lib.clinic.people_draw import clinic_table
from ennu_lib.clinic.synthea_spec import Condition, Value

INSTANT = "%Y-%m-%dT%H:%M:%SZ"
ZONE, OWN_KEY = "$zone", "$key"


def row_key(name: str) -> str:
    """The column in which a source row keeps the key it got in a table."""
    return f"$row {name}"


def id_key(table: str, column: str) -> str:
    """The column in which the key behind a source id stands."""
    return f"$id {table} {column}"


def filled(column: str) -> pl.Expr:
    """The text of a column, NULL where it is blank."""
    text = pl.col(column).str.strip_chars()
    return pl.when(text.str.len_chars() > 0).then(text)


def condition(alternatives: tuple[Condition, ...]) -> pl.Expr:
    """True where one of the alternatives holds; always true where there are none."""
    if not alternatives:
        return pl.lit(True)
    return reduce(or_, [reduce(and_, [_test(name, wanted) for name, wanted in one.items()]) for one in alternatives])


def _test(column: str, wanted: Any) -> pl.Expr:
    value = filled(column)
    if isinstance(wanted, list):
        return value.is_in(pl.Series(values=[str(item) for item in wanted]).implode()).fill_null(False)
    if isinstance(wanted, dict):
        ((word, argument),) = wanted.items()
        tests = {
            "matches": lambda: value.str.contains(argument),
            "not": lambda: ~value.is_in(pl.Series(values=[str(item) for item in argument]).implode()),
            "above": lambda: value.cast(pl.Float64, strict=False) > argument,
        }
        return tests[word]().fill_null(word == "not")
    return value.is_not_null() if wanted == "present" else value.is_null()


def expression(value: Value, target: Column, code: str | None) -> pl.Expr:
    """The value for a column; NULL where it cannot be read or would not fit, never cut in silence."""
    made = _MAKERS[value.op](value, target, code)
    kind = FRAME_TYPES[target.type.kind]
    if kind == pl.String:
        made = made.cast(pl.String)
        if target.type.length is not None:
            made = pl.when(made.str.len_chars() <= target.type.length).then(made)
    if kind == pl.Int64:
        number = made.cast(pl.Float64, strict=False)
        made = pl.when(number == number.round()).then(number)
    return made.cast(kind, strict=False).alias(target.name)


def was_there(value: Value, code: str | None) -> pl.Expr | None:
    """Whether the source column of a value holds something; None for values that read no single column."""
    if value.op == "join":
        return pl.any_horizontal(filled(name).is_not_null() for name in value.argument)
    if value.column is None or value.op in ("present", "pairs"):
        return None
    if value.op == "pick":
        return _pick(value, None, code).is_not_null()
    return filled(value.column).is_not_null()


def derived(value: Value) -> pl.Expr:
    """The value as text, like a source column."""
    return _MAKERS[value.op](value, None, None).cast(pl.String)


def _nested(value: Value, target: Column, code: str | None) -> pl.Expr:
    return _MAKERS[value.op](value, target, code)


def _instant(column: str) -> pl.Expr:
    return filled(column).str.to_datetime(INSTANT, time_unit="us", strict=False).dt.replace_time_zone("UTC")


def local_name(column: str) -> str:
    """The column in which a UTC instant stands as local time."""
    return f"$local {column}"


def local_time(column: str) -> pl.Expr:
    """A UTC instant as local time of the row's zone."""
    zones = clinic_table("zip_prefixes")["time_zone"].unique().sort()
    return pl.coalesce(
        pl.when(pl.col(ZONE) == zone).then(_instant(column).dt.convert_time_zone(zone).dt.replace_time_zone(None))
        for zone in zones
    ).alias(local_name(column))


def _number(value: Value, *_: Any) -> pl.Expr:
    number = filled(value.argument).cast(pl.Float64, strict=False)
    less = value.options.get("minus", 0)
    return number - (filled(less).cast(pl.Float64, strict=False).fill_null(0.0) if isinstance(less, str) else less)


def _text(value: Value, *_: Any) -> pl.Expr:
    text = filled(value.argument)
    for character in value.options.get("drop", ""):
        text = text.str.replace_all(character, "", literal=True)
    if value.options.get("upper"):
        text = text.str.to_uppercase()
    return text.str.slice(0, value.options["first"]) if "first" in value.options else text


def _words(value: Value, *_: Any) -> pl.Expr:
    words = filled(value.argument).str.split(" ")
    return (
        words.list.last()
        if value.options["which"] == "last"
        else words.list.slice(0, words.list.len() - 1).list.join(" ")
    )


def _map(value: Value, *_: Any) -> pl.Expr:
    source = filled(value.argument)
    other = value.options.get("other")
    known = {str(key): to for key, to in value.options["values"].items()}
    translated = source.replace_strict(known, default=None, return_dtype=pl.Series(values=list(known.values())).dtype)
    if other == "keep":
        return pl.coalesce(translated, source)
    return translated if other is None else translated.fill_null(pl.lit(other))


def _present(value: Value, *_: Any) -> pl.Expr:
    there = filled(value.argument).is_not_null()
    return pl.when(there).then(pl.lit(value.options["then"])).otherwise(pl.lit(value.options["else"]))


def _choose(value: Value, target: Column, code: str | None) -> pl.Expr:
    return pl.coalesce(pl.when(condition(when)).then(_nested(part, target, code)) for when, part in value.argument)


def _pick(value: Value, _: Column, code: str | None) -> pl.Expr:
    return filled(value.argument).filter(pl.col(code) == str(value.options["code"])).first()


def _pairs(value: Value, _: Column, code: str | None) -> pl.Expr:
    """A JSON object of code and value of every row of the group."""
    quoted = [_json_text(filled(name).fill_null("")) for name in (code, value.argument)]
    return "{" + (quoted[0] + ":" + quoted[1]).str.join(",") + "}"


def _json_text(text: pl.Expr) -> pl.Expr:
    escaped = text.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return '"' + escaped.str.replace_all(r"[\x00-\x1f]", " ") + '"'


_MAKERS = {
    "from": lambda value, *_: filled(value.argument),
    "const": lambda value, *_: pl.lit(value.argument),
    "text": _text,
    "words": _words,
    "join": lambda value, *_: pl.concat_str(
        [filled(name) for name in value.argument], separator=value.options.get("with", " "), ignore_nulls=True
    ),
    "map": _map,
    "present": _present,
    "number": _number,
    "date": lambda value, *_: filled(value.argument).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False),
    "local": lambda value, *_: pl.col(local_name(value.argument)),
    "local_date": lambda value, *_: pl.col(local_name(value.argument)).dt.date(),
    "id_of": lambda value, *_: pl.col(id_key(value.argument, value.options["in"])),
    "row_of": lambda value, *_: pl.col(row_key(value.argument)),
    "group_of": lambda value, *_: pl.col(row_key(value.argument)),
    "numbered": lambda value, *_: (
        value.argument + pl.col(OWN_KEY).cast(pl.String).str.zfill(value.options.get("width", 1))
    ),
    "zone": lambda *_: pl.col(ZONE),
    "first_of": lambda value, target, code: pl.coalesce(_nested(part, target, code) for part in value.argument),
    "choose": _choose,
    "pick": _pick,
    "pairs": _pairs,
    "count": lambda *_: pl.len(),
}


def with_parts(value: Value) -> list[Value]:
    """A value and the values it is made of."""
    if value.op == "first_of":
        return [value, *(inner for part in value.argument for inner in with_parts(part))]
    if value.op == "choose":
        return [value, *(inner for _, part in value.argument for inner in with_parts(part))]
    return [value]


def columns_read(value: Value) -> set[str]:
    """Source columns that a value reads."""
    found: set[str] = set()
    for part in with_parts(value):
        found |= {part.column} - {None}
        if part.op == "join":
            found |= set(part.argument)
        if part.op == "number" and isinstance(part.options.get("minus"), str):
            found.add(part.options["minus"])
        if part.op == "choose":
            found |= {name for when, _ in part.argument for one in when for name in one}
    return found


def columns_localized(values: list[Value]) -> list[str]:
    """Source columns that are read as local times."""
    parts = [part for value in values for part in with_parts(value)]
    return sorted({part.argument for part in parts if part.op in ("local", "local_date")})
