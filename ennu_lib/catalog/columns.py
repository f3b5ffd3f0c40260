"""Columns of the source tables as the catalogue describes them, and the grammar of their types."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLAIN_TYPES = frozenset(
    ["integer", "bigint", "smallint", "boolean", "float", "text", "longtext", "date", "datetime", "time"],
)
COLUMN_FIELDS = ("table", "column", "type", "null_share", "key", "references", "declared", "content", "meaning")

_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_SIZED = re.compile(r"(varchar|char)\((\d+)\)")
_ENUM = re.compile(r"enum\(([^()]+)\)")


@dataclass(frozen=True)
class ColumnType:
    """A column type: `kind` without its arguments, and the arguments that the kind has."""

    kind: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> ColumnType:
        """Read a type such as `decimal(10,2)`, `varchar(40)` or `enum(a|b)`; raises ValueError for any other text."""
        if text in PLAIN_TYPES or text == "blob":
            return cls(text)
        if match := _DECIMAL.fullmatch(text):
            precision, scale = int(match[1]), int(match[2])
            if not 0 < precision <= 38 or scale > precision:
                raise ValueError(f"type '{text}' has an impossible precision or scale")
            return cls("decimal", precision=precision, scale=scale)
        if match := _SIZED.fullmatch(text):
            return cls(match[1], length=int(match[2]))
        if match := _ENUM.fullmatch(text):
            return cls("enum", values=tuple(match[1].split("|")))
        raise ValueError(f"type '{text}' is not one that the catalogue knows")

    @property
    def is_text(self) -> bool:
        """True where the database keeps characters."""
        return self.kind in {"varchar", "char", "text", "longtext", "enum"}

    @property
    def is_integer(self) -> bool:
        """True for whole numbers, booleans not among them."""
        return self.kind in {"integer", "bigint", "smallint"}


@dataclass(frozen=True)
class Column:
    """One column: `references` is `(table, column)` or None, `declared` says whether the database enforces it."""

    table: str
    name: str
    type: ColumnType
    null_share: float
    primary_key: bool
    unique: bool
    references: tuple[str, str] | None
    declared: bool
    content: str
    meaning: str

    @property
    def nullable(self) -> bool:
        """True where a NULL may stand."""
        return self.null_share > 0


@dataclass
class _Reading:
    """One row under inspection, with the mistakes found in it."""

    row: dict[str, str]
    mistakes: list[str] = field(default_factory=list)

    def column_type(self) -> ColumnType:
        try:
            return ColumnType.parse(self.row["type"])
        except ValueError as problem:
            self.mistakes.append(str(problem))
            return ColumnType("text")

    def share(self) -> float:
        try:
            share = float(self.row["null_share"])
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            self.mistakes.append(f"null_share '{self.row['null_share']}' is not a number from 0 to 1")
        return share

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        if self.row[name] not in allowed:
            self.mistakes.append(f"{name} '{self.row[name]}' is none of {', '.join(repr(a) for a in allowed)}")
        return self.row[name]

    def reference(self) -> tuple[str, str] | None:
        text = self.row["references"]
        if not text:
            return None
        table, dot, column = text.partition(".")
        if not (table and dot and column):
            self.mistakes.append(f"references '{text}' is not of the form table.column")
            return None
        return table, column

    def filled(self, name: str) -> str:
        if not self.row[name].strip():
            self.mistakes.append(f"{name} is blank")
        return self.row[name]


def read_column(row: dict[str, str]) -> tuple[Column, list[str]]:
    """Turn one row of a columns file into a Column; the list holds every mistake of the row."""
    reading = _Reading(row)
    key = reading.one_of("key", ("", "pk", "unique"))
    column = Column(
        table=reading.filled("table"),
        name=reading.filled("column"),
        type=reading.column_type(),
        null_share=reading.share(),
        primary_key=key == "pk",
        unique=key == "unique",
        references=reading.reference(),
        declared=reading.one_of("declared", ("", "no", "yes")) == "yes",
        content=reading.filled("content"),
        meaning=reading.filled("meaning"),
    )
    if column.primary_key and column.null_share:
        reading.mistakes.append("a primary key column may not hold NULL: null_share must be 0")
    if column.declared and not row["references"]:
        reading.mistakes.append("declared 'yes' without references")
    return column, reading.mistakes
