"""Builds the clinic's database out of a Synthea CSV export instead of made-up patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.catalog import Catalogue, load_catalogue
from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.generate import Loadable
from ennu_lib.clinic.loaders import open_loader
from ennu_lib.clinic.params import load_clinic_params
from ennu_lib.clinic.pipeline import load_all
from ennu_lib.clinic.synthea_account import ROWS, VALUES
from ennu_lib.clinic.synthea_files import check_export, scan
from ennu_lib.clinic.synthea_place import Placing
from ennu_lib.clinic.synthea_reference import fixed_rows, reference_tables, with_codes_of_export
from ennu_lib.clinic.synthea_spec import ImportPlan, load_import_plan
from ennu_lib.clinic.words import load_words
from ennu_lib.clock import Clock, SystemClock
from ennu_lib.config import params_dir

SEED = 25


@dataclass(frozen=True)
class SyntheaSummary:
    """What was imported.

    `read`, `placed` and `unplaced_rows` count source rows by file, and read = placed + unplaced_rows for every file.
    `unplaced` says what found no home: file, kind (rows or values), column, code, count, reason. `absent` lists files
    of the plan that the export does not have.
    """

    tables: int
    rows: int
    rows_by_table: dict[str, int]
    patients: int
    read: dict[str, int]
    placed: dict[str, int]
    unplaced_rows: dict[str, int]
    unplaced: pl.DataFrame
    absent: list[str]
    seconds: float

    def text(self) -> str:
        """The account by file, what found no home, and the size of the clinic, for people."""
        lines = [f"{'file':<26}{'read':>10}{'placed':>10}{'unplaced':>10}"]
        for file, read in self.read.items():
            lines.append(f"{file:<26}{read:>10,}{self.placed[file]:>10,}{self.unplaced_rows[file]:>10,}")
        lines += [f"{file:<26} not in the export" for file in self.absent]
        reasons = self.unplaced.filter(pl.col("kind") == ROWS).group_by("file", "reason", maintain_order=True)
        for file, reason, count in reasons.agg(pl.col("count").sum()).rows():
            lines.append(f"unplaced: {count:,} rows of {file}: {reason}")
        values = self.unplaced.filter(pl.col("kind") == VALUES)["count"].sum()
        lines.append(f"unplaced: {values:,} values of columns that the clinic has no place for")
        lines.append(f"{self.tables} tables, {self.rows:,} rows, {self.patients:,} patients in {self.seconds:.1f} s")
        return "\n".join(lines)


def import_synthea(
    directory: Path,
    url: str,
    *,
    params: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    replace: bool = False,
    clock: Clock | None = None,
) -> SyntheaSummary:
    """Build an Open Medical database of all catalogue tables from the CSV export in `directory` at a SQLAlchemy URL.

    Where everything goes stands in `params/synthea`. Keys are integers in the order of the files. Catalogues and code
    tables are generated as for a made-up clinic; tables that the export has nothing for stay empty. `params` is a
    clinic parameter file (default `params/clinic.yml`); `progress` is called with rows done, rows expected, table.

    Raises ConfigurationError for a directory that is no Synthea export, a wrong plan, or a database that holds a
    clinic already (unless `replace`); DataLost when a source row is neither placed nor counted as unplaced;
    SourceUnreachable, SourceRefused and StorageFull as `build_clinic`.
    """
    clock = clock or SystemClock()
    began = clock.monotonic()
    catalogue = load_catalogue(params_dir() / "catalog")
    plan = load_import_plan(params_dir() / "synthea", catalogue)
    check_export(directory, plan)
    tables = _reference(directory, plan, catalogue, params or params_dir() / "clinic.yml")
    placing = Placing(directory, plan, catalogue, tables)
    loader = open_loader(url, catalogue, replace)
    rows = load_all(_loadables(placing, tables), loader, _expected(directory, plan, tables), progress)
    account = placing.account
    return SyntheaSummary(
        tables=len(catalogue.tables),
        rows=sum(rows.values()),
        rows_by_table={table.name: rows.get(table.name, 0) for table in catalogue.tables},
        patients=rows.get("patients", 0),
        read=account.read,
        placed=account.placed,
        unplaced_rows=account.unplaced(),
        unplaced=account.left_over(),
        absent=account.absent,
        seconds=clock.monotonic() - began,
    )


def _reference(directory: Path, plan: ImportPlan, catalogue: Catalogue, params: Path) -> dict[str, pl.DataFrame]:
    words = load_words(params_dir() / "clinic" / "words.yml")
    patients = scan(directory / "patients.csv").select(pl.len()).collect().item()
    made = reference_tables(catalogue, load_clinic_params(params), words, max(patients, 1), SEED)
    return with_codes_of_export(directory, plan, made)


def _loadables(placing: Placing, tables: dict[str, pl.DataFrame]) -> Iterator[Loadable]:
    """Every frame in the catalogue's shape; after the last one the account must balance."""
    for name, frame in {**tables, **fixed_rows(placing.plan)}.items():
        table = placing.catalogue.table(name)
        yield table, conform(table, frame)
    for file in placing.plan.files:
        for name, frame in placing.file(file):
            table = placing.catalogue.table(name)
            yield table, conform(table, frame)
    placing.account.close()


def _expected(directory: Path, plan: ImportPlan, tables: dict[str, pl.DataFrame]) -> int:
    files = [directory / file.file for file in plan.files if (directory / file.file).is_file()]
    return sum(frame.height for frame in tables.values()) + sum(
        scan(path).select(pl.len()).collect().item() for path in files
    )
