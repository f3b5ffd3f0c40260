"""Planted defects: every one is labelled, and nothing else is changed."""

from datetime import date

import polars as pl
import pytest

from ennu_lib.clinic.defects import LONGEST_TEXT, PLACEHOLDERS, PLANTERS, SENTINELS, ZERO_DATE, plant_defects
from ennu_lib.clinic.labels import LABELS_FILE, LabelSink
from tests.support.small_catalogue import chunk_of, table

VISIT = table(
    "visit",
    22_000,
    ("visit_id", "integer", "seq", {"key": "pk"}),
    ("patient_id", "integer", "fk", {"references": "patients.patient_id"}),
    ("strict_id", "integer", "fk", {"references": "patients.patient_id", "declared": True}),
    ("closed", "date", "date:-9..0", {"nulls": 0.5}),
    ("status", "varchar(9)", "choice:done|open"),
    ("remark", "varchar(90)", "words:3", {"nulls": 0.5}),
    ("story", "text", "note:30"),
)
LOOSE = table("loose", 22_000, ("loose_id", "integer", "seq"), ("status", "varchar(9)", "choice:done|open"))
ROWS = 1_000


def clean_visits() -> pl.DataFrame:
    half = [i % 2 == 0 for i in range(ROWS)]
    return pl.DataFrame(
        {
            "visit_id": range(1, ROWS + 1),
            "patient_id": range(1, ROWS + 1),
            "strict_id": range(1, ROWS + 1),
            "closed": [date(2024, 5, 6) if known else None for known in half],
            "status": ["done"] * ROWS,
            "remark": ["As before." if known else None for known in half],
            "story": ["All well."] * ROWS,
        }
    )


def planted(tmp_path, defects, each=VISIT, frame=None):
    """The frame with defects, and the keys that the labels name, by label."""
    sink = LabelSink(tmp_path)
    chunk = chunk_of(each, labels=sink, defects=defects)
    result = plant_defects(chunk, each, clean_visits() if frame is None else frame)
    sink.close()
    labels = pl.read_parquet(tmp_path / LABELS_FILE)
    assert set(labels["table"].unique()) <= {each.name}
    return result, {
        defect: set(map(int, rows["key"])) for (defect,), rows in labels.partition_by("defect", as_dict=True).items()
    }


def keys_where(frame: pl.DataFrame, condition: pl.Expr) -> set[int]:
    return set(frame.filter(condition)["visit_id"])


FOUND = {
    "orphan:patient_id": pl.col("patient_id") > ROWS,
    "zero_date:closed": pl.col("closed") == ZERO_DATE,
    "sentinel_date:closed": pl.col("closed").is_in(SENTINELS),
    "placeholder:remark": pl.col("remark").is_in(PLACEHOLDERS),
    "mixed_spelling:status": pl.col("status").is_in(["DONE", "done "]),
    "mojibake:story": pl.col("story").str.contains("â€™"),
    "overlong_text:story": pl.col("story").str.len_chars() > LONGEST_TEXT,
}


@pytest.mark.parametrize("label", FOUND)
def test_labels_name_exactly_the_rows_that_carry_the_defect(tmp_path, label):
    name = label.split(":")[0]
    frame, keys = planted(tmp_path, {name: 0.05})
    assert keys == {label: keys_where(frame, FOUND[label])}
    assert 5 < len(keys[label]) < 120


def test_all_defects_together_leave_keys_and_declared_references_alone(tmp_path):
    frame, keys = planted(tmp_path, dict.fromkeys(PLANTERS, 0.1))
    assert frame["visit_id"].to_list() == list(range(1, ROWS + 1))
    assert frame["strict_id"].to_list() == list(range(1, ROWS + 1))
    assert set(FOUND) <= set(keys)


def test_only_a_table_without_primary_key_holds_a_row_twice(tmp_path):
    rows = pl.DataFrame({"loose_id": range(1, ROWS + 1), "status": ["done"] * ROWS})
    frame, keys = planted(tmp_path / "loose", {"duplicate_row": 0.05}, LOOSE, rows)
    assert set(frame.filter(frame.is_duplicated())["loose_id"]) == keys["duplicate_row"]
    _, none = planted(tmp_path / "visit", {"duplicate_row": 0.05})
    assert none == {}


def test_without_rates_nothing_changes(tmp_path):
    frame, keys = planted(tmp_path, {})
    assert frame.equals(clean_visits())
    assert keys == {}
