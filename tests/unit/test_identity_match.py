from dataclasses import replace

import polars as pl
import pytest

from ennu_lib.evidence import Status
from ennu_lib.identity import identity_findings, match_people
from ennu_lib.identity.evaluate import answered_by_truth, at_thresholds, measure, pairs_within
from tests.support.family_people import family_people
from tests.support.febrl import COLUMNS, febrl
from tests.support.identity_params import PARAMS, people_table

pytestmark = pytest.mark.slow

ALONE = PARAMS.model_copy(update={"second_opinion": PARAMS.second_opinion.model_copy(update={"most_records": 0})})


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize(("left_out", "least_f1"), [((), 0.995), (("ssn",), 0.985)], ids=["all", "without ssn"])
def test_the_public_sets_are_matched_without_tuning(number, left_out, least_f1):
    table, truth = febrl(number)
    columns = {f: c for f, c in COLUMNS.items() if f not in left_out}
    found = match_people(table, ALONE, key="rec_id", columns=columns)
    true = pairs_within(truth, "rec_id", "person_id")
    assert at_thresholds(found.pairs, true, (0.5,))["f1"].item() >= least_f1


@pytest.fixture(scope="module")
def families():
    table, truth = family_people(6000, seed=2)
    return table, truth, match_people(table, PARAMS)


def test_families_are_not_merged_and_duplicates_are(families):
    table, truth, found = families
    true = pairs_within(truth, "patient_id", "person_id")
    merged = measure(pairs_within(found.clusters, "key", "golden_id"), true, len(table))
    assert merged["precision"] >= 0.999 and merged["recall"] >= 0.9
    answers = truth.select(key="patient_id", person="person_id")
    reviewed = answered_by_truth(found.clusters, found.review, answers)
    after = measure(pairs_within(reviewed, "key", "group"), true, len(table))
    assert after["precision"] >= 0.995 and after["recall"] >= 0.97
    assert len(found.review) <= 0.02 * len(table)


def test_without_birth_dates_housemates_are_left_to_people():
    table, truth = family_people(1500, seed=5, hard=True)
    found = match_people(table.with_columns(date_of_birth=pl.lit("1900-01-01")), PARAMS)
    assert "birth_date holds no usable value" in found.findings
    assert "birth_date" not in found.model["field"].to_list() and "ssn" in found.model["field"].to_list()
    merged = pairs_within(found.clusters, "key", "golden_id")
    figures = measure(merged, pairs_within(truth, "patient_id", "person_id"), len(table))
    assert figures["precision"] >= 0.999 and figures["recall"] >= 0.5


def test_no_twins_are_merged_and_they_are_named_so(families):
    _, truth, found = families
    twins = truth.filter(kind="twin").select("patient_id", "person_id", "household_id")
    siblings = pairs_within(twins, "patient_id", "household_id")
    same = pairs_within(twins, "patient_id", "person_id")
    apart = siblings.join(same, on=["left", "right"], how="anti")
    listed = found.pairs.join(apart, on=["left", "right"])
    assert len(listed) > 20
    assert (listed["decision"] != "auto-merge").all()
    assert (listed["kind"] == "twins").mean() > 0.9


def test_every_row_has_one_golden_record_with_the_columns_of_the_table(families):
    table, _, found = families
    assert found.clusters["key"].sort().to_list() == table["patient_id"].sort().to_list()
    assert found.golden.columns == [*table.columns, "golden_id", "members"]
    assert found.golden.schema == {**table.schema, "golden_id": pl.String, "members": pl.UInt32}
    assert found.golden["golden_id"].sort().to_list() == found.clusters["golden_id"].unique().sort().to_list()
    assert found.golden["members"].sum() == len(table)
    survivors = found.clusters.filter(pl.col("role") != "merged")
    assert survivors["key"].sort().to_list() == found.golden["patient_id"].sort().to_list()


def test_review_asks_once_about_two_clusters(families):
    review = families[2].review
    asked = {frozenset(pair) for pair in review.select("golden_left", "golden_right").iter_rows()}
    assert len(asked) == len(review) > 0


def test_progress_names_every_step():
    steps = []
    match_people(family_people(300)[0], PARAMS, progress=lambda step, done, total: steps.append(step))
    assert list(dict.fromkeys(steps)) == [
        "standardize", "block", "compare", "learn", "score", "second opinion", "cluster", "golden records",
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_the_smallest_tables(rows):
    table = people_table(*[{"first_name": "Ann", "last_name": "Lee", "date_of_birth": "1980-02-03"}] * rows)
    found = match_people(table, PARAMS)
    assert len(found.clusters) == rows
    assert found.golden["members"].sum() == rows


def test_everyone_born_on_the_same_placeholder_day_is_no_evidence():
    table, truth = family_people(1000, seed=4)
    found = match_people(table.with_columns(date_of_birth=pl.lit("1900-01-01")), PARAMS)
    assert "birth_date holds no usable value" in found.findings
    true = pairs_within(truth, "patient_id", "person_id")
    assert measure(pairs_within(found.clusters, "key", "golden_id"), true, 1000)["precision"] > 0.97


def test_everyone_born_on_the_same_real_day_blocks_on_other_keys():
    table, _ = family_people(1000, seed=4)
    found = match_people(table.with_columns(date_of_birth=pl.lit("1984-05-06")), PARAMS)
    assert found.summary["candidate_pairs"] < 100 * 1000
    assert any(finding.startswith("blocking rule birth_date:") for finding in found.findings)


def test_one_giant_block_is_dropped_and_said():
    table = people_table(*[{"first_name": "Ann", "last_name": "Lee", "zip_code": "02139"}] * 3000)
    found = match_people(table, PARAMS)
    assert found.summary["candidate_pairs"] == 0
    assert any("above the cap" in finding for finding in found.findings)


@pytest.mark.parametrize("column", ["first_name", "date_of_birth", "ssn"])
def test_a_column_missing_or_all_null_leaves_the_rest_to_decide(column):
    table, truth = family_people(600, seed=6)
    true = pairs_within(truth, "patient_id", "person_id")
    dropped = match_people(table.drop(column), PARAMS)
    nulled = match_people(table.with_columns(pl.lit(None, pl.String).alias(column)), PARAMS)
    for found in (dropped, nulled):
        assert measure(pairs_within(found.clusters, "key", "golden_id"), true, 600)["precision"] > 0.97
    assert nulled.clusters["golden_id"].to_list() == dropped.clusters["golden_id"].to_list()


def test_ids_stay_when_the_table_grows():
    table, _ = family_people(700, seed=7)
    first = match_people(table.head(600), PARAMS, pseudonym=lambda keys: [f"g{k}" for k in keys])
    second = match_people(
        table, PARAMS, previous=first.clusters, pseudonym=lambda keys: [f"g{k}" for k in keys]
    )  # fmt: skip
    both = first.clusters.join(second.clusters, on="key")
    assert (both["golden_id"] == both["golden_id_right"]).mean() > 0.97


def test_the_checks_of_the_page_see_merged_twins(families):
    found = families[2]
    assert {f.id: f.status for f in identity_findings(found)}["IDN-02"] == Status.PASS
    twins = found.pairs.with_columns(
        decision=pl.when(pl.col("kind") == "twins").then(pl.lit("auto-merge")).otherwise("decision")
    )
    wrong = {f.id: f for f in identity_findings(replace(found, pairs=twins))}["IDN-02"]
    assert wrong.status == Status.FAIL
