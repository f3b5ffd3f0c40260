"""Medication: interactions, plausibility of what was written, allergies (CLN-12 to CLN-14).

A migration check, not clinical decision support: it changes no medication and messages no patient.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.drugs import classes, taken
from ennu_lib.rules.parsing import day, number, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

SEVERITIES = ("contraindicated", "major", "moderate")


def interactions(tables: Tables) -> pl.LazyFrame:
    """Every pair of medications of one patient that interact today, once per patient and pair of rows.

    Columns: patient_id, table, __key, column, other_table, other_key, pair_id, severity.
    """
    return tables.made("interactions", _interactions)


def _active(tables: Tables) -> pl.LazyFrame:
    """Today's medications with their classes; a stopped one counts while it still acts."""
    today = pl.lit(tables.today)
    until = pl.col("ends").dt.offset_by(pl.format("{}d", pl.col("carry")))
    now = pl.when(pl.col("ends").is_null()).then(pl.col("active")).otherwise(until >= today)
    frame = taken(tables).filter(
        pl.col("ingredient").is_not_null() & (pl.col("starts").fill_null(today) <= today) & now
    )
    return frame.join(classes(tables).lazy(), on="ingredient", how="inner")


def _interactions(tables: Tables) -> pl.LazyFrame:
    frame = _active(tables)
    pairs = tables.clinical("drug_interactions").select("pair_id", "side_a", "side_b", "severity").lazy()
    both = pl.concat(
        [pairs, pairs.rename({"side_a": "side_b", "side_b": "side_a"}).select(pairs.collect_schema().names())]
    )
    left = frame.join(both, left_on="class", right_on="side_a", how="inner")
    other = frame.select(
        "patient_id", other_table="table", other_key=KEY, other_ingredient="ingredient", side_b="class"
    )
    met = left.join(other, on=["patient_id", "side_b"], how="inner")
    met = met.filter(pl.col("ingredient") != pl.col("other_ingredient"))
    twice = frame.filter(pl.col("twice")).join(
        frame.filter(pl.col("twice")).select(
            "patient_id", "class", other_table="table", other_key=KEY, other_ingredient="ingredient"
        ),
        on=["patient_id", "class"],
        how="inner",
    )
    twice = twice.filter(pl.col("ingredient") != pl.col("other_ingredient")).with_columns(
        pair_id=pl.format("TWICE-{}", "class"),
        severity=pl.when(pl.col("class").is_in(["pde5_inhibitors", "oral_anticoagulants"]))
        .then(pl.lit("major"))
        .otherwise(pl.lit("moderate")),
    )
    columns = ["patient_id", "table", KEY, "column", "other_table", "other_key", "pair_id", "severity"]
    return pl.concat([met.select(columns), twice.select(columns)]).unique(maintain_order=True)


@checks("CLN-12")
def interaction_alerts(tables: Tables, settings) -> list[Look]:
    """Active ingredients of one patient whose classes stand in the table of pairs."""
    met = interactions(tables)
    looks = []
    for table in ("patient_medications", "prescriptions", "25againmembermedications", "25againsupplements"):
        mine = met.filter(pl.col("table") == table)
        worst = mine.group_by(KEY).agg(pl.col("severity").unique().alias("found"))
        rows = taken(tables).filter(pl.col("table") == table).select(KEY, "column").unique(KEY)
        frame = rows.join(worst, on=KEY, how="left")
        column = {"patient_medications": "drug_name", "prescriptions": "drug", "25againsupplements": "supplement_name"}
        name = column.get(table, "medication_id")
        fails = {(name, severity.upper()): pl.col("found").list.contains(severity) for severity in SEVERITIES}
        looks.append(Look(table, frame, fails))
    return looks


@checks("CLN-13")
def medication_complete(tables: Tables, settings) -> list[Look]:
    """A name that is known, a dose above nothing with its unit, start before stop, a state that fits the dates."""
    known = (
        taken(tables)
        .filter(pl.col("table") == "patient_medications")
        .group_by(KEY)
        .agg(pl.col("ingredient").is_not_null().any().alias("known"))
    )
    frame = tables(
        "patient_medications", "drug_name", "rxcui", "dose", "dose_unit", "route", "frequency", "start_date",
        "stop_date", "is_active",
    ).join(known, on=KEY, how="left", maintain_order="left")  # fmt: skip
    fails = {
        ("drug_name", "UNKNOWN_DRUG"): ~pl.col("known") & says_nothing("rxcui"),
        ("dose", "NO_DOSE"): ~(number("dose") > 0).fill_null(True),
        ("dose_unit", "NO_UNIT"): pl.col("dose").is_not_null() & says_nothing("dose_unit"),
        ("stop_date", "STOPS_BEFORE_START"): day("stop_date") < day("start_date"),
        ("is_active", "ACTIVE_AFTER_STOP"): yes("is_active") & (day("stop_date") < tables.today),
        ("route", "UNKNOWN_ROUTE"): ~says_nothing("route") & ~word("route").is_in(settings["routes"]),
    }
    written = tables("prescriptions", "quantity", "written_date", "end_date", "dea_schedule", "is_controlled")
    scripts = {
        ("end_date", "STOPS_BEFORE_START"): day("end_date") < day("written_date"),
        ("quantity", "NO_QUANTITY"): ~(number("quantity") > 0).fill_null(True),
        ("is_controlled", "SCHEDULE_WITHOUT_FLAG"): ~says_nothing("dea_schedule") & ~yes("is_controlled"),
    }
    return [Look("patient_medications", frame, fails), Look("prescriptions", written, scripts)]


@checks("CLN-14")
def allergy_conflict(tables: Tables, settings) -> list[Look]:
    """An active medication whose ingredient or class is an active allergy of the patient."""
    members = classes(tables).lazy()
    allergen = pl.col("allergen").str.strip_chars().str.to_lowercase()
    allergies = tables("allergies", "patient_id", "allergen", "status").filter(word("status").is_in(settings["active"]))
    named = allergies.select("patient_id", ingredient=allergen)
    words = pl.DataFrame(
        [(word, cls) for word, listed in settings["class_words"].items() for cls in listed],
        schema={"ingredient": pl.String, "class": pl.String},
        orient="row",
    ).lazy()
    by_class = named.join(words, on="ingredient", how="inner").select("patient_id", "class")
    by_class = by_class.join(members, on="class", how="inner").select("patient_id", "ingredient")
    hit = pl.concat([named, by_class]).unique().with_columns(pl.lit(True).alias("__allergic"))
    today = pl.lit(tables.today)
    active = taken(tables).filter(
        pl.when(pl.col("ends").is_null()).then(pl.col("active")).otherwise(pl.col("ends") >= today)
    )
    frame = active.join(hit, on=["patient_id", "ingredient"], how="left")
    frame = frame.group_by("table", KEY).agg(pl.col("__allergic").any())
    column = {"patient_medications": "drug_name", "prescriptions": "drug", "25againsupplements": "supplement_name"}
    return [
        Look(
            table,
            frame.filter(pl.col("table") == table),
            {(column.get(table, "medication_id"), "ALLERGY"): pl.col("__allergic")},
        )
        for table in ("patient_medications", "prescriptions", "25againmembermedications", "25againsupplements")
    ]
