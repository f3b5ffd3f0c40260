"""The foreign keys that a database declares, and what the values say of them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.audit.inclusion import Values, look_up, types_fit
from ennu_lib.audit.relations import RELATIONS, relation
from ennu_lib.source import TableShape

DECLARED = "declared"
ENDS = ("table", "column", "parent", "parent_column")


def declared_relations(shapes: Mapping[str, TableShape]) -> pl.DataFrame:
    """The foreign keys of one column that the database declares."""
    rows = [
        {"table": name, "column": r.columns[0], "parent": r.table, "parent_column": r.referred[0]}
        for name, shape in shapes.items()
        for r in shape.relations
        if len(r.columns) == 1 and len(r.referred) == 1
    ]
    return pl.DataFrame(rows, schema={k: RELATIONS[k] for k in ENDS})


def with_declared(found: pl.DataFrame, declared: pl.DataFrame, columns: pl.DataFrame, values: Values) -> pl.DataFrame:
    """The relations found, and those that only the database itself tells of: certain, with `declared` as evidence.

    Where a declared key and the names and values differ about a column's parent, the declared one stands.
    `columns` is the profile; a declared key of a table that was not read is left out.
    """
    described = {(r["table"], r["column"]): r for r in columns.iter_rows(named=True)}
    told = declared.join(found.select(ENDS), on=ENDS, how="anti").unique(["table", "column"], maintain_order=True)
    rows = []
    for ends in told.iter_rows(named=True):
        child = described.get((ends["table"], ends["column"]))
        parent = described.get((ends["parent"], ends["parent_column"]))
        if child is None or parent is None:
            continue
        kind, test = types_fit(child, parent), look_up(child, parent, values)
        rows.append(relation(tuple(ends[end] for end in ENDS), 1.0, DECLARED, kind or "different", test))
    certain = pl.DataFrame(rows, schema=RELATIONS)
    kept = found.join(certain, on=["table", "column"], how="anti")
    return pl.concat([kept, certain]).sort("confidence", "table", "column", descending=[True, False, False])
