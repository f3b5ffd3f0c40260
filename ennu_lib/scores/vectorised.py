"""The scores of all patients at once, equal to the exact engine to the last stored decimal."""

from __future__ import annotations

import datetime as dt
from math import ceil

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.scores.exact import INSUFFICIENT, score_patient
from ennu_lib.scores.formula import Formula, compile_formula
from ennu_lib.scores.frames import (
    CATEGORY_COLUMNS,
    CONTRIBUTION_SCHEMA,
    EXCLUSION_SCHEMA,
    Scores,
    frames_of,
    score_schema,
)
from ennu_lib.scores.intake import as_measurement, measurement_rows, people_rows, read_distinct
from ennu_lib.scores.judging import choose, judge
from ennu_lib.scores.preset import Preset
from ennu_lib.scores.reasons import Flag, Withheld
from ennu_lib.scores.result import CONTRIBUTION_DECIMALS, COVERAGE_DECIMALS
from ennu_lib.scores.totals import as_points, categories_of, contributions_of, denominators, totals_of


def score_all(
    measurements: pl.LazyFrame,
    patients: pl.LazyFrame,
    as_of: dt.date,
    preset: Preset,
    catalogue: BiomarkerCatalogue,
) -> Scores:
    """Score every patient as of the end of a day: `as_of`, or the patient's own where `patients` has an `as_of` column.

    `measurements`: patient_id, metric_code, value, unit, measured_on (ISO text); optional status, entered_at, context,
    test_code, source_table, source_id, source_rank. `patients`: patient_id, sex; optional scoring_sex, birth_date (ISO
    text), pregnant, on_hormone_therapy. Patients without a measurement get a row as well. Every measurement is in
    exactly one of `contributions` and `exclusions`. Raises ValueError for a lacking column or a patient that stands
    twice; no value, unit or date raises.
    """
    formula = compile_formula(preset, catalogue)
    rows = measurement_rows(measurements)
    people = people_rows(patients, as_of, preset.minimum_age)
    readings = read_distinct(rows, formula)
    settled = choose(judge(rows, people, readings, formula), rows, formula)
    counted = settled.filter(pl.col("reason").is_null())
    contributions = contributions_of(rows.join(counted.lazy(), on="row").collect(), readings, formula)
    scores = _score_rows(people, contributions, formula)
    found = Scores(
        scores=scores.select(list(score_schema(preset.decimals))),
        contributions=_contribution_rows(contributions),
        exclusions=_exclusion_rows(rows, settled),
    )
    close = scores.filter(pl.col("close"))["patient_id"]
    return _judged_exactly(found, close, rows, people, formula) if len(close) else found


def _score_rows(people: pl.DataFrame, contributions: pl.DataFrame, formula: Formula) -> pl.DataFrame:
    decimals = formula.preset.decimals
    joined = (
        people.lazy()
        .join(totals_of(contributions, formula).lazy(), on="person", how="left", maintain_order="left")
        .join(categories_of(contributions, formula).lazy(), on="person", how="left", maintain_order="left")
        .join(denominators(formula).lazy(), on="basis", how="left", maintain_order="left")
        .with_columns(
            pl.col("covered", "metrics_scored", "critical_values").fill_null(0),
            pl.col("contribution_detail").fill_null("[]"),
            close=(pl.col("close") | pl.col("close_category")).fill_null(False),
        )
        .with_columns(withheld_because=_withheld(formula))
    )
    written = pl.col("withheld_because").is_null()
    complete = _covers(formula.preset.coverage_complete)
    return (
        joined.with_columns(
            pl.when(written).then(pl.col("composite", *CATEGORY_COLUMNS.values())),
        )
        .with_columns(
            score_date=pl.col("as_of"),
            composite_score=as_points(pl.col("composite"), decimals),
            composite_unrounded=as_points(pl.col("unrounded"), CONTRIBUTION_DECIMALS),
            score_band=pl.when(written).then(_band(formula)).otherwise(pl.lit(INSUFFICIENT)),
            score_status=pl.when(~written)
            .then(pl.lit(INSUFFICIENT))
            .when(complete)
            .then(pl.lit("complete"))
            .otherwise(pl.lit("partial")),
            coverage_pct=as_points(_percent(pl.col("covered"), pl.col("applicable")), COVERAGE_DECIMALS),
            gender_basis=pl.col("basis"),
            formula_version=pl.lit(formula.version),
            **{name: as_points(pl.col(name), decimals) for name in CATEGORY_COLUMNS.values()},
        )
        .collect()
    )


def _covers(share) -> pl.Expr:
    numerator, denominator = share.as_integer_ratio()
    return pl.col("covered") * denominator >= pl.col("applicable") * numerator


def _percent(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """100 x part / whole in units of the last decimal, half up."""
    return (part * (200 * 10**COVERAGE_DECIMALS) + whole) // (whole * 2)


def _band(formula: Formula) -> pl.Expr:
    name = pl.lit(None, pl.String)
    for band in reversed(formula.preset.bands):
        start = ceil(band.from_ * 10**formula.preset.decimals)
        name = pl.when(pl.col("composite") >= start).then(pl.lit(band.name)).otherwise(name)
    return name


def _withheld(formula: Formula) -> pl.Expr:
    """The gates in their order, each giving its reason or null."""
    preset = formula.preset
    short = ~_covers(preset.coverage_min) | (pl.col("metrics_scored") == 0)
    missing = [pl.col(f"has {category}").not_() for category in preset.required_categories]
    no_sex = (pl.col("basis") == "neutral") & (preset.unknown_gender_policy == "no_score")
    return (
        pl.when(pl.col("minor")).then(pl.lit(Withheld.MINOR.value))
        .when(pl.col("pregnant")).then(pl.lit(Withheld.PREGNANCY.value))
        .when(no_sex).then(pl.lit(Withheld.SEX_UNKNOWN.value))
        .when(_covers(preset.coverage_complete)).then(pl.lit(None, pl.String))
        .when(short).then(pl.lit(Withheld.COVERAGE.value))
        .when(pl.col("metrics_scored") < preset.min_metrics).then(pl.lit(Withheld.TOO_FEW_METRICS.value))
        .when(pl.any_horizontal(pl.lit(False), *missing)).then(pl.lit(Withheld.CATEGORY_MISSING.value))
    )  # fmt: skip


def _contribution_rows(contributions: pl.DataFrame) -> pl.DataFrame:
    remark = pl.when("context_unknown").then(pl.lit(Flag.CONTEXT_UNKNOWN.value)).otherwise(pl.lit(""))
    both = (pl.col("flags") != "") & pl.col("context_unknown")
    joint = pl.when(both).then(pl.lit("|")).otherwise(pl.lit(""))
    renamed = contributions.select(
        "patient_id",
        "metric_code",
        "metric_id",
        "category",
        pl.col("day").alias("measured_on"),
        pl.col("value").alias("value_text"),
        pl.col("unit").alias("unit_text"),
        "comparator",
        pl.col("canonical").alias("value"),
        pl.col("canonical_unit").alias("unit"),
        "optimal_status",
        "subscore",
        pl.col("weight_used").alias("weight"),
        "effective_weight",
        "contribution",
        "headroom",
        pl.concat_str("flags", joint, remark).alias("flags"),
        "source_table",
        "source_id",
    )
    return renamed.select(list(CONTRIBUTION_SCHEMA))


def _exclusion_rows(rows: pl.LazyFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """`settled` has the rows in their order, so the reasons can simply be put beside them."""
    reason = settled["reason"]
    named = rows.select(name for name in EXCLUSION_SCHEMA if name != "reason").collect()
    return named.with_columns(reason.cast(pl.String)).filter(reason.is_not_null())


def _judged_exactly(
    found: Scores, close: pl.Series, rows: pl.LazyFrame, people: pl.DataFrame, formula: Formula
) -> Scores:
    """Replace the rows of the patients in `close` by what the exact engine says."""
    of_patient: dict[str, list] = {patient: [] for patient in close}
    for row in rows.filter(pl.col("patient_id").is_in(close.implode())).collect().iter_rows(named=True):
        of_patient[row["patient_id"]].append(as_measurement(row))
    scored = {
        person["patient_id"]: score_patient(
            of_patient[person["patient_id"]],
            person["basis"],
            person["as_of"],
            formula.preset,
            formula.catalogue,
            birth_date=person["birth_date"],
            pregnant=person["pregnant"],
            on_hormone_therapy=person["on_hormone_therapy"],
        )
        for person in people.filter(pl.col("patient_id").is_in(close.implode())).iter_rows(named=True)
    }
    exact = frames_of(scored, formula.preset.decimals)
    kept = ~pl.col("patient_id").is_in(close.implode())
    order = people.select("patient_id")
    return Scores(
        scores=order.join(pl.concat([found.scores.filter(kept), exact.scores]), on="patient_id", maintain_order="left"),
        contributions=pl.concat([found.contributions.filter(kept), exact.contributions]),
        exclusions=pl.concat([found.exclusions.filter(kept), exact.exclusions]),
        settled_exactly=len(close),
    )
