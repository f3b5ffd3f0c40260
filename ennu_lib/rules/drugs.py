"""Medications as active ingredients and classes over time. Names are matched exactly, never by likeness."""

from __future__ import annotations

import re

import polars as pl

from ennu_lib.rules.parsing import day, word, yes
from ennu_lib.rules.tables import KEY, Tables

FORM = (
    r"\b(oral|tablet|tablets|capsule|capsules|cream|gel|injection|solution|patch|pellet|troche|odt|er|xr|sr|extended|"
    r"release|sublingual|vial|pen|suspension|topical|hcl|hydrochloride|sodium|citrate|besylate|succinate|potassium)\b"
)
STRENGTH = r"\b\d[\d.,]*\s*(mg|mcg|ug|g|ml|iu|units?|%|meq|hr|mg/ml|mg/actuat)?(/(ml|actuat|hr|\d+))?"


def classes(tables: Tables) -> pl.DataFrame:
    """`ingredient`, `class`, and `twice` where two of the class at once are a duplicate therapy."""
    listed = tables.clinical("drug_classes").with_columns(pl.col("ingredients").str.split("|"))
    return listed.explode("ingredients").select(
        ingredient=pl.col("ingredients").str.to_lowercase(),
        **{"class": pl.col("class_id")},
        twice=pl.col("duplication_check").fill_null("") == "yes",
    )


def taken(tables: Tables) -> pl.LazyFrame:
    """Every medication and supplement of every patient: table, key, patient_id, name, ingredient, starts, ends, active,
    carry (days that it acts on after it was stopped)."""
    return tables.made("taken", _build)


def _build(tables: Tables) -> pl.LazyFrame:
    parts = [
        _part(
            tables,
            "patient_medications",
            "patient_id",
            "drug_name",
            "start_date",
            "stop_date",
            yes("is_active"),
            "route",
        ),
        _part(tables, "prescriptions", "patient_id", "drug", "written_date", "end_date", yes("active"), None),
        _part(
            tables,
            "25againsupplements",
            "patient_id",
            "supplement_name",
            "start_date",
            "end_date",
            yes("is_active"),
            None,
        ),
    ]
    names = tables("25againmedications", "medication_id", "medication_name").select("medication_id", "medication_name")
    member = tables(
        "25againmembermedications", "patient_id", "medication_id", "start_date", "end_date", "status", "route"
    ).join(names.unique("medication_id"), on="medication_id", how="left")
    parts.append(
        _shape(
            "25againmembermedications",
            member,
            "medication_name",
            "start_date",
            "end_date",
            word("status") == "active",
            "route",
        )
    )
    frame = pl.concat(parts)
    distinct = frame.select("name").drop_nulls().unique().collect(engine="streaming")
    known = _known(tables)
    found = distinct.with_columns(
        pl.Series("ingredient", [_ingredients(name, known) for name in distinct["name"]], dtype=pl.List(pl.String))
    )
    frame = frame.join(found.lazy(), on="name", how="left").explode("ingredient")
    long = pl.col("route").is_in(["intramuscular", "subcutaneous", "injection"])
    carry = pl.when(pl.col("name").str.contains("(?i)pellet")).then(120).when(long).then(30).otherwise(0)
    return frame.with_columns(carry=carry)


def _part(
    tables: Tables, table: str, patient: str, name: str, start: str, stop: str, active: pl.Expr, route: str | None
) -> pl.LazyFrame:
    used = [c for c in (patient, name, start, stop, route) if c]
    frame = tables(table, *used, *active.meta.root_names())
    return _shape(table, frame, name, start, stop, active, route)


def _shape(table: str, frame: pl.LazyFrame, name: str, start: str, stop: str, active: pl.Expr, route: str | None):
    return frame.select(
        pl.lit(table).alias("table"),
        KEY,
        "patient_id",
        pl.col(name).str.strip_chars().alias("name"),
        pl.lit(name).alias("column"),
        day(start).alias("starts"),
        day(stop).alias("ends"),
        active.fill_null(False).alias("active"),
        (word(route) if route else pl.lit(None, dtype=pl.String)).alias("route"),
    )


def _known(tables: Tables) -> set[str]:
    """Ingredient names of the class table, the formulary and the clinic's own list."""
    names = set(classes(tables)["ingredient"])
    for table, column in (("drug_formulary", "ingredient"), ("25againmedications", "ingredient")):
        if tables.has(table):
            listed = tables(table, column).select(pl.col(column).str.to_lowercase()).unique().drop_nulls().collect()
            names |= set(listed[column].to_list())
    return names


def _ingredients(name: str, known: set[str]) -> list[str] | None:
    """The active ingredients of one medication name; None when it is none that we know."""
    text = re.sub(r"[\[(].*?[\])]", " ", name.lower())
    found = []
    for part in re.split(r"\s*[/+&]\s*(?=[a-z])|\s+and\s+", text):
        bare = re.sub(r"\s+", " ", re.sub(STRENGTH, " ", part)).strip(" ,-")
        short = re.sub(r"\s+", " ", re.sub(FORM, " ", bare)).strip(" ,-")
        hit = next((candidate for candidate in (part.strip(), bare, short) if candidate in known), None)
        if hit:
            found.append(hit)
    return found or None
