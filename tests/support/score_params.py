"""The real metric table and the real presets, and a short way to write measurements."""

from __future__ import annotations

import csv
import datetime as dt

from ennu_lib.catalog.biomarkers import load_biomarkers
from ennu_lib.config import params_dir
from ennu_lib.scores.measurement import Measurement
from ennu_lib.scores.preset import load_presets

CLINICAL = params_dir() / "clinical"
UNIT_ALIASES = CLINICAL / "unit_aliases.csv"
CATALOGUE = load_biomarkers(CLINICAL / "biomarkers.csv", UNIT_ALIASES)
PRESETS = load_presets(params_dir() / "scores", CATALOGUE)
GRADED, BINARY = PRESETS["hs-graded-v1"], PRESETS["hs-legacy-binary-2016"]
# A preset without gates, for what happens before them.
OPEN = GRADED.varied(coverage_min=0, min_metrics=1, required_categories=[])

AS_OF = dt.date(2026, 6, 30)


def measured(code: str, value: str, day: str = "2026-06-01", unit: str | None = None, **more) -> Measurement:
    """A measurement in the metric's own unit unless another is given."""
    return Measurement(code, value, CATALOGUE[code].unit if unit is None else unit, day, **more)


def biomarker_rows() -> list[dict[str, str]]:
    """The rows of the metric table as text, to be changed."""
    with (CLINICAL / "biomarkers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path, rows: list[dict[str, str]]):
    """Write rows with the columns of the first one; returns the path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path
