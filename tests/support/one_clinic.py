"""A whole small clinic in memory, with or without planted defects, made once per test process."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import polars as pl

from ennu_lib.clinic.build import plan_clinic
from ennu_lib.clinic.labels import IDENTITY_FILE, LABELS_FILE, SCORES_FILE, LabelSink
from ennu_lib.config import params_dir


@dataclass(frozen=True)
class OneClinic:
    """Tables by name, the labels (table, key, defect, truth), who is who, and how odd scores were computed."""

    tables: dict[str, pl.DataFrame]
    labels: pl.DataFrame
    truth: pl.DataFrame
    old_scores: pl.DataFrame


@lru_cache(maxsize=4)
def one_clinic(patients: int = 500, seed: int = 11, *, defects: bool) -> OneClinic:
    """All tables of a clinic of so many patients; a quarter of a minute of work at most, shared by the tests."""
    clinic = plan_clinic(patients, seed, params_dir() / "clinic.yml")
    if not defects:
        clinic = replace(clinic, params=clinic.params.model_copy(update={"defects": {}}))
    parts: dict[str, list[pl.DataFrame]] = {}
    with tempfile.TemporaryDirectory() as directory:
        sink = LabelSink(Path(directory))
        for table, frame in clinic.generate(sink):
            parts.setdefault(table.name, []).append(frame)
        sink.close()
        labels = pl.read_parquet(Path(directory) / LABELS_FILE)
        truth = pl.read_parquet(Path(directory) / IDENTITY_FILE)
        old_scores = pl.read_parquet(Path(directory) / SCORES_FILE)
    return OneClinic({name: pl.concat(frames) for name, frames in parts.items()}, labels, truth, old_scores)
