"""Every measurement of the clinic in one frame: which biomarker, what number, in which unit, plausible or not.

Test names and unit spellings are looked at once per distinct value; the rest is joins. Made once per run and read by
all rules about measurements.
"""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.rules.parsing import day, says_nothing
from ennu_lib.rules.tables import KEY, Tables

NUMBER = (
    r"^\s*(?:=\s*)?(?:[<>]=?|≤|≥)?\s*([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?\.?\d*)\s*(?:[HLA*]{1,2}|\([HLA]{1,2}\))?\s*$"
)
PRESSURES = r"^([0-9]{2,3})\s*/\s*([0-9]{2,3})(?:\s*mm\s?Hg)?$"
VALUE_THEN_UNIT = r"^([<>=]*\s*-?[0-9][0-9.,]*)\s*([^\s0-9.,].*?)$"
STRICT = r"^(?:[<>]=?\s?)?-?\d+(?:\.\d+)?$"
SHAPE = {
    "table": pl.String,
    KEY: pl.String,
    "patient_id": pl.String,
    "name": pl.String,
    "metric": pl.String,
    "text": pl.String,
    "unit": pl.String,
    "date": pl.Date,
    "range": pl.String,
    "flag": pl.String,
    "twin": pl.String,
    "lab": pl.String,
}


def measured(tables: Tables) -> pl.LazyFrame:
    """Laboratory results, member metrics and chart entries.

    Columns: SHAPE, and `number`, `ucum`, `factor`, `offset` (null where no fixed factor exists), `canonical`, `low`,
    `high` (plausible limits), `critical_low`, `critical_high`, `listed` (the unit is one of the metric's), `home` (the
    metric's canonical unit). `twin` is the laboratory result that a member metric was copied from, `name` what the
    laboratory called the test, `lab` which laboratory it was. A chart entry has its unit behind the value, if at all.
    """
    return tables.made("measured", _build)


def _build(tables: Tables) -> pl.LazyFrame:
    parts = []
    if tables.has("lab_results"):
        parts.append(_laboratory(tables))
    if tables.has("25againmembermetrics"):
        parts.append(_members(tables))
    if tables.has("custom_chart_entries"):
        parts.append(_charted(tables))
    frame = pl.concat(parts) if parts else pl.LazyFrame(schema=SHAPE)
    frame = frame.with_columns(
        number=pl.col("text").str.extract(NUMBER, 1).str.replace_all(",", "").cast(pl.Float64, strict=False),
        spelled=pl.col("unit").str.strip_chars().str.replace_all(r"\s+", " "),
    )
    frame = frame.join(_units(frame, tables.biomarkers).lazy(), on=["metric", "spelled"], how="left")
    frame = frame.join(_limits(tables.biomarkers).lazy(), on="metric", how="left")
    by_unit = pl.col("number") * pl.col("factor") + pl.col("offset")
    # The name of a chart entry says its unit: WaistInches, Body Fat %.
    by_name = pl.when((pl.col("table") == "custom_chart_entries") & says_nothing("unit")).then("number")
    return frame.with_columns(canonical=pl.coalesce(by_unit, by_name))


def metric_of_tests(tests: pl.LazyFrame, biomarkers: BiomarkerCatalogue) -> pl.LazyFrame:
    """`tests` (test_code, loinc_code, test_name) with `metric`, found by code, LOINC, name, in this order."""
    distinct = tests.select("test_code", "loinc_code", "test_name").unique().collect(engine="streaming")
    found = [
        None if (hit := biomarkers.resolve(name, loinc, code)) is None else hit.metric_code
        for code, loinc, name in distinct.iter_rows()
    ]
    known = distinct.with_columns(pl.Series("metric", found, dtype=pl.String)).lazy()
    return tests.join(known, on=["test_code", "loinc_code", "test_name"], how="left", nulls_equal=True)


def _laboratory(tables: Tables) -> pl.LazyFrame:
    frame = tables(
        "lab_results", "patient_id", "test_code", "loinc_code", "test_name", "test_value", "test_unit", "collected_at",
        "reference_range", "result_status", "lab_order_id",
    )  # fmt: skip
    frame = frame.join(_laboratories(tables), on="lab_order_id", how="left")
    return metric_of_tests(frame, tables.biomarkers).select(
        pl.lit("lab_results").alias("table"),
        KEY,
        "patient_id",
        pl.col("test_name").alias("name"),
        "metric",
        pl.col("test_value").alias("text"),
        pl.col("test_unit").alias("unit"),
        day("collected_at").alias("date"),
        pl.col("reference_range").alias("range"),
        pl.col("result_status").str.strip_chars().str.to_lowercase().alias("flag"),
        pl.lit(None, dtype=pl.String).alias("twin"),
        pl.coalesce("lab_facility", pl.lit("unknown")).alias("lab"),
    )


def _members(tables: Tables) -> pl.LazyFrame:
    codes = pl.LazyFrame(
        {"metric_id": [str(b.metric_id) for b in tables.biomarkers], "metric": [b.code for b in tables.biomarkers]}
    )
    frame = tables(
        "25againmembermetrics", "patient_id", "metric_id", "metric_value", "metric_unit", "metric_date", "lab_result_id"
    )
    original = tables("lab_results", "result_id", "lab_order_id").join(
        _laboratories(tables), on="lab_order_id", how="left"
    )
    original = original.select(pl.col("result_id").alias("lab_result_id"), "lab_facility").unique("lab_result_id")
    return (
        frame.join(original, on="lab_result_id", how="left")
        .join(codes, on="metric_id", how="left")
        .select(
            pl.lit("25againmembermetrics").alias("table"),
            KEY,
            "patient_id",
            pl.col("metric_id").alias("name"),
            "metric",
            pl.col("metric_value").alias("text"),
            pl.col("metric_unit").alias("unit"),
            day("metric_date").alias("date"),
            pl.lit(None, dtype=pl.String).alias("range"),
            pl.lit(None, dtype=pl.String).alias("flag"),
            pl.col("lab_result_id").alias("twin"),
            pl.coalesce("lab_facility", pl.lit("by hand")).alias("lab"),
        )
    )


def _charted(tables: Tables) -> pl.LazyFrame:
    """Chart entries of a biomarker: a name, and one text with value and unit.

    Of 120/80 each pressure takes its own figure. Entries of anything else, such as where an injection was given, are
    no measurements.
    """
    frame = tables("custom_chart_entries", "patient_id", "DateTaken", "FieldName", "FieldValue")
    names = frame.select(test_code=pl.lit(None, dtype=pl.String), loinc_code=pl.lit(None, dtype=pl.String),
                         test_name=pl.col("FieldName"))  # fmt: skip
    known = metric_of_tests(names.unique(), tables.biomarkers).select(FieldName="test_name", metric="metric")
    known = known.drop_nulls()
    frame = frame.join(known.unique("FieldName"), on="FieldName", how="inner")
    value = pl.col("FieldValue").str.strip_chars()
    figure = pl.when(pl.col("metric") == "dbp").then(value.str.extract(PRESSURES, 2)).otherwise(
        value.str.extract(PRESSURES, 1)
    )  # fmt: skip
    figure = pl.when(pl.col("metric").is_in(["sbp", "dbp"])).then(figure)
    return frame.select(
        pl.lit("custom_chart_entries").alias("table"),
        KEY,
        "patient_id",
        pl.col("FieldName").alias("name"),
        "metric",
        pl.coalesce(figure, value.str.extract(VALUE_THEN_UNIT, 1), value).alias("text"),
        pl.when(figure.is_null()).then(value.str.extract(VALUE_THEN_UNIT, 2)).alias("unit"),
        day("DateTaken").alias("date"),
        pl.lit(None, dtype=pl.String).alias("range"),
        pl.lit(None, dtype=pl.String).alias("flag"),
        pl.lit(None, dtype=pl.String).alias("twin"),
        pl.lit("chart").alias("lab"),
    )


def _laboratories(tables: Tables) -> pl.LazyFrame:
    """Which laboratory did an order."""
    return (
        tables("lab_orders", "order_id", "lab_facility")
        .select(pl.col("order_id").alias("lab_order_id"), "lab_facility")
        .unique("lab_order_id")
    )


def _units(frame: pl.LazyFrame, biomarkers: BiomarkerCatalogue) -> pl.DataFrame:
    """What each spelling of a unit means for each metric, and how to convert it."""
    pairs = frame.select("metric", "spelled").drop_nulls().unique().collect(engine="streaming")
    rows = []
    for metric, spelled in pairs.iter_rows():
        biomarker, ucum = biomarkers[metric], biomarkers.units.resolve(spelled, metric)
        listed = ucum is not None and (ucum == biomarker.unit or ucum in biomarker.conversions)
        conversion = biomarker.conversion_from(ucum) if listed and ucum else None
        factor, offset = (float(conversion.factor), float(conversion.offset)) if conversion else (None, None)
        rows.append((metric, spelled, ucum, factor, offset, listed))
    schema = ["metric", "spelled", "ucum", "factor", "offset", "listed"]
    types = [pl.String, pl.String, pl.String, pl.Float64, pl.Float64, pl.Boolean]
    return pl.DataFrame(rows, schema=dict(zip(schema, types, strict=True)), orient="row")


def _limits(biomarkers: BiomarkerCatalogue) -> pl.DataFrame:
    rows = [
        (
            b.code,
            b.unit,
            _bound(b.plausible.low),
            _bound(b.plausible.high),
            _bound(b.critical.low),
            _bound(b.critical.high),
        )
        for b in biomarkers
    ]
    names = ["metric", "home", "low", "high", "critical_low", "critical_high"]
    return pl.DataFrame(
        rows, schema={n: pl.String if n in ("metric", "home") else pl.Float64 for n in names}, orient="row"
    )


def _bound(value) -> float | None:
    return None if value is None else float(value)
