"""The account of an import: every source row is placed or counted as unplaced, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ennu_lib.errors import DataLost

ROWS, VALUES = "rows", "values"
SCHEMA = {
    "file": pl.String,
    "kind": pl.String,
    "column": pl.String,
    "code": pl.String,
    "count": pl.Int64,
    "reason": pl.String,
}


@dataclass
class ImportAccount:
    """Rows read, placed and unplaced by source file, and what did not find a home.

    `left_over` has one row per file, column, code and reason: kind `rows` for whole rows without a home, kind `values`
    for columns without one and for values that could not be read or would not fit.
    """

    read: dict[str, int] = field(default_factory=dict)
    placed: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    _left: list[tuple] = field(default_factory=list)

    def rows_without_home(self, file: str, column: str | None, codes: pl.DataFrame) -> None:
        """Count unplaced rows: a frame of code, reason and count."""
        self._left += [(file, ROWS, column, code, count, reason) for code, reason, count in codes.rows()]

    def values_without_home(self, file: str, column: str, count: int, reason: str) -> None:
        """Count values of a column that found no place."""
        if count:
            self._left.append((file, VALUES, column, None, count, reason))

    def left_over(self) -> pl.DataFrame:
        """What found no home, largest counts first within each file."""
        frame = pl.DataFrame(self._left, schema=SCHEMA, orient="row")
        return (
            frame.group_by("file", "kind", "column", "code", "reason")
            .agg(pl.col("count").sum())
            .select(list(SCHEMA))
            .sort(
                ["file", "kind", "count", "column", "code", "reason"],
                descending=[False, False, True, False, False, False],
                nulls_last=True,
            )
        )

    def unplaced(self) -> dict[str, int]:
        """Unplaced rows by file."""
        counts = dict.fromkeys(self.read, 0)
        for file, kind, _, _, count, _ in self._left:
            counts[file] += count if kind == ROWS else 0
        return counts

    def close(self) -> None:
        """Raise DataLost when a file has rows that are neither placed nor counted as unplaced."""
        unplaced = self.unplaced()
        wrong = [
            f"{file}: {read} rows read, {self.placed.get(file, 0)} placed, {unplaced[file]} unplaced"
            for file, read in self.read.items()
            if read != self.placed.get(file, 0) + unplaced[file]
        ]
        if wrong:
            raise DataLost("the import lost rows; report it with the plan in use: " + "; ".join(wrong))
