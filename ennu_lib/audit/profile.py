"""What is in every column: emptiness by kind, different values, type found, patterns, spread. Streaming over Parquet.

Counts are of all rows. Patterns, quantiles and the values of code lists come from a sample of rows spread evenly over
the table, and are then marked as such by `sampled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from ennu_lib.audit.names import has, words
from ennu_lib.audit.params import ProfileParams
from ennu_lib.audit.patterns import NO_VALUES, main_pattern, patterns_of, plain_type, text_type, values_of
from ennu_lib.catalog.sentinels import NO_DATES
from ennu_lib.source import KEY, Extracted
from ennu_lib.workspace import Workspace

ZERO_DATE = "0000-00-00"
SENTINELS = [day for day in NO_DATES if day != ZERO_DATE]
COLUMNS = {
    "table": pl.String,
    "column": pl.String,
    "declared": pl.String,
    "kept": pl.String,
    "found": pl.String,
    "rows": pl.Int64,
    "null": pl.Int64,
    "empty": pl.Int64,
    "blank": pl.Int64,
    "zero_date": pl.Int64,
    "sentinel_date": pl.Int64,
    "filled": pl.Float64,
    "distinct": pl.Int64,
    "distinct_exact": pl.Boolean,
    "pattern": pl.String,
    "patterns": pl.List(pl.Struct({"pattern": pl.String, "share": pl.Float64})),
    "sampled": pl.Int64,
    "longest": pl.Int64,
    "mean_length": pl.Float64,
    "smallest": pl.Float64,
    "largest": pl.Float64,
    "mean": pl.Float64,
    "deviation": pl.Float64,
    "q05": pl.Float64,
    "q25": pl.Float64,
    "median": pl.Float64,
    "q75": pl.Float64,
    "q95": pl.Float64,
    "plausible_low": pl.Float64,
    "plausible_high": pl.Float64,
    "outside": pl.Int64,
    "earliest": pl.String,
    "latest": pl.String,
}
EMPTY_KINDS = ("null", "empty", "blank", "zero_date", "sentinel_date")
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Source:
    """One extracted table as a lazy frame without its key column."""

    table: Extracted
    frame: pl.LazyFrame

    @classmethod
    def of(cls, table: Extracted, workspace: Workspace) -> Source:
        """The table as `source/<table>.parquet` has it."""
        return cls(table, workspace.scan(f"source/{table.table}").drop(KEY))


def profile(
    extracted: Iterable[Extracted], workspace: Workspace, params: ProfileParams, progress: Progress | None = None
) -> pl.DataFrame:
    """One row per column of every table that was copied; `filled` is the share of rows that carry a value, 0 to 1."""
    tables = [table for table in extracted if table.file]
    rows: list[dict] = []
    values, waiting = [NO_VALUES], 0
    for number, table in enumerate(tables, start=1):
        for row, seen in profile_table(Source.of(table, workspace), params):
            rows.append(row)
            values.append(seen)
            waiting += seen.height
        if waiting > params.values_at_once or number == len(tables):
            _add_patterns(rows, pl.concat(values), params)
            values, waiting = [NO_VALUES], 0
        if progress:
            progress(number, len(tables), table.table)
    return pl.DataFrame(rows, schema=COLUMNS)


def profile_table(source: Source, params: ProfileParams) -> Iterator[tuple[dict, pl.DataFrame]]:
    """The measures of every column and its sampled values, which have no patterns yet.

    A few columns at a time, so that a table of a thousand columns needs no more memory than a narrow one.
    """
    schema = source.frame.collect_schema()
    names = list(schema)
    for start in range(0, len(names), params.columns_at_once):
        part = names[start : start + params.columns_at_once]
        wanted = [e for name in part for e in _measures(name, schema[name], source.table.rows, params)]
        found = source.frame.select(wanted).collect(engine="streaming").row(0, named=True)
        sample = sample_of(source, part, params)
        for name in part:
            row = _row(source.table, name, schema[name], found, sample[name], params)
            is_text = schema[name] == pl.String
            at = (source.table.table, name)
            yield row, values_of(sample[name], at, params.pattern_values) if is_text else NO_VALUES


def _add_patterns(rows: list[dict], values: pl.DataFrame, params: ProfileParams) -> None:
    shares = patterns_of(values, params.patterns)
    for row in rows:
        if row["found"] is not None:
            continue
        shapes = shares.get((row["table"], row["column"]), {})
        row["found"] = text_type(shapes, params.found_share)
        row["pattern"] = main_pattern(shapes, params.pattern_share)
        row["patterns"] = [{"pattern": pattern, "share": share} for pattern, share in shapes.items()]


def sample_of(source: Source, names: list[str], params: ProfileParams) -> pl.DataFrame:
    """Rows spread evenly over the table, `sample_rows` at most, without the texts' far ends."""
    every = max(1, -(-source.table.rows // params.sample_rows))
    frame = source.frame.select(names)
    return (frame.gather_every(every) if every > 1 else frame).collect(engine="streaming")


def _measures(name: str, dtype: pl.DataType, rows: int, params: ProfileParams) -> Iterator[pl.Expr]:
    value = pl.col(name)

    def named(expression: pl.Expr, what: str) -> pl.Expr:
        return expression.alias(f"{what}\0{name}")

    yield named(value.null_count(), "null")
    if dtype == pl.Binary:
        yield named(value.bin.size().max(), "longest")
        yield named(value.bin.size().mean(), "mean_length")
        return
    yield named(value.n_unique() if rows <= params.exact_distinct_rows else value.approx_n_unique(), "distinct")
    if dtype == pl.String:
        yield named((value == "").sum(), "empty")
        yield named(((value != "") & (value.str.strip_chars() == "")).sum(), "blank")
        yield named(value.str.starts_with(ZERO_DATE).sum(), "zero_date")
        yield named(value.str.slice(0, 10).is_in(SENTINELS).sum(), "sentinel_date")
        yield named(value.str.len_chars().max(), "longest")
        yield named(value.str.len_chars().mean(), "mean_length")
        day = pl.when(value.str.contains(r"^[12]\d{3}-\d\d-\d\d") & ~value.str.slice(0, 10).is_in(SENTINELS)).then(
            value.str.slice(0, 10)
        )
        yield named(day.min(), "earliest")
        yield named(day.max(), "latest")
    elif dtype.is_numeric():
        number = value.cast(pl.Float64)
        yield named(number.min(), "smallest")
        yield named(number.max(), "largest")
        yield named(number.mean(), "mean")
        yield named(number.std(), "deviation")
        if limits := plausible_range(name, params):
            yield named((~number.is_between(*limits)).sum(), "outside")


def plausible_range(name: str, params: ProfileParams) -> tuple[float, float] | None:
    """The range that `params/audit/profile.yml` gives for columns of this name."""
    return next((rule.range for rule in params.plausible if has(words(name), rule.words)), None)


def _row(
    table: Extracted, name: str, dtype: pl.DataType, found: dict, sample: pl.Series, params: ProfileParams
) -> dict:
    of = {what: found.get(f"{what}\0{name}") for what in COLUMNS}
    empty = {kind: of[kind] or 0 for kind in EMPTY_KINDS}
    limits = plausible_range(name, params) if dtype.is_numeric() else None
    return {
        **of,
        **empty,
        **_quantiles(sample, dtype),
        "table": table.table,
        "column": name,
        "declared": table.columns.get(name, ""),
        "kept": str(dtype),
        "found": plain_type(dtype),
        "rows": table.rows,
        "filled": 1 - sum(empty.values()) / table.rows if table.rows else None,
        "distinct": None if of["distinct"] is None else max(0, of["distinct"] - bool(empty["null"])),
        "distinct_exact": table.rows <= params.exact_distinct_rows if of["distinct"] is not None else None,
        "patterns": [],
        "sampled": len(sample),
        "plausible_low": limits[0] if limits else None,
        "plausible_high": limits[1] if limits else None,
    }


def _quantiles(sample: pl.Series, dtype: pl.DataType) -> dict[str, float | None]:
    if not dtype.is_numeric():
        return {}
    numbers = sample.drop_nulls().cast(pl.Float64)
    return {name: numbers.quantile(share) for name, share in QUANTILES.items()}
