"""How frames look on their way into a database: dates as text, tables as CSV."""

from __future__ import annotations

from io import BytesIO

import polars as pl

from ennu_lib.catalog import Table
from ennu_lib.clinic.defects import ZERO_DATE

ZERO_TEXT = "0000-00-00"
NO_ZERO_DATES = "0001-01-01"
MIDNIGHT = " 00:00:00"
FORMATS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M:%S"}


def dates_as_text(table: Table, frame: pl.DataFrame, zero: str = ZERO_TEXT) -> pl.DataFrame:
    """Dates and times in ISO form; `zero` stands for "no date": 0001-01-01 in frames, or the text 0000-00-00."""
    dated = [column for column in table.columns if column.type.kind in FORMATS]
    return frame.with_columns(_date_text(frame[column.name], column.type.kind, zero) for column in dated)


def _date_text(dates: pl.Series, kind: str, zero: str) -> pl.Series:
    if dates.dtype == pl.String:
        return dates if zero == ZERO_TEXT else dates.str.replace(f"^{ZERO_TEXT}", zero)
    text = dates.dt.to_string(FORMATS[kind])
    if dates.min() is None or dates.dt.year().min() > ZERO_DATE.year:
        return text
    return text.str.replace("^0001-01-01", zero)


def as_csv(table: Table, frame: pl.DataFrame, zero: str, blob_prefix: str = "") -> BytesIO:
    """The frame as CSV without a header: text in quotes, NULL the bare word, bytes in hexadecimal, booleans 0 and 1."""
    blobs = [column.name for column in table.columns if column.type.kind == "blob"]
    flags = [column.name for column in table.columns if column.type.kind == "boolean"]
    plain = dates_as_text(table, frame, zero).with_columns(
        *((pl.lit(blob_prefix) + pl.col(name).bin.encode("hex")).alias(name) for name in blobs),
        *(pl.col(name).cast(pl.Int8) for name in flags),
    )
    rendered = BytesIO()
    plain.write_csv(rendered, include_header=False, quote_style="non_numeric", null_value="NULL")
    rendered.seek(0)
    return rendered
