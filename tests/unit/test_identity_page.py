import polars as pl
import pytest

from ennu_lib.identity import page
from ennu_lib.identity.decisions import SCHEMA
from ennu_lib.identity.match import match_people
from ennu_lib.identity.outputs import folded_sizes
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS, people_table

NOBODY = pl.DataFrame(schema=SCHEMA)


@pytest.fixture(scope="module")
def families():
    table, truth = family_people(2500, seed=8)
    return truth, match_people(table, PARAMS)


def test_the_curve_has_the_setting_in_force_and_falls(families):
    table = page.curve(families[1], PARAMS)
    assert page.setting_in_force(PARAMS) in page.settings(table)
    assert table["merges"].is_sorted(descending=True) and table["expected_false_merges"].is_sorted(descending=True)
    assert table["reviews"].is_sorted()


def test_small_counts_are_withheld_from_distributed_figures_only(families):
    table = page.differences(families[1])
    exact, masked = page.kinds_drawn(table), page.kinds_drawn(table, distributed=True)
    assert any(0 < n < 11 for n in exact.values())
    assert all(n is None or n > 10 for n in masked.values()) and list(exact) == list(masked)


def test_the_example_adds_up_to_the_evidence_of_a_merged_pair(families):
    terms = page.example(families[1])
    merged = families[1].pairs.filter(decision="auto-merge")["bits"]
    assert terms[0][0].startswith("prior")
    assert any(abs(sum(w for _, w in terms) - bits) < 0.5 for bits in merged)


def test_households_are_those_of_the_truth_about(families):
    truth, found = families
    homes = page.households(found)
    people = int((homes["people"] * homes["households"]).sum())
    several = truth.unique("person_id").filter(pl.len().over("household_id") > 1)
    assert 0.5 * len(several) < people < 1.5 * len(several)
    assert {"twins", "household"} <= set(page.kinship(found)["kind"])


def test_the_largest_groups_are_drawn_without_names(families):
    drawn = page.largest_groups(families[1])
    assert drawn and drawn[0][1] == max(size for _, size, _ in drawn) >= 3
    assert all(link[0] < size and link[1] < size for _, size, links in drawn for link in links)


def test_open_questions_and_limits_are_said(families):
    found = families[1]
    assert page.undecided(found)["pairs"].sum() == len(found.review)
    assert any(text.startswith("Not compared") for text in page.limits(found)) is bool(found.summary["fields_absent"])
    told = dict(page.reviewers(NOBODY, found).iter_rows())
    assert told["agreement beyond chance (Cohen's kappa)"] == "not defined yet"


def test_a_table_without_duplicates_has_nothing_to_show():
    found = match_people(people_table({"first_name": "Ann", "last_name": "Lee"}), PARAMS)
    assert page.example(found) is None and page.largest_groups(found) == []
    assert page.differences(found).is_empty() and page.households(found).is_empty()


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ([431, 33, 1], [("1", 431), ("2 or more", 34)]),
        ([431, 33, 11], [("1", 431), ("2", 33), ("3", 11)]),
        ([90, 5, 3], [("1 or more", 98)]),
        ([7], [("1", 7)]),
        ([], []),
    ],
)
def test_a_few_people_of_many_rows_cannot_be_worked_out_from_the_total(people, shown):
    rows = list(range(1, len(people) + 1))
    kinds = {"rows_per_person": pl.UInt32, "people": pl.UInt32}
    sizes = pl.DataFrame({"rows_per_person": rows, "people": people}, schema=kinds)
    assert folded_sizes(sizes).rows() == shown
