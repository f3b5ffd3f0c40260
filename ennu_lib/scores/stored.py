"""Scores that the source stored, passed through verbatim beside ours; how well the two agree is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.scores.metric_names import Columns

TABLE = "25againhealthscores"
DETAILS = "25againhealthscoredetails"
CORRECTIONS = "lab_result_corrections"


def stored_scores(table: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of `25againhealthscores`, every value as the text it is.

    Columns: patient_id, score_date, composite_score_source, source_formula_version, source_table, source_id,
    created_at, gender_used.
    """
    columns = Columns(TABLE, table)
    return table.select(
        patient_id=columns.required("patient_id"),
        score_date=columns.required("score_date"),
        composite_score_source=columns.required("score"),
        source_formula_version=columns.text("formula_version"),
        source_table=pl.lit(TABLE),
        source_id=columns.required("health_score_id"),
        created_at=columns.text("created_at"),
        gender_used=columns.text("gender_used"),
    )


def stored_details(table: pl.LazyFrame | None, codes: Mapping[str, str], catalogue: BiomarkerCatalogue) -> pl.DataFrame:
    """The rows of `25againhealthscoredetails`: what each metric contributed to a stored score, and from what value.

    `codes`: the source's metric number, as text, to metric code; metric_code and metric_id are null for other metrics.
    Columns: score_id, metric_code, metric_id (ours), value, unit, measured_on, points; all but metric_id as text. Empty
    without a table.
    """
    texts = ("score_id", "metric_code", "value", "unit", "measured_on", "points")
    if table is None:
        return pl.DataFrame(schema=dict.fromkeys(texts, pl.String) | {"metric_id": pl.Int64})
    columns = Columns(DETAILS, table)
    known = pl.LazyFrame(
        [(number, code, catalogue[code].metric_id) for number, code in codes.items()],
        schema={"number": pl.String, "metric_code": pl.String, "metric_id": pl.Int64},
        orient="row",
    )
    named = table.select(
        score_id=columns.required("health_score_id"),
        number=columns.required("metric_id"),
        value=_or_null(columns.text("metric_value")),
        unit=columns.text("metric_unit"),
        measured_on=columns.text("metric_date"),
        points=columns.required("points"),
    )
    return named.join(known, on="number", how="left").select(*texts, "metric_id").collect(engine="streaming")


def first_reports(table: pl.LazyFrame | None) -> pl.DataFrame:
    """What `lab_result_corrections` says was reported first: source_id, corrected_at, first_value, first_unit, as text.

    Empty without a table.
    """
    if table is None:
        return pl.DataFrame(schema=dict.fromkeys(("source_id", "corrected_at", "first_value", "first_unit"), pl.String))
    columns = Columns(CORRECTIONS, table)
    return table.select(
        source_id=columns.required("result_id"),
        corrected_at=columns.required("corrected_at"),
        first_value=_or_null(columns.text("old_value")),
        first_unit=_or_null(columns.text("old_unit")),
    ).collect()


def _or_null(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "").then(text)
