"""One portion of the clinic: some consecutive patients and every row that belongs to them.

A generator is a function `(chunk) -> dict of frames`. It reads what earlier generators made from `chunk.frames`
and `chunk.reference`, takes its chance from `chunk.rng(name)` and its keys from `chunk.take_keys(table, n)`, and so
gives the same rows whenever seed, number of patients and parameters are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b

import numpy as np
import polars as pl

from ennu_lib.catalog import Catalogue
from ennu_lib.catalog.tables import CATALOGUE_PATIENTS
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.params import ClinicParams

REFERENCE_CHUNK = -1


@dataclass
class KeyCounter:
    """The next free integer key of every table; keys run on from chunk to chunk."""

    _next: dict[str, int] = field(default_factory=dict)

    def take(self, table: str, n: int) -> np.ndarray:
        """The next `n` keys of `table`, from 1, as int64."""
        first = self._next.get(table, 1)
        self._next[table] = first + n
        return np.arange(first, first + n, dtype=np.int64)


@dataclass
class Chunk:
    """Patients `first_patient` to `first_patient + patients - 1`; index -1 makes the tables that patients share.

    `frames` holds the tables made in this chunk so far, `reference` the tables made once.
    """

    index: int
    first_patient: int
    patients: int
    total_patients: int
    seed: int
    as_of: date
    params: ClinicParams
    catalogue: Catalogue
    labels: LabelSink
    keys: KeyCounter
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    reference: dict[str, pl.DataFrame] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """A generator of its own for every purpose, so that one table's code cannot shift the chance of another."""
        purpose = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
        return np.random.default_rng([self.seed, self.index + 1, purpose])

    def take_keys(self, table: str, n: int) -> np.ndarray:
        """The next `n` integer keys of `table`, consecutive over chunks."""
        return self.keys.take(table, n)

    def patient_ids(self) -> np.ndarray:
        """Keys of the patients of this chunk."""
        return np.arange(self.first_patient, self.first_patient + self.patients, dtype=np.int64)

    def rows_for(self, table: str) -> int:
        """How many rows of `table` belong into this chunk by the catalogue's relative volume.

        Tables that grow with the patients get their share of each chunk, rounded so that no row is lost over the
        chunks and the first chunk has at least one. Fixed tables have the catalogue's size, scaled down for clinics
        smaller than the catalogue's but not below `fixed_table_floor` rows.
        """
        entry = self.catalogue.table(table)
        volume = entry.rows * self.params.volumes.get(table, 1.0)
        if entry.growth == "fixed":
            scaled = volume * min(1.0, self.total_patients / CATALOGUE_PATIENTS)
            return round(min(volume, max(scaled, self.params.fixed_table_floor)))
        per_patient = volume / CATALOGUE_PATIENTS
        before = self.first_patient - 1
        return int(np.ceil(per_patient * (before + self.patients)) - np.ceil(per_patient * before))
