"""Values that follow from others (CLN-22)."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.measured import measured
from ennu_lib.rules.parsing import day, number, says_nothing, word
from ennu_lib.rules.registry import Look, checks
from ennu_lib.rules.tables import KEY, Tables

POUNDS_PER_KG, CM_PER_INCH, BMI_FACTOR = 2.20462, 2.54, 703.0


@checks("CLN-22")
def derived(tables: Tables, settings) -> list[Look]:
    """Body mass index from height and weight; HOMA-IR, non-HDL and LDL cholesterol and the
    saturation of transferrin from parts of the same draw."""
    return [*_vitals(tables, settings), *_panels(tables, settings)]


def _vitals(tables: Tables, settings) -> list[Look]:
    frame = tables(
        "vitals", "patient_id", "height", "height_unit", "weight", "weight_unit", "bmi", "bp_systolic", "bp_diastolic"
    )
    no_height_unit, no_weight_unit = says_nothing("height_unit"), says_nothing("weight_unit")
    metric_height = (word("height_unit") == "cm") | (no_height_unit & (number("height") > settings["inches"][1]))
    metric_weight = (word("weight_unit") == "kg") | (no_weight_unit & metric_height)
    height = pl.when(metric_height).then(number("height") / CM_PER_INCH).otherwise(number("height"))
    weight = pl.when(metric_weight).then(number("weight") * POUNDS_PER_KG).otherwise(number("weight"))
    frame = frame.with_columns(inches=height, pounds=weight).with_columns(
        own_height=pl.col("inches").median().over("patient_id"), own_weight=pl.col("pounds").median().over("patient_id")
    )
    index = BMI_FACTOR * pl.col("pounds") / pl.col("inches") ** 2
    by_own_height = BMI_FACTOR * pl.col("pounds") / pl.coalesce("inches", "own_height") ** 2
    # A row without its height is held against the height that the patient has otherwise.
    off = (index - number("bmi")).abs() > settings["bmi"]
    off |= pl.col("inches").is_null() & ((by_own_height - number("bmi")).abs() > settings["bmi_by_own_height"])
    far = settings["own_factor"]
    # Kilograms beside lb and centimetres beside in move a value by 2.2 and 2.54, which no patient does between visits.
    slipped = {
        what: ~(pl.col(value) / pl.col(own)).is_between(1 / far, far)
        for what, value, own in (("height", "inches", "own_height"), ("weight", "pounds", "own_weight"))
    }
    tall = ~pl.col("inches").is_between(*settings["inches"])
    halved = (number("bmi") / by_own_height).is_between(*settings["pounds_per_kg"])
    fails = {
        ("height", "UNIT_SLIP"): slipped["height"] | tall,
        ("weight", "UNIT_SLIP"): (slipped["weight"] & ~no_weight_unit) | (halved & ~tall.fill_null(False)),
        ("bmi", "NOT_FROM_HEIGHT_AND_WEIGHT"): off,
        ("bp_systolic", "BELOW_DIASTOLIC"): number("bp_systolic") <= number("bp_diastolic"),
    }
    return [Look("vitals", frame, fails)]


def _panels(tables: Tables, settings) -> list[Look]:
    """Parts of one draw side by side: the first value of each metric of an order day."""
    found = measured(tables).filter(
        (pl.col("table") == "lab_results") & (pl.col("canonical") > 0) & pl.col("date").is_not_null()
    )
    draws = pl.concat([found.select(KEY, "patient_id", "date", "metric", "canonical"), _other_parts(tables, settings)])
    looks = []
    for target, rule in settings["panels"].items():
        frame = draws.filter(pl.col("metric") == target)
        for part in rule["parts"]:
            values = (
                draws.filter(pl.col("metric") == part)
                .group_by("patient_id", "date")
                .agg(pl.col("canonical").first().alias(part), pl.len().alias(f"n_{part}"))
            )
            frame = frame.join(values, on=["patient_id", "date"], how="inner")
        looks.append(
            Look("lab_results", frame, {("test_value", "NOT_FROM_PARTS"): _differs(target, rule)}, _computable(target))
        )
    return looks


def _other_parts(tables: Tables, settings) -> pl.LazyFrame:
    """Parts that are no biomarkers, by what laboratories call them, in the unit that all print them in."""
    name, parts = pl.col("test_name").str.to_lowercase(), []
    for part, spec in settings["other_parts"].items():
        frame = tables("lab_results", "patient_id", "test_name", "test_value", "test_unit", "collected_at")
        frame = frame.filter(name.str.contains(spec["name"]) & (word("test_unit").is_in(spec["units"])))
        parts.append(
            frame.select(KEY, "patient_id", day("collected_at").alias("date"), pl.lit(part).alias("metric"),
                         number("test_value").alias("canonical"))
        )  # fmt: skip
    return pl.concat(parts).filter((pl.col("canonical") > 0) & pl.col("date").is_not_null())


def _computable(target: str) -> pl.Expr:
    """Friedewald's formula holds below 400 mg/dL of triglycerides only."""
    return pl.col("triglycerides") < 400 if target == "ldl_c" else pl.lit(True)


def _differs(target: str, rule) -> pl.Expr:
    p = [pl.col(part) for part in rule["parts"]]
    if rule["formula"] == "difference":
        expected = p[0] - p[1]
    elif rule["formula"] == "percent":
        expected = 100 * p[0] / p[1]
    elif rule["formula"] == "homa":
        expected = p[0] * p[1] / 405
    elif rule["formula"] == "friedewald":
        expected = pl.when(p[2] < 400).then(p[0] - p[1] - p[2] / 5)
    else:
        raise ValueError("formula is one of difference, percent, homa, friedewald")
    tolerance = pl.max_horizontal(pl.lit(float(rule["within"])), expected * float(rule.get("share", 0)))
    return (pl.col("canonical") - expected).abs() > tolerance
