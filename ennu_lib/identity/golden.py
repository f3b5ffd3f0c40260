"""Golden records: one row per person, each value from the member that the survivorship rules choose."""

import polars as pl

from ennu_lib.identity.params import Survivorship

_ORDER, _GROUP, _FILLED, _OFTEN, _BEFORE = "__order", "__group", "__filled", "__often_", "__before"
_YES = ("1", "true", "t", "yes", "y")


def golden_records(
    table: pl.DataFrame,
    clusters: pl.DataFrame,
    key: str,
    params: Survivorship,
    empty: dict[str, pl.Expr],
    survived_before: pl.Series | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Build golden records.

    `clusters` gives key and golden_id; `empty` says, per column, which values are placeholders; `survived_before` are
    the keys, as text, of the rows that survived in the last run. Returns the golden records (the table's columns,
    golden_id, members), the losing values with their row and the rule that beat them, and the surviving key of each
    golden_id.
    """
    before = pl.Series(dtype=pl.String) if survived_before is None else survived_before
    ids = clusters.select(pl.col("key").alias(key), "golden_id", members=pl.len().over("golden_id"))
    single = table.join(ids.filter(pl.col("members") == 1), on=key, how="inner")
    several = table.join(ids.filter(pl.col("members") > 1), on=key, how="inner")
    several = several.sort("golden_id", key).with_row_index(_ORDER)
    several = several.with_columns(
        pl.col("golden_id").rle_id().alias(_GROUP), pl.col(key).cast(pl.String).is_in(before.implode()).alias(_BEFORE)
    )
    several = _without_placeholders(several, empty)
    several = _with_counts(several, table.columns, params)
    survivors = _survivors(several, params)
    merged = _merge(several, survivors, params, table.columns)
    golden = pl.concat([single.select(merged.columns), merged]).sort("golden_id")
    alone = single.select("golden_id", survivor=pl.col(key))
    kept = several.filter(pl.col(_ORDER).is_in(survivors["row"].implode())).select("golden_id", survivor=pl.col(key))
    return golden, _losing_values(several, merged, key, params, table.columns), pl.concat([alone, kept])


def _without_placeholders(rows: pl.DataFrame, empty: dict[str, pl.Expr]) -> pl.DataFrame:
    """Blank and placeholder values step aside, unless nobody in the cluster has another."""
    changed = []
    for column in [c for c in rows.columns if c in empty]:
        real = pl.when(~empty[column].fill_null(True)).then(pl.col(column))
        changed.append(
            pl.when(real.is_not_null().any().over(_GROUP)).then(real).otherwise(pl.col(column)).alias(column)
        )
    blank = [c for c, t in rows.schema.items() if t == pl.String and c not in (*empty, "golden_id")]
    changed += [pl.when(pl.col(c).str.strip_chars() != "").then(pl.col(c)).alias(c) for c in blank]
    return rows.with_columns(changed)


def _with_counts(rows: pl.DataFrame, columns: list[str], params: Survivorship) -> pl.DataFrame:
    """Add what the rules rank by: filled-in columns per row, and how often each value occurs in its cluster."""
    frequent = [c for c in columns if "most_frequent" in params.columns.get(c, params.default)]
    filled = pl.sum_horizontal(pl.col(columns).is_not_null())
    often = [pl.len().over(_GROUP, c).alias(_OFTEN + c) for c in frequent]
    return rows.with_columns(filled.alias(_FILLED), *often)


def _survivors(rows: pl.DataFrame, params: Survivorship) -> pl.DataFrame:
    """golden_id, row: the member whose identifier the golden record keeps."""
    ranks, descending = _ranks(None, params.survivor, params, rows)
    best = pl.col(_ORDER).sort_by([*ranks, pl.col(_ORDER)], descending=[*descending, False]).first()
    return rows.group_by("golden_id", maintain_order=True).agg(row=best)


def _merge(rows: pl.DataFrame, survivors: pl.DataFrame, params: Survivorship, columns: list[str]) -> pl.DataFrame:
    rows = rows.with_columns(survives=pl.col(_ORDER).is_in(survivors["row"].implode()))
    together = {c: t.columns[0] for t in params.together for c in t.columns}
    chosen = {}
    for column in columns:
        lead = together.get(column, column)
        lead = lead if lead in columns else column
        rules = next(
            (t.rules for t in params.together if lead == t.columns[0]), params.columns.get(column, params.default)
        )
        ranks, descending = _ranks(lead, rules, params, rows)
        filled = pl.col(lead).is_not_null()
        order, down = [filled, *ranks, pl.col(_ORDER)], [True, *descending, False]
        chosen[column] = pl.col(column).sort_by(order, descending=down, nulls_last=True).first()
    merged = rows.group_by("golden_id", maintain_order=True).agg(*chosen.values(), members=pl.len())
    return merged.select(*columns, "golden_id", "members")


def _ranks(column: str | None, rules: list[str], params: Survivorship, rows: pl.DataFrame):
    """Sort keys of a rule list, best first once each is sorted in the direction given."""
    ranks, descending = [], []
    for rule in rules:
        rank = _rank(column, rule, params, rows)
        if rank is not None:
            ranks.append(rank[0])
            descending.append(rank[1])
    return ranks, descending


def _rank(column: str | None, rule: str, params: Survivorship, rows: pl.DataFrame) -> tuple[pl.Expr, bool] | None:
    has = set(rows.columns)
    if rule == "survived_before":
        return pl.col(_BEFORE), True
    if rule == "never_overwrite":
        return (pl.col("survives"), True) if "survives" in has else None
    if rule == "most_recent":
        return (pl.col(params.updated).cast(pl.String).fill_null(""), True) if params.updated in has else None
    if rule == "most_complete":
        return pl.col(_FILLED), True
    if rule == "verified":
        flag = params.verified.get(column or "")
        return (
            (pl.col(flag).cast(pl.String).str.to_lowercase().is_in(_YES).fill_null(False), True)
            if flag in has
            else None
        )
    if rule == "source_priority":
        places = {s: n for n, s in enumerate(params.sources)}
        known = params.source in has and places
        return (
            (pl.col(params.source).replace_strict(places, default=len(places), return_dtype=pl.Int32), False)
            if known
            else None
        )
    if column is None:
        return None
    if rule == "most_frequent":
        return (pl.col(_OFTEN + column), True) if _OFTEN + column in has else None
    return pl.col(column).cast(pl.String).str.len_chars().fill_null(0), True


def _losing_values(rows, merged: pl.DataFrame, key: str, params: Survivorship, columns: list[str]) -> pl.DataFrame:
    """golden_id, column, key, value, rule: every filled value that differs from the golden record's, as text."""
    parts = [pl.DataFrame(schema={c: pl.String for c in ("golden_id", "column", key, "value", "rule")})]
    together = {c: t.rules for t in params.together for c in t.columns}
    for column in columns:
        rules = together.get(column, params.columns.get(column, params.default))
        winners = merged.select("golden_id", winner=pl.col(column).cast(pl.String))
        losing = rows.select(
            "golden_id", pl.col(key).cast(pl.String).alias("__key"), value=pl.col(column).cast(pl.String)
        )
        losing = losing.join(winners, on="golden_id").filter(
            pl.col("value").ne_missing(pl.col("winner")) & pl.col("value").is_not_null()
        )
        parts.append(losing.select(
            pl.col("golden_id").cast(pl.String), column=pl.lit(column), **{key: pl.col("__key")}, value="value",
            rule=pl.lit(" > ".join(rules)),
        ))  # fmt: skip
    return pl.concat(parts).sort("golden_id", "column", key)
