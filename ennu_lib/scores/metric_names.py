"""What the source calls a test, resolved to a metric: every distinct name once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.errors import SourceChanged
from ennu_lib.scores.source_params import MeasurementSources, TableSource

UNRESOLVED = "unresolved"
NAME_KEY = ["__test_code", "__loinc", "__name"]


class Columns:
    """A source table whose optional columns may be missing; `named_in` says, in an error, where they are named."""

    def __init__(self, table: str, frame: pl.LazyFrame, named_in: str = ", which the scores are compared by"):
        self.table, self.frame, self.named_in = table, frame, named_in
        self.names = frozenset(frame.collect_schema().names())

    def text(self, column: str | None) -> pl.Expr:
        """The column as text; blank where it is null, missing or not named at all."""
        return pl.col(column).cast(pl.String).fill_null("") if column in self.names else pl.lit("")

    def required(self, column: str) -> pl.Expr:
        """The column as text. Raises SourceChanged when the table lacks it."""
        if column not in self.names:
            raise SourceChanged(f"table {self.table} has no column {column}{self.named_in}")
        return self.text(column)

    def deleted(self, column: str | None) -> pl.Expr:
        """True where the soft delete flag is set."""
        return self.text(column).str.to_lowercase().is_in(["1", "true", "y", "yes"])


@dataclass(frozen=True)
class Given:
    """Everything that measurements are made from."""

    tables: Mapping[str, pl.LazyFrame]
    sources: MeasurementSources
    catalogue: BiomarkerCatalogue
    extra_loinc: Mapping[str, str] = field(default_factory=dict)

    def table(self, name: str) -> Columns:
        """A table that is there."""
        return Columns(name, self.tables[name], "; see params/scores/measurement_sources.yml")


def resolved(keyed: pl.LazyFrame, source: TableSource, given: Given) -> pl.DataFrame:
    """`__metric` (blank if unresolved) and `__by` of every distinct test code, LOINC and name of `keyed`."""
    distinct = keyed.select(NAME_KEY).unique().collect(engine="streaming")
    by_id = metric_ids(given) if source.metric_id else {}
    found = [
        _by_number(name, by_id) if source.metric_id else _by_name(test_code, loinc, name, given)
        for test_code, loinc, name in distinct.iter_rows()
    ]
    return distinct.hstack(pl.DataFrame(found, schema={"__metric": pl.String, "__by": pl.String}, orient="row"))


def _by_number(number: str, by_id: Mapping[str, str]) -> tuple[str, str]:
    return (by_id[number], "metric_id") if number in by_id else ("", UNRESOLVED)


def _by_name(test_code: str, loinc: str, name: str, given: Given) -> tuple[str, str]:
    """Laboratory code before LOINC, the preset's own LOINC among them, before the name."""
    resolution = given.catalogue.resolve(name, loinc, test_code)
    if (resolution is None or "name" in resolution.by) and loinc.strip() in given.extra_loinc:
        return given.extra_loinc[loinc.strip()], "loinc"
    return (resolution.metric_code, resolution.by) if resolution else ("", UNRESOLVED)


def metric_ids(given: Given) -> dict[str, str]:
    """The source's metric numbers, as text, to metric codes; without its metric table, the catalogue's own numbers."""
    named = given.sources.metric_table
    if named is None or named.table not in given.tables:
        return {str(biomarker.metric_id): biomarker.code for biomarker in given.catalogue}
    table = given.table(named.table)
    rows = table.frame.select(
        id=table.required(named.id),
        code=table.text(named.code),
        loinc=table.text(named.loinc),
        name=table.text(named.name),
    ).collect()
    found = {
        number: given.catalogue.resolve(code) or given.catalogue.resolve(name, loinc)
        for number, code, loinc, name in rows.iter_rows()
    }
    return {number: resolution.metric_code for number, resolution in found.items() if resolution}
