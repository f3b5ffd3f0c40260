"""Builds a clinic database: parameters and catalogue in, a loaded database and its answer key out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ennu_lib.catalog import Catalogue, load_catalogue
from ennu_lib.clinic.content_spec import content_mistakes
from ennu_lib.clinic.generate import Clinic, Loadable
from ennu_lib.clinic.generators import PER_CHUNK, REFERENCE, defect_names
from ennu_lib.clinic.labels import LabelSink
from ennu_lib.clinic.labs_quirks import quirk_names
from ennu_lib.clinic.loaders import open_loader
from ennu_lib.clinic.params import ClinicParams, load_clinic_params
from ennu_lib.clinic.pipeline import load_all
from ennu_lib.clinic.words import load_words
from ennu_lib.clock import Clock, SystemClock
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError


@dataclass(frozen=True)
class ClinicSummary:
    """What was built: tables, rows in all and by table, planted defects, seconds, and where the labels are."""

    tables: int
    rows: int
    rows_by_table: dict[str, int]
    defects: int
    seconds: float
    labels: Path | None


def build_clinic(
    url: str,
    patients: int,
    seed: int,
    *,
    params: Path | None = None,
    labels: Path | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    replace: bool = False,
    clock: Clock | None = None,
) -> ClinicSummary:
    """Build an Open Medical database of all catalogue tables at a SQLAlchemy URL.

    `patients` is the number of patient rows. `params` is a clinic parameter file (default `params/clinic.yml`).
    `labels` is a directory outside the database for `labels.parquet` and `identity_truth.parquet`. `progress` is
    called with rows done, rows expected, table. Tables of the catalogue that the database holds already are dropped
    with `replace` and refused without; tables of others stay. The same seed, size and parameters give the same rows.

    Raises ConfigurationError for parameters, catalogue, or a database that holds a clinic already; SourceUnreachable
    or SourceRefused for a database that cannot be reached; StorageFull when there is no room for it.
    """
    clock = clock or SystemClock()
    began = clock.monotonic()
    clinic = plan_clinic(patients, seed, params or params_dir() / "clinic.yml")
    loader = open_loader(url, clinic.catalogue, replace)
    sink = LabelSink(labels)
    try:
        rows = load_all(_labelled(clinic, sink), loader, clinic.expected_rows(), progress)
    finally:
        sink.discard()
    return ClinicSummary(len(rows), sum(rows.values()), rows, sink.defects, clock.monotonic() - began, labels)


def _labelled(clinic: Clinic, sink: LabelSink) -> Iterator[Loadable]:
    """All tables; the labels are whole before the loader makes the database visible."""
    yield from clinic.generate(sink)
    sink.close()


def plan_clinic(patients: int, seed: int, params: Path) -> Clinic:
    """Read and check everything that decides what is generated; raises ConfigurationError before anything is built."""
    if patients < 1 or seed < 0:
        raise ConfigurationError("clinic", ["the number of patients must be positive and the seed not negative"])
    catalogue = load_catalogue(params_dir() / "catalog")
    words = load_words(params_dir() / "clinic" / "words.yml")
    parsed = load_clinic_params(params)
    mistakes = content_mistakes(catalogue, set(words)) + _unknown_names(parsed, catalogue)
    if mistakes:
        raise ConfigurationError(str(params), mistakes)
    return Clinic(
        catalogue=catalogue,
        params=parsed,
        words=words,
        patients=patients,
        seed=seed,
        reference=REFERENCE,
        per_chunk=PER_CHUNK,
    )


def _unknown_names(params: ClinicParams, catalogue: Catalogue) -> list[str]:
    tables = [f"volumes.{name}: no such table in the catalogue" for name in params.volumes if name not in catalogue]
    defects = [
        f"defects.{name}: no such defect; there are {', '.join(defect_names())}"
        for name in params.defects
        if name not in defect_names()
    ]
    old_scores = [
        f"old_scores.{name}: no such way of scoring; there are {', '.join(quirk_names())}"
        for name in params.old_scores
        if name not in quirk_names()
    ]
    return tables + defects + old_scores
