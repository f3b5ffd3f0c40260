import polars as pl
import pytest

from ennu_lib.identity.evaluate import (
    answered_by_truth,
    at_thresholds,
    calibration,
    measure,
    pairs_within,
    threshold_curve,
)


def frame(*pairs):
    return pl.DataFrame(pairs, schema={"left": pl.Int64, "right": pl.Int64}, orient="row")


def test_measures_of_a_set_of_pairs():
    found = measure(frame((1, 2), (3, 4)), frame((1, 2), (5, 6), (7, 8)), records=10)
    assert found["precision"] == 0.5 and found["recall"] == pytest.approx(1 / 3) and found["f1"] == pytest.approx(0.4)
    assert (found["true_positives"], found["false_positives"], found["false_negatives"]) == (1, 1, 2)
    assert found["true_negatives"] == 45 - 4
    assert found["reduction_ratio"] == pytest.approx(1 - 2 / 45)


def test_nothing_found_is_precise_and_recalls_nothing():
    found = measure(frame(), frame((1, 2)), records=3)
    assert (found["precision"], found["recall"], found["f1"]) == (1.0, 0.0, 0.0)


def test_all_pairs_of_a_group_are_its_pairs():
    groups = pl.DataFrame({"key": [3, 1, 2, 4], "group": ["a", "a", "a", None]})
    assert pairs_within(groups, "key", "group").rows() == [(1, 2), (1, 3), (2, 3)]


SCORED = pl.DataFrame(
    {
        "left": [1, 3, 5, 7], "right": [2, 4, 6, 8], "probability": [0.999, 0.97, 0.6, 0.2],
        "decision": ["auto-merge", "review", "review", "review"],
        "reason": ["probability", "twins", "between the thresholds", "between the thresholds"],
    }
)  # fmt: skip
TRUE = frame((1, 2), (5, 6))


def test_precision_and_recall_at_thresholds():
    table = at_thresholds(SCORED, TRUE, (0.5, 0.99))
    assert table["precision"].to_list() == [pytest.approx(2 / 3), 1.0]
    assert table["recall"].to_list() == [1.0, 0.5]


def test_calibration_bands():
    table = calibration(SCORED, TRUE)
    assert table.select("low", "pairs", "actual").rows() == [
        (0.1, 1, 0.0),
        (0.5, 1, 1.0),
        (0.95, 1, 0.0),
        (0.999, 1, 1.0),
    ]


def test_the_threshold_curve_counts_merges_false_merges_and_reviews():
    curve = threshold_curve(SCORED, 0.1, (0.5, 0.99))
    assert curve["merges"].to_list() == [2, 1]
    assert curve["reviews"].to_list() == [2, 3]
    assert curve["expected_false_merges"].to_list() == [pytest.approx(0.401), pytest.approx(0.001)]


def test_answers_by_truth_join_the_clusters_that_are_one_person():
    clusters = pl.DataFrame({"key": [1, 2, 3], "golden_id": ["1", "2", "3"]})
    review = pl.DataFrame({"left": [1, 2], "right": [2, 3], "golden_left": ["1", "2"], "golden_right": ["2", "3"]})
    truth = pl.DataFrame({"key": [1, 2, 3], "person": [7, 7, 8]})
    groups = answered_by_truth(clusters, review, truth)["group"].to_list()
    assert groups[0] == groups[1] != groups[2]
