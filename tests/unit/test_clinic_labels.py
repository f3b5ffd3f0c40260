"""The files that say what was planted."""

import datetime as dt

import numpy as np
import polars as pl

from ennu_lib.clinic.labels import IDENTITY_FILE, LABELS_FILE, SCORES_FILE, LabelSink


def test_labels_are_streamed_and_appear_only_when_whole(tmp_path):
    sink = LabelSink(tmp_path)
    sink.add("patients", np.array([1, 2]), "blank")
    sink.flush()
    sink.add("lab_tests", pl.Series(["a|1"]), "orphan", pl.Series([dt.datetime(2026, 1, 2, 3, 4, 5)]))
    sink.add("patients", [], "blank")
    assert not (tmp_path / LABELS_FILE).exists()
    sink.close()
    assert pl.read_parquet(tmp_path / LABELS_FILE).rows() == [
        ("patients", "1", "blank", None),
        ("patients", "2", "blank", None),
        ("lab_tests", "a|1", "orphan", "2026-01-02 03:04:05"),
    ]
    assert sink.defects == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [IDENTITY_FILE, LABELS_FILE, SCORES_FILE]


def test_identities_have_their_columns_and_the_files_are_private(tmp_path):
    sink = LabelSink(tmp_path / "labels")
    sink.add_identities(pl.DataFrame({"kind": ["twin"], "person_id": [7], "patient_id": [9], "household_id": [3]}))
    sink.close()
    file = tmp_path / "labels" / IDENTITY_FILE
    assert pl.read_parquet(file).rows(named=True) == [
        {"patient_id": 9, "person_id": 7, "household_id": 3, "kind": "twin"}
    ]
    assert file.stat().st_mode & 0o077 == 0


def test_without_a_directory_labels_are_only_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = LabelSink(None)
    sink.add("patients", [1, 2], "blank")
    sink.close()
    assert sink.defects == 2
    assert list(tmp_path.iterdir()) == []
