"""What the audit shows, block by block; the notebook and the page of `ennu audit` use the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from ennu_lib.audit.classes import NOT_PERSONAL, PersonalClass
from ennu_lib.audit.drawings import growth_chart, relation_graph
from ennu_lib.audit.profile import EMPTY_KINDS
from ennu_lib.audit.quirks import quirk_kinds
from ennu_lib.audit.ranking import UNDECIDED
from ennu_lib.audit.scan import Scan
from ennu_lib.report import charts, figure, note, show, table
from ennu_lib.report.html import Html
from ennu_lib.source import Extracted

CLASSES = {
    "full": (1, 2),
    "95 % and more": (0.95, 1),
    "50 to 95 %": (0.5, 0.95),
    "below 50 %": (1e-12, 0.5),
    "empty": (-1, 1e-12),
}
HEAT_TABLES, GROWTH_TABLES, VOLUME_GROUPS = 25, 12, 18
ALL = 10_000


def ranked_table(ranked: pl.DataFrame) -> Html:
    """Every table, those that need attention first."""
    shown = ["table", "risk", "rows", "bytes", "last_change", "identifiers", "defects", "disposition", "why"]
    if (ranked["disposition"] == UNDECIDED).all():
        shown.remove("disposition")
    return table(
        ranked.select(shown).with_columns(
            pl.col("last_change").str.replace("-", "\u2011", literal=True),
            *(pl.col(c).str.replace(":", ": ").str.replace_all("_", " ") for c in shown if c == "disposition"),
        ),
        caption="All tables, those that need attention first",
        formats={"bytes": "bytes", "identifiers": "sparse", "defects": "sparse"},
        labels={
            "last_change": "Last written", "identifiers": "Identifying columns", "defects": "Kinds of defects",
            "why": "What else speaks for care",
        },
        note="Bytes are those of the compressed copy. A table without a number of identifying columns was not read.",
        rows=ALL,
    )  # fmt: skip


def volume_chart(ranked: pl.DataFrame, by: str = "moves_with") -> Html:
    """Rows per group of tables."""
    volume = (
        ranked.group_by(by)
        .agg(pl.col("rows").sum())
        .filter(pl.col("rows") > 0)
        .sort("rows", by, descending=[True, False])
    )
    if volume.is_empty():
        return note("No table has a row.", "attention")
    return figure(
        charts.bars(dict(volume.head(VOLUME_GROUPS).iter_rows()), measure="rows"),
        alt="Rows per group of tables, one bar per group, largest first; the ranked table has the rows of every table.",
        caption=f"Rows by group of tables, the largest {min(volume.height, VOLUME_GROUPS)} of {volume.height} groups",
    )


def completeness_map(columns: pl.DataFrame) -> Html:
    """How full the columns of the largest tables are."""
    sizes = columns.group_by("table").agg(pl.col("rows").first()).filter(pl.col("rows") > 0)
    largest = sizes.sort("rows", "table", descending=[True, False]).head(HEAT_TABLES)["table"].to_list()
    shares = {
        name: {word: float(((full >= low) & (full < high)).mean()) for word, (low, high) in CLASSES.items()}
        for name in largest
        if len(full := columns.filter(pl.col("table") == name)["filled"].drop_nulls())
    }
    if not shares:
        return note("No table has a row, so there is no completeness to draw.", "attention")
    return figure(
        charts.completeness(shares, measure="share of columns, %"),
        alt="Share of the columns of each of the largest tables that are full, nearly full, half full or empty.",
        caption=f"How full the columns of the {len(shares)} largest tables are (share of columns in each class)",
    )


def sparse_table(columns: pl.DataFrame) -> Html:
    """Columns that are filled in fewer than half of their rows, emptiest first; few filled rows may be few people."""
    sparse = columns.filter(pl.col("filled") < 0.5).sort("filled", "table", "column")
    empty = pl.sum_horizontal(EMPTY_KINDS)
    return table(
        sparse.select("table", "column", "declared", "found", (pl.col("rows") - empty).alias("filled rows"), "filled"),
        caption="Columns filled in fewer than half of the rows",
        formats={"filled": "percent"},
        people=["filled rows"],
        shares={"filled": "filled rows"},
        rows=40,
    )


def growth_figure(scan: Scan, today: str) -> Html:
    """Rows per month of the largest tables that date their rows."""
    sizes = scan.growth.group_by("table").agg(pl.col("rows").sum()).filter(pl.col("rows") >= 11 * YEARLY)
    tables = sizes.sort("rows", "table", descending=[True, False]).head(GROWTH_TABLES)["table"].to_list()
    if not tables:
        return note("No table dates enough of its rows for a chart of its growth.")
    return figure(
        growth_chart(scan.growth, tables, today),
        alt="Rows a month over the last ten years, a panel for each of the largest tables.",
        caption="Growth of the largest tables, rows a month; months with 1 to 10 rows are drawn as none",
    )


YEARLY = 12


def quirk_table(found: pl.DataFrame, untold: Sequence[str] = ()) -> Html:
    """Kinds of quirks of how tables are stored, those that endanger the move first."""
    return table(
        quirk_kinds(found),
        caption="How tables are stored, where that is unusual, by kind",
        formats={"columns": "sparse"},
        labels={"endangers": "endangers the move"},
        note=f"This user may not ask the server for: {', '.join(untold)}." if untold else
        "Table by table they are in the details of every column and in the evidence.",
        rows=ALL,
    )  # fmt: skip


def relation_figure(scan: Scan) -> Html:
    """Groups of tables and the relations between them."""
    if scan.relations.is_empty():
        return note("No relation was found, so there is no graph to draw.", "attention")
    rows = dict(scan.columns.group_by("table").agg(pl.col("rows").first()).iter_rows())
    return figure(
        relation_graph(scan, rows),
        alt="Groups of tables as boxes and relations as arrows from child to parent; a table lists each one.",
        caption="What points at what: arrows go from child to parent; numbers count relations to the patients",
    )


def relation_table(scan: Scan, declared: pl.DataFrame) -> Html:
    """Every relation with what speaks for it."""
    at = ["table", "column", "parent", "parent_column"]
    found = scan.relations.join(declared.with_columns(pl.lit(True).alias("declared")), on=at, how="left")
    shown = found.select(
        pl.format("{}.{}", "table", "column").alias("child"),
        pl.format("{}.{}", "parent", "parent_column").alias("points at"),
        "confidence",
        pl.col("declared").fill_null(False),
        pl.col("name_evidence").str.replace_all("_", " ").alias("name"),
        pl.col("type_evidence").alias("type"),
        "values", "inclusion", "coverage", "orphans", "rivals",
    )  # fmt: skip
    return table(
        shown,
        caption="Relations, surest first",
        formats={"confidence": "decimal:2", "inclusion": "percent", "coverage": "percent", "orphans": "sparse"},
        note="Values: different values looked up. Inclusion: share of rows whose parent exists. Coverage: share of "
        "parents that are pointed at. The confidence is that of names and values; only what they do not tell rests "
        "on a declared key.",
        rows=ALL,
    )


def keyless_table(scan: Scan, extracted: Mapping[str, Extracted]) -> Html:
    """Tables that were read and have no primary key, and the columns that could be one."""
    keyless = [t for t in extracted.values() if t.file and not t.key]
    one = dict(scan.keys.group_by("table").agg(pl.col("column").str.join("; ")).iter_rows())
    several = dict(scan.composites.group_by("table").agg(pl.col("columns").list.join(" + ").str.join("; ")).iter_rows())
    twice = dict(scan.defects.filter(pl.col("defect") == "duplicate_row").select("table", "rows").iter_rows())
    rows = [(t.table, t.rows, twice.get(t.table, 0), one.get(t.table, ""), several.get(t.table, "")) for t in keyless]
    schema = {"table": pl.String, "rows": pl.Int64, "repeated": pl.Int64}
    schema |= {"one column": pl.String, "several columns": pl.String}
    return table(
        pl.DataFrame(rows, schema=schema, orient="row").sort("rows", "table", descending=[True, False]),
        caption="Tables without a primary key, and what tells their rows apart",
        formats={"repeated": "sparse"},
        note="Several columns are looked for where no single one does it. Where nothing is named, rows repeat, or they "
        "are too few or too many to look: params/audit/profile.yml, composite_keys.",
        rows=ALL,
    )


def order_blocks(scan: Scan) -> Html:
    """The order of the move, the relations cut for it, and the groups that move together."""
    steps = scan.order.group_by("step").agg(
        pl.len().alias("tables"), pl.col("table").sort().str.join(", ").alias("names")
    )
    together = scan.groups.group_by("moves_with").agg(
        pl.len().alias("tables"), pl.col("table").sort().str.join(", ").alias("names")
    )
    return show(
        table(
            together.sort("tables", "moves_with", descending=[True, False]),
            caption="Tables that move together",
            labels={"moves_with": "group"},
            rows=ALL,
        ),
        table(steps.sort("step"), caption="Order of the move: a table moves after everything it points at", rows=ALL),
        table(scan.cuts, caption="Relations that are cut and set in a second pass", rows=ALL),
    )


def orphan_table(scan: Scan) -> Html:
    """Rows that point at nothing, and how many patients they touch."""
    return table(
        scan.orphans,
        caption="Rows that point at nothing, and the patients they touch",
        labels={"missing_parents": "different missing parents", "by": "patients found by"},
        formats={"share": "percent:2"},
        people=["patients"],
        rows=ALL,
    )


def sensitivity_table(checked: pl.DataFrame) -> Html:
    """Mapped columns whose class asks for a sensitive property, those that lack one first."""
    return table(
        checked.with_columns(pl.col("class").str.replace_all("_", " ")),
        caption="Columns whose class asks for a sensitive property, and what the portal's schema gives them",
        rows=ALL,
    )


def class_table(classes: pl.DataFrame) -> Html:
    """Columns and tables per class."""
    counted = classes.group_by("class").agg(
        pl.len().alias("columns"),
        pl.col("table").n_unique().alias("tables"),
        (pl.col("decided") == "person").sum().alias("decided by a person"),
    )
    place = {str(c): i for i, c in enumerate(PersonalClass)}
    ordered = counted.with_columns(pl.col("class").replace_strict(place, default=99).alias("at")).sort("at").drop("at")
    return table(
        ordered.with_columns(pl.col("class").str.replace_all("_", " ")),
        caption="Columns by class of personal data: the identifiers of 45 CFR 164.514(b)(2), then the rest",
        formats={"decided by a person": "sparse"},
    )


def personal_table(classes: pl.DataFrame) -> Html:
    """Every column with personal data and the reason, by table."""
    personal = classes.filter(~pl.col("class").is_in([str(c) for c in NOT_PERSONAL]) & (pl.col("class") != "clinical"))
    return table(
        personal.with_columns(pl.col("class").str.replace_all("_", " ")).sort("table", "column"),
        caption="Columns that hold an identifier, and why",
        rows=ALL,
    )


def defect_table(defects: pl.DataFrame) -> Html:
    """Kinds of defects with where they are."""
    kinds = defects.group_by("defect").agg(
        pl.col("table").n_unique().alias("tables"),
        pl.len().alias("columns"),
        pl.col("rows").sum(),
        pl.format("{}.{}", "table", "column")
        .sort_by("rows", descending=True)
        .head(4)
        .str.join(", ")
        .alias("most of them in"),
    )
    return table(
        kinds.with_columns(pl.col("defect").str.replace_all("_", " ")).sort("rows", "defect", descending=[True, False]),
        caption="What is wrong in columns and tables, by kind",
        note="All of them, column by column, are in the evidence and in the details below.",
        people=["rows"],
        rows=ALL,
    )
