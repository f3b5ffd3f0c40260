"""Table by table: how it is stored, and what is in each of its columns."""

from __future__ import annotations

import polars as pl

from ennu_lib.audit.profile import EMPTY_KINDS
from ennu_lib.audit.scan import Scan
from ennu_lib.report import note, table
from ennu_lib.report.html import Html, block, element, inline, join
from ennu_lib.source import Oddity, Quirks

ALL = 10_000
NAMED = 6


def details(scan: Scan, codes: pl.DataFrame, quirks: Quirks | None = None) -> Html:
    """Every column of every table and how the table is stored, one folded section per table."""
    quirks = quirks or Quirks()
    described = scan.columns.join(scan.classes.select("table", "column", "class"), on=["table", "column"], how="left")
    wrong = scan.defects.group_by("table", "column").agg(
        pl.format("{} {}", pl.col("defect").str.replace_all("_", " "), "rows").str.join(", ").alias("defects")
    )
    listed = codes.group_by("table", "column", maintain_order=True).agg(
        pl.format("{} ({})", "value", "rows").str.join(", ").alias("codes")
    )
    whole = described.join(wrong, on=["table", "column"], how="left").join(listed, on=["table", "column"], how="left")
    parts = []
    for (name,), columns in whole.partition_by("table", as_dict=True, maintain_order=True).items():
        drawn = _details_of(name, columns)
        summary = element(
            "summary", element("code", name), f" · {columns.height:,} columns · {columns['rows'][0]:,} rows"
        )
        parts.append(element("details", summary, *_stored(name, quirks), drawn))
    if not parts:
        return note("No table was read, so there are no columns to show.", "attention")
    return block("columns", join(parts))


def _stored(name: str, quirks: Quirks) -> list[Html]:
    """How a table is stored, and its quirks, in a line each."""
    told = [f"Stored as: {quirks.storage[name]}."] if name in quirks.storage else []
    own = [_quirk(oddity) for oddity in quirks.found if oddity.table == name]
    if own:
        told.append(f"Quirks: {'; '.join(own)}.")
    return [element("p", inline(line), class_="ennu-note-line") for line in told]


def _quirk(oddity: Oddity) -> str:
    more = [f"and {len(oddity.columns) - NAMED} more"] if len(oddity.columns) > NAMED else []
    places = ", ".join([*(f"`{column}`" for column in oddity.columns[:NAMED]), *more])
    added = "; ".join(part for part in (places, oddity.detail) if part)
    return f"{str(oddity.quirk).replace('_', ' ')}{f' ({added})' if added else ''}"


def _details_of(name: str, columns: pl.DataFrame) -> Html:
    shown = columns.select(
        "column",
        "declared",
        "found",
        pl.col("class").str.replace_all("_", " "),
        "filled",
        *EMPTY_KINDS,
        "distinct",
        pl.col("pattern").fill_null(""),
        _range(),
        pl.col("defects").fill_null(""),
        pl.col("codes").fill_null(""),
    )
    return table(
        shown,
        caption=f"Columns of {name}",
        formats={"filled": "percent", **dict.fromkeys(EMPTY_KINDS, "sparse")},
        labels={"zero_date": "zero date", "sentinel_date": "sentinel date", "range": "quartiles"},
        rows=ALL,
    )


def _range() -> pl.Expr:
    """The quartiles of numbers that are no identifiers; a single smallest or largest value could be somebody's."""
    harmless = (
        pl.col("class").is_in(["clinical", "operational", "none"])
        & pl.col("q25").is_not_null()
        & (pl.col("rows") >= 11)
    )
    spread = pl.format("{} – {} – {}", *(pl.col(q).round(2) for q in ("q25", "median", "q75")))
    return pl.when(harmless).then(spread).otherwise(pl.lit("")).alias("range")
