"""Content by type alone, for bespoke tables whose hand-written generator does not exist yet."""

from __future__ import annotations

from ennu_lib.catalog import Column

BY_TYPE = {
    "integer": "int:1..1000",
    "bigint": "int:1..1000",
    "smallint": "int:1..9",
    "boolean": "bool:0.1",
    "float": "decimal:1..9",
    "text": "note:40",
    "longtext": "note:100",
    "date": "date:-900..0",
    "datetime": "datetime:-900..0",
    "time": "time:08:00..17:00",
    "blob": "blob:100",
}


def stand_in(column: Column) -> str:
    """A content text that fits the column's type and key."""
    if column.references:
        return "skew"
    kind, length = column.type.kind, column.type.length or 1
    if column.primary_key or column.unique:
        return "seq" if column.type.is_integer else "code:" + "#" * min(8, length)
    if kind == "decimal":
        return f"decimal:0..{min(90, 10 ** (column.type.precision - column.type.scale) - 1)}"
    if kind == "enum":
        return "choice:" + "|".join(column.type.values)
    return BY_TYPE.get(kind) or "code:" + "?" * min(length, 6)
