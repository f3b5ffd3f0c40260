"""What the values say of two columns: how many of the child's the parent has, and how far they reach into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ennu_lib.audit.params import RelationParams
from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace


@dataclass(frozen=True)
class Test:
    """What the values say of one child column and one parent column."""

    values: int
    filled: int
    inclusion: float | None
    orphans: int
    coverage: float
    reach: float


class Values:
    """Different values of columns with their counts, read once each, compared in small letters without blanks."""

    def __init__(self, extracted: Mapping[str, Extracted], workspace: Workspace, params: RelationParams):
        self._extracted, self._workspace, self._params = extracted, workspace, params
        self._known: dict[tuple[str, str], pl.DataFrame] = {}

    def of(self, table: str, column: str) -> pl.DataFrame:
        """Columns `v` and `n`; numbers that point nowhere and blanks are left out."""
        at = (table, column)
        if at not in self._known:
            self._known[at] = self._read(table, column)
        return self._known[at]

    def _read(self, table: str, column: str) -> pl.DataFrame:
        frame = Source.of(self._extracted[table], self._workspace).frame
        value = frame.select(pl.col(column).alias("v"))
        kind = frame.collect_schema()[column]
        if kind == pl.String:
            value = value.with_columns(pl.col("v").str.strip_chars().str.to_lowercase()).filter(pl.col("v") != "")
        elif kind.is_numeric():
            value = value.filter(~pl.col("v").is_in(list(self._params.nowhere)))
        return value.group_by("v").len("n").collect(engine="streaming")


def types_fit(child: Mapping, parent: Mapping) -> str | None:
    """How the two types go together: `same`, `converted` (digits kept as text), or not at all."""
    if child["kept"] == parent["kept"]:
        return "same"
    if {child["kept"], parent["kept"]} == {"String", "Int64"} and "integer" in (child["found"], parent["found"]):
        return "converted" if child["found"] == parent["found"] else None
    return None


def look_up(child: Mapping, parent: Mapping, values: Values) -> Test:
    """Look every value of the child column up in the parent column; both are rows of the profile."""
    mine, theirs = values.of(child["table"], child["column"]), values.of(parent["table"], parent["column"])
    if mine["v"].dtype != theirs["v"].dtype:
        mine, theirs = (f.with_columns(pl.col("v").cast(pl.String)) for f in (mine, theirs))
    filled = int(mine["n"].sum())
    matched = mine.join(theirs.select("v"), on="v", how="semi")
    orphans = filled - int(matched["n"].sum())
    reach = 1.0
    if matched.height and matched["v"].dtype.is_integer():
        widest = theirs["v"].max()
        reach = matched["v"].max() / widest if widest > 0 else 1.0
    coverage = matched.height / theirs.height if theirs.height else 0.0
    return Test(mine.height, filled, 1 - orphans / filled if filled else None, orphans, coverage, max(reach, 0.0))
