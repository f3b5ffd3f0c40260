"""What is wrong with the values of a column or the rows of a table, by name and with a count; nothing is repaired here.

Every count is of all rows, streaming. Rules that compare one row or one table with another belong to remediation;
orphans are the exception, since relations are found here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping

import polars as pl

from ennu_lib.audit.classes import PersonalClass
from ennu_lib.audit.names import has, words
from ennu_lib.audit.params import AuditParams, DefectCheck
from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

DEFECTS = {"table": pl.String, "column": pl.String, "defect": pl.String, "rows": pl.Int64, "share": pl.Float64}
ISO = r"^\d{4}-\d\d-\d\d"
LEAST_FOR_FENCES = 100
USUAL = 0.3


def find_defects(
    columns: pl.DataFrame,
    classes: pl.DataFrame,
    relations: pl.DataFrame,
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    params: AuditParams,
    today: dt.date,
    progress: Callable[[int, int, str], None] | None = None,
) -> pl.DataFrame:
    """One row per defect and column (per table for repeated rows), most rows first."""
    class_of = {(r["table"], r["column"]): r["class"] for r in classes.iter_rows(named=True)}
    rows = list(_from_profile(columns, class_of, params)) + list(_orphans(relations))
    tables = columns.partition_by("table", as_dict=True, maintain_order=True)
    for number, ((name,), described) in enumerate(tables.items(), start=1):
        source = Source.of(extracted[name], workspace)
        rows += _in_values(source, described, class_of, params, today)
        if not extracted[name].key:
            rows += _repeated_rows(source)
        if progress:
            progress(number, len(tables), name)
    found = pl.DataFrame(rows, schema=DEFECTS, infer_schema_length=None)
    return found.sort("rows", "table", "column", "defect", descending=[True, False, False, False])


def _from_profile(columns: pl.DataFrame, class_of: Mapping, params: AuditParams) -> Iterator[dict]:
    for column in columns.iter_rows(named=True):
        for defect in ("zero_date", "sentinel_date"):
            if column[defect]:
                yield _row(column, defect, column[defect])
        if column["blank"] or column["empty"]:
            yield _row(column, "blank", column["blank"] + column["empty"])
        if column["outside"]:
            yield _row(column, "out_of_range", column["outside"])
        missing = column["null"] + column["empty"] + column["blank"]
        if missing and missing < column["rows"] and has(words(column["column"]), params.defects.units):
            yield _row(column, "unit_missing", missing)


def _orphans(relations: pl.DataFrame) -> Iterator[dict]:
    for relation in relations.filter(pl.col("orphans") > 0).iter_rows(named=True):
        yield _row({**relation, "rows": relation["filled_rows"]}, "orphan", relation["orphans"])


def _in_values(
    source: Source, described: pl.DataFrame, class_of: Mapping, params: AuditParams, today: dt.date
) -> Iterator[dict]:
    wanted: dict[tuple[str, str], pl.Expr] = {}
    by_name = {c["column"]: c for c in described.iter_rows(named=True)}
    for name, column in by_name.items():
        kind = PersonalClass(class_of[column["table"], name])
        for defect, expression in _counts(column, kind, params, today):
            at = (name, defect)
            wanted[at] = wanted[at] + expression if at in wanted else expression
    at_once = params.profile.columns_at_once * 5
    keys = list(wanted)
    for start in range(0, len(keys), at_once):
        part = keys[start : start + at_once]
        counted = source.frame.select(wanted[key].alias("\0".join(key)) for key in part)
        for (name, defect), count in zip(part, counted.collect(engine="streaming").row(0), strict=True):
            if count:
                yield _row(by_name[name], defect, count)


def _counts(column: dict, kind: PersonalClass, params: AuditParams, today: dt.date) -> Iterator[tuple[str, pl.Expr]]:
    value, name = pl.col(column["column"]), words(column["column"])
    if not column["filled"] and not column["longest"]:
        return
    if column["kept"] == "String":
        yield from (
            (check.defect, _matching(value, check)) for check in params.defects.checks if _applies(check, column, kind)
        )
        if (column["longest"] or 0) > params.profile.long_text:
            yield "overlong_text", (value.str.len_chars() > params.profile.long_text).sum()
        if 1 < (column["distinct"] or 0) <= params.defects.spelling_distinct:
            plain = value.str.to_lowercase().str.replace_all(r"[\s._-]", "")
            yield "mixed_spelling", value.n_unique() - plain.n_unique()
            if has(name, params.defects.abbreviated):
                letters = value.str.strip_chars().str.len_chars()
                short = (letters <= params.defects.abbreviation).sum()
                yield (
                    "abbreviated_beside_written_out",
                    pl.min_horizontal(short, (letters > params.defects.abbreviation).sum()),
                )
                digits, others = value.str.contains(r"^\s*\d+\s*$").sum(), value.str.contains(r"^\s*\p{L}").sum()
                yield "digits_beside_letters", pl.min_horizontal(digits, others)
        if column["latest"] and not has(name, params.defects.future_expected):
            limit = (today + dt.timedelta(days=params.defects.future_days)).isoformat()
            day = value.str.slice(0, 10)
            ahead = value.str.contains(ISO) & (day > limit) & (day < "2079-06-06")
            yield "future_date", ahead.sum()
    elif column["q25"] is not None and (column["distinct"] or 0) >= LEAST_FOR_FENCES:
        reach = (column["q75"] - column["q25"]) * params.profile.outlier_fences
        if reach > 0 and has(name, ("value", "amount", "total", "price", "weight", "height", "result", "score")):
            number = value.cast(pl.Float64)
            yield "outlier", (~number.is_between(column["q25"] - reach, column["q75"] + reach)).sum()


def _applies(check: DefectCheck, column: dict, kind: PersonalClass) -> bool:
    named = has(words(column["column"]), check.words) is not None
    shaped = any(p["pattern"] in check.patterns and p["share"] >= USUAL for p in column["patterns"])
    return kind in check.classes or named or shaped or not (check.classes or check.words or check.patterns)


def _matching(value: pl.Expr, check: DefectCheck) -> pl.Expr:
    if check.values:
        return value.str.strip_chars().str.to_lowercase().is_in(list(check.values)).sum()
    if check.like is not None:
        return (~value.str.contains(f"^(?:{check.like})$") & (value.str.strip_chars() != "") & ~_no_date(value)).sum()
    return value.str.contains(check.contains).sum()


def _no_date(value: pl.Expr) -> pl.Expr:
    return value.str.starts_with("0000-00-00")


def _repeated_rows(source: Source) -> Iterator[dict]:
    """Rows that stand there more than once, by a 64-bit hash of the whole row."""
    if not source.table.rows:
        return
    hashed = source.frame.select(pl.struct(pl.all()).hash().n_unique())
    repeated = source.table.rows - hashed.collect(engine="streaming").item()
    if repeated:
        yield _row({"table": source.table.table, "column": "", "rows": source.table.rows}, "duplicate_row", repeated)


def _row(column: Mapping, defect: str, count: int) -> dict:
    rows = column["rows"] or 0
    return {
        "table": column["table"],
        "column": column["column"],
        "defect": defect,
        "rows": int(count),
        "share": count / rows if rows else None,
    }
