"""Medication: interactions, plausibility of what was written, allergies (CLN-12 to CLN-14).

A migration check, not clinical decision support: it changes no medication and messages no patient.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.drugs import NAMES, class_names, classes, ingredients, known_ingredients, taken
from ennu_lib.rules.parsing import day, number, says_nothing, word, yes
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

SEVERITIES = ("moderate", "major", "contraindicated")  # the worst last
TWICE_IS_MAJOR = ["pde5_inhibitors", "oral_anticoagulants"]
PAIR = ("patient_id", "first", "second")


def interactions(tables: Tables) -> pl.LazyFrame:
    """Every pair of rows whose ingredients interact in a patient today, from both sides.

    Of several entries of the table that fit a pair of ingredients the one of the highest severity counts. Columns:
    patient_id, table, __key, other_table, other_key, pair_id, severity.
    """
    return tables.made("interactions", _interactions)


def _interactions(tables: Tables) -> pl.LazyFrame:
    frame = taken(tables).filter(pl.col("ingredient").is_not_null() & pl.col("acts"))
    frame = frame.select("patient_id", "table", KEY, "ingredient").join(
        classes(tables).lazy(), on="ingredient", how="inner"
    )
    pairs = tables.clinical("drug_interactions").select("pair_id", "side_a", "side_b", "severity").lazy()
    turned = pairs.select("pair_id", side_a="side_b", side_b="side_a", severity="severity")
    met = frame.join(pl.concat([pairs, turned]), left_on="class", right_on="side_a", how="inner")
    other = frame.select("patient_id", other_table="table", other_key=KEY, other="ingredient", side_b="class")
    met = met.join(other, on=["patient_id", "side_b"], how="inner")
    again = frame.filter(pl.col("twice"))
    twice = again.join(again.rename({"table": "other_table", KEY: "other_key", "ingredient": "other"}).drop("twice"),
                       on=["patient_id", "class"], how="inner")  # fmt: skip
    major = pl.col("class").is_in(TWICE_IS_MAJOR)
    twice = twice.with_columns(
        pair_id=pl.format("TWICE-{}", "class"),
        severity=pl.when(major).then(pl.lit("major")).otherwise(pl.lit("moderate")),
    )
    columns = ["patient_id", "table", KEY, "ingredient", "other_table", "other_key", "other", "pair_id", "severity"]
    found = pl.concat([met.select(columns), twice.select(columns)]).filter(pl.col("ingredient") != pl.col("other"))
    found = found.with_columns(
        first=pl.min_horizontal("ingredient", "other"),
        second=pl.max_horizontal("ingredient", "other"),
        rank=pl.col("severity").replace_strict({s: n for n, s in enumerate(SEVERITIES)}, return_dtype=pl.Int8),
    )
    worst = found.filter(pl.col("rank") == pl.col("rank").max().over(PAIR))
    return worst.drop("first", "second", "rank", "ingredient", "other").unique(maintain_order=True)


@checks("CLN-12")
def interaction_alerts(tables: Tables, settings) -> list[Look]:
    """Active ingredients of one patient whose classes stand in the table of pairs, or are one class twice."""
    met = interactions(tables)
    looks = []
    for table, name in NAMES.items():
        found = met.filter(pl.col("table") == table).group_by(KEY).agg(found=pl.col("severity").unique())
        rows = taken(tables).filter(pl.col("table") == table).group_by(KEY).agg(acts=pl.col("acts").any())
        frame = rows.join(found, on=KEY, how="left")
        fails = {(name, severity.upper()): pl.col("found").list.contains(severity) for severity in SEVERITIES}
        looks.append(Look(table, frame, fails, pl.col("acts")))
    return looks


@checks("CLN-13")
def medication_complete(tables: Tables, settings) -> list[Look]:
    """A known name, a dose above nothing with its unit, a known route and frequency, start before stop, a state that
    fits the dates, and no ingredient or class of a duplicate therapy twice."""
    rows = taken(tables).group_by("table", KEY).agg(known=pl.col("ingredient").is_not_null().any())
    rows = rows.join(_repeated(tables), on=["table", KEY], how="left")
    looks = []
    for table, columns in settings["lists"].items():
        frame = tables(table, *columns.values(), *settings["besides"].get(table, []))
        if "is_deleted" in settings["besides"].get(table, []):
            frame = frame.filter(~yes("is_deleted").fill_null(False))
        mine = rows.filter(pl.col("table") == table).drop("table")
        frame = frame.join(mine, on=KEY, how="left", maintain_order="left")
        looks.append(Look(table, frame, _of_list(table, columns, tables, settings)))
    return looks


def _of_list(table: str, columns, tables: Tables, settings) -> dict[tuple[str, str], pl.Expr]:
    """What may be wrong with a row of a list of medications; `columns` says where each part of it stands."""
    name, start, stop = columns["name"], columns["start"], columns["stop"]
    fails = {
        (stop, "STOPS_BEFORE_START"): day(stop) < day(start),
        (name, "INGREDIENT_TWICE"): pl.col("same"),
        (name, "CLASS_TWICE"): pl.col("related"),
    }
    if table not in settings["without_codes"]:
        fails[name, "UNKNOWN_DRUG"] = ~pl.col("known")
    if dose := columns.get("dose"):
        fails[dose, "NO_DOSE"] = says_nothing(dose) | ~(number(dose) > 0).fill_null(True)
    if unit := columns.get("unit"):
        fails[unit, "NO_UNIT"] = ~says_nothing(dose) & says_nothing(unit)
    for part, usual in (("route", "routes"), ("frequency", "frequencies")):
        if column := columns.get(part):
            known = word(column).str.contains(f"^({'|'.join(settings[usual])})$")
            fails[column, f"UNKNOWN_{part.upper()}"] = ~says_nothing(column) & ~known
    if active := columns.get("active"):
        acts = yes(active) | (word(active) == "active")
        fails[active, "ACTIVE_AFTER_STOP"] = acts & (day(stop) < tables.today)
    if table == "prescriptions":
        unmarked = ~says_nothing("dea_schedule") & ~yes("is_controlled").fill_null(False)
        fails["is_controlled", "SCHEDULE_WITHOUT_FLAG"] = unmarked
    return fails


def _repeated(tables: Tables) -> pl.LazyFrame:
    """Rows of today's medications that stand twice in one list (`same`), or beside another of their class whose
    members are a duplicate therapy (`related`)."""
    today = taken(tables).filter(pl.col("acts") & pl.col("ingredient").is_not_null())
    today = today.select("table", KEY, "patient_id", "ingredient").unique()
    same = today.with_columns(same=pl.len().over("table", "patient_id", "ingredient") > 1)
    twice = classes(tables).filter(pl.col("twice")).lazy()
    related = today.join(twice, on="ingredient", how="inner").with_columns(
        related=pl.col("ingredient").n_unique().over("patient_id", "class") > 1
    )
    both = pl.concat([same, related], how="diagonal")
    return both.group_by("table", KEY).agg(pl.col("same", "related").any())


@checks("CLN-14")
def allergy_conflict(tables: Tables, settings) -> list[Look]:
    """A medication that acts today whose ingredient or class is an active allergy of the patient."""
    hit = _allergic(tables, settings).with_columns(allergic=pl.lit(True))
    frame = taken(tables).join(hit, on=["patient_id", "ingredient"], how="left")
    frame = frame.group_by("table", KEY).agg(acts=pl.col("acts").any(), allergic=pl.col("allergic").any())
    conflict = pl.col("acts") & pl.col("allergic").fill_null(False)
    return [
        Look(table, frame.filter(pl.col("table") == table), {(name, "ALLERGY"): conflict}, pl.col("acts"))
        for table, name in NAMES.items()
    ]


def _allergic(tables: Tables, settings) -> pl.LazyFrame:
    """patient_id and ingredient: what a patient must not get, by the ingredient or the class that an allergy names."""
    members = classes(tables)
    words = class_names(members["class"].unique().sort().to_list(), settings["class_words"])
    known = known_ingredients(tables)
    state = word("status")
    given = tables("allergies", "patient_id", "allergen", "status").filter(
        state.is_in(settings["active"]) | says_nothing("status")
    )
    given = given.select("patient_id", allergen=pl.col("allergen").str.strip_chars().str.to_lowercase())
    distinct = given.select("allergen").drop_nulls().unique().collect(engine="streaming")
    by_class = dict(members.group_by("class").agg("ingredient").iter_rows())
    meant = [
        sorted({*ingredients(text, known), text, *(i for cls in words.get(text, []) for i in by_class[cls])})
        for text in distinct["allergen"]
    ]
    distinct = distinct.with_columns(pl.Series("ingredient", meant, dtype=pl.List(pl.String)))
    return given.join(distinct.lazy(), on="allergen", how="inner").explode("ingredient").select(
        "patient_id", "ingredient"
    ).unique()  # fmt: skip
