"""Parity over stored scores, contributions, corrections and metric versions as odd as a source can have them."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.scores.parity.classes import ParityClass
from ennu_lib.scores.parity.versions import read_history
from tests.support.parity_clinic import Clinic, man
from tests.support.score_params import CATALOGUE, measured

NUMBERS = ["", "NaN", "1e999", "-1e999", "-5", "51", " 51.00 ", "51.123456789", "\x00", "٥١", "∞", "9" * 40, "n/a"]
DAYS = [
    "",
    "0000-00-00",
    "0001-01-01",
    "2024-06-01",
    "2024-06-01 10:11:12",
    "2024-02-30",
    "9999-12-31",
    "‮txet",
    "x" * 70_000,
]
RANGES = ["N/A", "600-900", "900-600", "<5.7", ">=0", "9" * 60, "0-0", "1e9-2e9", "\x00", "", "about 5"]
WEIGHTS = ["5", "0", "-1", "NaN", "Infinity", "1e999", "0.0000001", "", "five", "2.5"]

stored = st.fixed_dictionaries(
    {
        "score": st.sampled_from(NUMBERS),
        "day": st.sampled_from(DAYS),
        "formula": st.sampled_from(["hs-graded-v1", "hs-legacy-binary-2016", "", "\x00"]),
        "created": st.sampled_from(DAYS),
        "sex": st.sampled_from(["male", "female", "", "other", "\x00"]),
        "points": st.lists(st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)), max_size=3),
        "first": st.sampled_from(NUMBERS),
    }
)
versions = st.fixed_dictionaries(
    {
        "metric_id": st.sampled_from(["1", "tsh", "", "99"]),
        "valid_from": st.sampled_from(DAYS),
        "valid_to": st.sampled_from(DAYS),
        "optimal_range_male": st.sampled_from(RANGES),
        "optimal_range_female": st.sampled_from(RANGES),
        "metric_weight": st.sampled_from(WEIGHTS),
        "measurement_unit": st.sampled_from(["ng/dL", "mIU/L", "", "furlong", "\x00"]),
    }
)


@settings(max_examples=4, deadline=None)
@given(st.lists(stored, min_size=8, max_size=24), st.lists(versions, min_size=1, max_size=12))
def test_every_stored_score_has_exactly_one_class_whatever_stands_beside_it(scores, history):
    codes = {"1": "total_testosterone", "tsh": "tsh"}
    found = read_history(pl.LazyFrame(history), codes, CATALOGUE)
    assert found.unreadable + sum(map(len, found.versions.values())) == len(history)
    clinic = Clinic(found)
    for one in scores:
        parts = [("hba1c", value, one["day"], points) for value, points in one["points"]]
        results = man(measured("tsh", "1.5", "2024-05-20", source_table="lab_results", source_id="7"))
        first = ("7", one["created"], one["first"], "")
        clinic.stores(
            one["score"],
            results,
            day=one["day"],
            formula=one["formula"],
            sex=one["sex"],
            created_at=one["created"],
            parts=parts,
            corrections=first,
        )
    parity = clinic.parity()
    assert parity.scores["score_id"].to_list() == [row["source_id"] for row in clinic.scores]
    assert set(parity.scores["class"]) <= {kind.value for kind in ParityClass}
