"""Dates by which old systems say that there is none, and words that stand for nothing (GEN-06)."""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog import Table
from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.rules.parsing import NOTHING, typed_day
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import Tables

ZERO = ("0000-00-00", "0001-01-01")
TEXT_ZERO = r"^0{2,4}[-/]0{2}[-/]0{2,4}"
ISO = r"^\d{4}-\d{2}-\d{2}$"
TWO_DIGITS = r"^\s*\d{1,2}/\d{1,2}/\d{2}\s*$"


@checks("GEN-06")
def sentinels(tables: Tables, settings) -> list[Look]:
    """Zero dates and defaults, dates in other spellings, placeholders in optional text."""
    looks = []
    for table in tables.catalogue.tables:
        if not tables.has(table.name):
            continue
        typed = settings["typed_dates"].get(table.name, [])
        fails: dict[tuple[str, str], pl.Expr] = {}
        for column in table.columns:
            name, kind = column.name, column.type.kind
            if kind in ("date", "datetime"):
                start = pl.col(name).str.slice(0, 10)
                fails[name, "ZERO"] = start.is_in(ZERO)
                fails[name, "SENTINEL"] = start.is_in([d for d in NO_DATES if d not in ZERO])
            elif name in typed:
                text = pl.col(name).str.strip_chars()
                fails[name, "ZERO"] = text.str.contains(TEXT_ZERO)
                fails[name, "TWO_DIGIT_YEAR"] = text.str.contains(TWO_DIGITS)
                other = ~text.str.contains(ISO) & ~text.str.contains(TWO_DIGITS) & ~text.str.contains(TEXT_ZERO)
                fails[name, "SPELLING"] = other & typed_day(name, tables.today).is_not_null()
                if column.nullable:
                    fails[name, "PLACEHOLDER"] = text.str.to_lowercase().is_in(NOTHING)
            elif kind in ("varchar", "text") and not column.references and column.nullable:
                allowed = {word.lower() for word in real_words(table, name)} | set(
                    settings["real_words"].get(f"{table.name}.{name}", [])
                )
                words = [word for word in NOTHING if word not in allowed]
                fails[name, "PLACEHOLDER"] = pl.col(name).str.strip_chars().str.to_lowercase().is_in(words)
        if fails:
            frame = tables(table.name, *dict.fromkeys(column for column, _ in fails))
            looks.append(Look(table.name, frame, fails))
    return looks


def real_words(table: Table, column: str) -> set[str]:
    """Choices of a column's code list: `unknown` may be one of them."""
    word, _, argument = table.column(column).content.partition(":")
    return {item.partition("=")[0].strip() for item in argument.split("|")} if word == "choice" else set()
