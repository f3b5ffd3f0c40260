"""Table by table: how it is stored, and what is in each of its columns."""

from __future__ import annotations

import polars as pl

from ennu_lib.audit.classes import IDENTIFIERS
from ennu_lib.audit.profile import EMPTY_KINDS
from ennu_lib.audit.scan import Scan
from ennu_lib.report import note, table
from ennu_lib.report.html import Html, block, element, inline, join
from ennu_lib.report.masking import LIMIT, MARK, SafeCounts
from ennu_lib.source import Oddity, Quirks

ALL = 10_000
NAMED = 6


def details(scan: Scan, codes: pl.DataFrame, quirks: Quirks | None = None) -> Html:
    """Every column of every table and how the table is stored, one folded section per table.

    The distributable form withholds counts of 1 to 10 rows of tables that hold identifiers: they may be as many people.
    """
    quirks = quirks or Quirks()
    of_people = set(scan.classes.filter(pl.col("class").is_in([str(c) for c in IDENTIFIERS]))["table"])
    described = scan.columns.join(scan.classes.select("table", "column", "class"), on=["table", "column"], how="left")
    wrong = scan.defects.group_by("table", "column").agg(
        _named_defects("rows").alias("defects"), _named_defects(_unless_few("rows")).alias("defects_of_people")
    )
    listed = codes.group_by("table", "column", maintain_order=True).agg(
        pl.format("{} ({})", "value", "rows").str.join(", ").alias("codes")
    )
    whole = described.join(wrong, on=["table", "column"], how="left").join(listed, on=["table", "column"], how="left")
    parts, public = [], []
    for (name,), columns in whole.partition_by("table", as_dict=True, maintain_order=True).items():
        drawn = _details_of(name, columns)
        summary = element(
            "summary", element("code", name), f" · {columns.height:,} columns · {columns['rows'][0]:,} rows"
        )
        parts.append(element("details", summary, *_stored(name, quirks), drawn))
        safe = _few_withheld(name, columns) if name in of_people else drawn
        public.append(element("details", summary, *_stored(name, quirks), safe))
    if not parts:
        return note("No table was read, so there are no columns to show.", "attention")
    return Html(block("columns", join(parts)).markup, block("columns", join(public)).markup)


def _named_defects(rows: str | pl.Expr) -> pl.Expr:
    return pl.format("{} {}", pl.col("defect").str.replace_all("_", " "), rows).str.join(", ")


def _unless_few(rows: str) -> pl.Expr:
    return pl.when(pl.col(rows).is_between(1, LIMIT)).then(pl.lit(MARK)).otherwise(pl.col(rows).cast(pl.String))


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
    return _drawn(name, _shown(columns, "defects"))


def _few_withheld(name: str, columns: pl.DataFrame) -> Html:
    """The same without small counts, and without what they could be worked out from."""
    withheld = frozenset(
        (number, part) for number, row in enumerate(columns.iter_rows(named=True)) for part in _parts_withheld(row)
    )
    return _drawn(name, SafeCounts(_shown(columns, "defects_of_people"), withheld))


def _parts_withheld(column: dict) -> set[str]:
    """The kinds of emptiness and the filled rows add up to the rows of the table: one alone cannot be withheld."""
    empty = {kind: column[kind] for kind in EMPTY_KINDS}
    parts = {**empty, "filled": (column["rows"] or 0) - sum(empty.values())}
    few = {name for name, count in parts.items() if 1 <= count <= LIMIT}
    if few == {"filled"}:
        return {"filled", max(empty, key=empty.get)}
    return few | {"filled"} if few else set()


def _shown(columns: pl.DataFrame, defects: str) -> pl.DataFrame:
    return columns.select(
        "column",
        "declared",
        "found",
        pl.col("class").str.replace_all("_", " "),
        "filled",
        *EMPTY_KINDS,
        "distinct",
        pl.col("pattern").fill_null(""),
        _range(),
        pl.col(defects).fill_null("").alias("defects"),
        pl.col("codes").fill_null(""),
    )


def _drawn(name: str, shown: pl.DataFrame | SafeCounts) -> Html:
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
