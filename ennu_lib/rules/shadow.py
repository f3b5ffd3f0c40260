"""A shadow copy: a sample of a run's files in memory, into which defects may be planted."""

from __future__ import annotations

import random

import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.rules.tables import KEY, Tables

SOURCE = "source/"
MEMBERS = "identity/members"
# Of rows of a source table, which this column names.
OF_ROWS = {"accounts/": "key", "mapped/": KEY, "money/": KEY}
NEAR = "__near"


class Shadow:
    """A sample of the files in memory, copied one by one when first asked for.

    It holds the rows that belong to so many patients, those of them whom phase 03 found to be the same person among
    them, and all rows of tables that belong to nobody. A table belongs to a patient when a relation of the catalogue
    leads there, over at most three steps. Of other files it holds the first `rows`.
    """

    def __init__(self, tables: Tables, patients: int, rows: int, seed: int, *, whole_people: bool = False):
        self.frames: dict[str, pl.DataFrame] = {}
        self.closed = False
        self._tables = tables
        self._rows = rows
        self._paths = _paths_to_patients(tables.catalogue)
        everyone = tables("patients", "patient_id").select(KEY).collect()[KEY].sort().to_list()
        chosen = random.Random(seed).sample(everyone, min(patients, len(everyone)))
        self._chosen = self._whole_people(chosen) if whole_people else chosen

    def read(self, name: str) -> pl.LazyFrame | None:
        """The rows of workspace file `name`; None where there is no such file, or where the copy is closed."""
        if name not in self.frames and not self.closed and (frame := self._tables.read(name)) is not None:
            self.frames[name] = self._mine(name, frame).collect()
        return self.frames[name].lazy() if name in self.frames else None

    def tables(self) -> Tables:
        """What checks read; made anew for every run, since what they derive changes with the rows."""
        return Tables(self.read, self._tables.today, self._tables.params, texts=self._tables.texts)

    def _mine(self, name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
        columns = frame.collect_schema().names()
        folder, _, table = name.rpartition("/")
        if name.startswith(SOURCE):
            return self._of_source(table, frame)
        if f"{folder}/" in OF_ROWS:
            return self._near(frame, OF_ROWS[f"{folder}/"], SOURCE + table, KEY)
        if "legacy_patient_id" in columns:
            return frame.filter(pl.col("legacy_patient_id").is_in([f"P-{key}" for key in self._chosen]))
        if folder in ("identity", "scores") and "patient_id" in columns:
            return frame.filter(pl.col("patient_id").cast(pl.String).is_in(self._chosen))
        return frame.head(self._rows)

    def _of_source(self, table: str, frame: pl.LazyFrame) -> pl.LazyFrame:
        if table == "patients":
            return frame.filter(pl.col(KEY).is_in(self._chosen))
        if table not in self._paths:
            return frame
        column, parent, target = self._paths[table]
        if column not in frame.collect_schema():
            return frame
        of_nobody = frame.filter(pl.col(column).is_null())
        return pl.concat([self._near(frame, column, SOURCE + parent, target), of_nobody])

    def _near(self, frame: pl.LazyFrame, column: str, other: str, target: str) -> pl.LazyFrame:
        """The rows whose `column` names a row that the copy of file `other` has."""
        parents = self.read(other)
        if parents is None or target not in parents.collect_schema() or column not in frame.collect_schema():
            return frame
        near = parents.select(pl.col(target).cast(pl.String).alias(NEAR)).drop_nulls().unique()
        return frame.join(near, left_on=pl.col(column).cast(pl.String), right_on=NEAR, how="semi")

    def _whole_people(self, chosen: list[str]) -> list[str]:
        members = self._tables.read(MEMBERS)
        if members is None:
            return chosen
        pairs = members.select(pl.col("patient_id", "golden_id").cast(pl.String)).collect()
        people = pairs.filter(pl.col("patient_id").is_in(chosen))["golden_id"].unique()
        return pairs.filter(pl.col("golden_id").is_in(people.implode()))["patient_id"].sort().to_list()


def _paths_to_patients(catalogue: Catalogue) -> dict[str, tuple[str, str, str]]:
    """Table to (column, parent, column of the parent) of its shortest way to the patients."""
    paths: dict[str, tuple[str, str, str]] = {}
    near = {"patients"}
    for _ in range(3):
        found = {}
        for table in catalogue.tables:
            if table.name in paths or table.name == "patients" or table.growth != "patients":
                continue
            way = next((c for c in table.references if c.references[0] in near and c.references[0] != table.name), None)
            if way is not None:
                found[table.name] = (way.name, *way.references)
        paths |= found
        near |= set(found)
    return paths
