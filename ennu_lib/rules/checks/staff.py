"""Providers that are known, and their national numbers (STF-01, STF-02)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.checks.revenue import luhn
from ennu_lib.rules.parsing import filled
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import NotHere, Tables


@checks("STF-01")
def provider_known(tables: Tables, settings) -> list[Look]:
    """Every column that refers to a provider names one that exists."""
    known = (
        tables("providers", "provider_id")
        .select(pl.col("provider_id").alias("__id"), pl.lit(True).alias("__known"))
        .unique("__id")
    )
    looks = []
    for table in tables.catalogue.tables:
        columns = [c.name for c in table.references if c.references == ("providers", "provider_id")]
        for column in columns if tables.has(table.name) else []:
            try:
                frame = tables(table.name, column)
            except NotHere:
                continue
            frame = frame.join(known, left_on=column, right_on="__id", how="left", maintain_order="left")
            fails = {(column, "UNKNOWN_PROVIDER"): pl.col(column).is_not_null() & pl.col("__known").is_null()}
            looks.append(Look(table.name, frame, fails, pl.col(column).is_not_null()))
    return looks


@checks("STF-02")
def npi(tables: Tables, settings) -> list[Look]:
    """Ten figures, the first 1 or 2, whose check digit is right behind the prefix of the United States."""
    looks = []
    for table in ("provider_credentials", "providers"):
        frame = tables(table, "npi")
        right = pl.col("npi").str.contains(r"^[12]\d{9}$") & luhn(pl.lit("80840") + pl.col("npi"))
        looks.append(Look(table, frame, {("npi", "NOT_AN_NPI"): filled("npi") & ~right}, filled("npi")))
    return looks
