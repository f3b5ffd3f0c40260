"""In which order tables are made: what is referenced comes before what references it."""

from __future__ import annotations

from ennu_lib.catalog import Table


def parents_first(tables: list[Table]) -> list[Table]:
    """Tables so that every table comes after those it references, as far as references do not run in a circle."""
    by_name = {table.name: table for table in tables}
    ordered: dict[str, Table] = {}

    def visit(table: Table, path: tuple[str, ...]) -> None:
        if table.name in ordered or table.name in path:
            return
        for column in table.references:
            parent = by_name.get(column.references[0])
            if parent is not None:
                visit(parent, (*path, table.name))
        ordered[table.name] = table

    for table in tables:
        visit(table, ())
    return list(ordered.values())
