"""Generates the clinic portion by portion, table by table; what is written is never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import polars as pl

from ennu_lib.catalog import Catalogue, Table
from ennu_lib.clinic.build_order import parents_first
from ennu_lib.clinic.chunk import REFERENCE_CHUNK, Chunk, KeyCounter
from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.defects import plant_defects
from ennu_lib.clinic.generic import fill_table
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.params import ClinicParams
from ennu_lib.clinic.text_values import Words

Generator = Callable[[Chunk], dict[str, pl.DataFrame]]
Loadable = tuple[Table, pl.DataFrame]


@dataclass(frozen=True)
class Clinic:
    """Everything that decides what is generated; `reference` runs once, `per_chunk` for every portion of patients."""

    catalogue: Catalogue
    params: ClinicParams
    words: Words
    patients: int
    seed: int
    reference: list[Generator]
    per_chunk: list[Generator]

    def expected_rows(self) -> int:
        """About how many rows the whole clinic will have."""
        whole = self._chunk(REFERENCE_CHUNK, 1, self.patients, LabelSink(None), KeyCounter())
        return sum(whole.rows_for(table.name) for table in self.catalogue.tables)

    def generate(self, labels: LabelSink) -> Iterator[Loadable]:
        """Every table with its rows: first the tables that all patients share, then portion after portion."""
        keys = KeyCounter()
        shared = self._chunk(REFERENCE_CHUNK, 1, self.patients, labels, keys)
        shared.reference = shared.frames
        yield from self._portion(shared, self.reference, "fixed")
        for index, portion in enumerate(self._portions()):
            chunk = self._chunk(index, portion.start, len(portion), labels, keys)
            chunk.reference = shared.frames
            yield from self._portion(chunk, self.per_chunk, "patients")
            labels.flush()

    def _portions(self) -> list[range]:
        """Patient keys in portions of one size, as large as the parameters allow, so that none is a small remainder."""
        count = ceil(self.patients / self.params.chunk_patients)
        bounds = [1 + self.patients * number // count for number in range(count + 1)]
        return [range(first, end) for first, end in pairwise(bounds)]

    def _chunk(self, index: int, first: int, patients: int, labels: LabelSink, keys: KeyCounter) -> Chunk:
        return Chunk(
            index=index,
            first_patient=first,
            patients=patients,
            total_patients=self.patients,
            seed=self.seed,
            as_of=self.params.as_of,
            params=self.params,
            catalogue=self.catalogue,
            labels=labels,
            keys=keys,
        )

    def _portion(self, chunk: Chunk, generators: list[Generator], growth: str) -> Iterator[Loadable]:
        for generator in generators:
            chunk.frames.update(generator(chunk))
        made = [name for name in chunk.frames if name in self.catalogue]
        for name in made:
            table = self.catalogue.table(name)
            yield table, conform(table, chunk.frames[name])
        rest = [table for table in self.catalogue.tables if table.growth == growth and table.name not in made]
        for table in parents_first(rest):
            frame = fill_table(chunk, table, self.words)
            if table.name in self.catalogue.referenced:
                chunk.frames[table.name] = frame
            yield table, conform(table, plant_defects(chunk, table, frame))
