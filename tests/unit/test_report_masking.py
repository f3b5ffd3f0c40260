"""Suppression of small counts: the limit, the complement, the shares."""

from __future__ import annotations

import polars as pl
import pytest

from ennu_lib.errors import GateFailed
from ennu_lib.report.masking import (
    counts_things,
    learn_identifiers,
    masked_count,
    masked_ratio,
    masked_sentence,
    refuse_identifiers,
    suppress,
    withheld_cells,
)


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (1, "*"), (10, "*"), (11, "11"), (1204, "1,204")])
def test_one_to_ten_is_withheld_and_zero_is_not(count, shown):
    assert masked_count(count) == shown


def test_the_limit_is_a_parameter():
    assert masked_count(11, limit=11) == "*"
    assert withheld_cells([[5]], limit=4) == set()


def test_without_totals_only_small_counts_are_withheld():
    assert withheld_cells([[3, 40], [0, 10]]) == {(0, 0), (1, 1)}


def test_with_a_total_the_next_smallest_goes_too():
    assert withheld_cells([[3], [40], [12], [400], [455]], column_totals=True) == {(0, 0), (2, 0)}


def test_zeros_are_no_complement():
    assert withheld_cells([[3, 0, 0, 50, 53]], row_totals=True) == {(0, 0), (0, 3)}


def test_two_small_counts_whose_sum_is_small_need_a_third():
    assert withheld_cells([[3, 4, 50, 60, 117]], row_totals=True) == {(0, 0), (0, 1), (0, 2)}


def test_two_small_counts_whose_sum_is_large_protect_each_other():
    assert withheld_cells([[10, 9, 50, 69]], row_totals=True) == {(0, 0), (0, 1)}


def test_a_small_total_is_withheld_and_needs_no_complement():
    assert withheld_cells([[3, 0, 2, 5]], row_totals=True) == {(0, 0), (0, 2), (0, 3)}


def test_in_two_dimensions_the_corners_of_a_rectangle_go():
    counts = [[3, 40, 50, 93], [60, 70, 80, 210], [90, 95, 99, 284], [153, 205, 229, 587]]
    withheld = withheld_cells(counts, row_totals=True, column_totals=True)
    assert (0, 0) in withheld
    assert len(withheld) == 4
    rows, columns = {r for r, _ in withheld}, {c for _, c in withheld}
    assert len(rows) == len(columns) == 2
    assert 3 not in rows and 3 not in columns, "totals stay readable where they can"


def test_a_single_row_beside_its_totals_is_protected_through_the_totals():
    withheld = withheld_cells([[3, 40, 43], [3, 40, 43]], row_totals=True, column_totals=True)
    assert {(0, 0), (1, 0)} <= withheld


def test_wrong_tables_are_refused():
    with pytest.raises(ValueError, match="negative"):
        withheld_cells([[-1]])
    with pytest.raises(ValueError, match="row does not add up"):
        withheld_cells([[1, 2, 4]], row_totals=True)
    with pytest.raises(ValueError, match="column does not add up"):
        withheld_cells([[1], [2], [4]], column_totals=True)


def test_an_empty_table_withholds_nothing():
    assert withheld_cells([]) == set()


@pytest.mark.parametrize(
    ("numerator", "denominator", "shown"),
    [
        (0, 1000, "0 of 1,000 (0 %)"),
        (5, 1000, "* of 1,000"),
        (995, 1000, "* of 1,000"),
        (500, 1000, "500 of 1,000 (50.0 %)"),
        (4, 8, "* of *"),
        (0, 8, "* of *"),
        (0, 0, "0 of 0"),
    ],
)
def test_those_that_hold_are_people_as_much_as_those_that_do_not(numerator, denominator, shown):
    assert masked_ratio(numerator, denominator) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3 pairs of twins were merged", "10 or fewer pairs of twins were merged"),
        ("11 pairs", "11 pairs"),
        ("0 pairs, 10 pairs", "0 pairs, 10 or fewer pairs"),
        ("1,204 rows of 189 tables", "1,204 rows of 189 tables"),
        ("5 of 1,000 (0.5 %) failed", "few of 1,000 failed"),
        ("995 of the 1,000 hold", "most of 1,000 hold"),
        ("400 of 1,000 hold", "400 of 1,000 hold"),
        ("6 patient tables, 4 rules and 3 rows", "6 patient tables, 4 rules and 10 or fewer rows"),
        ("2 people, 3 tables; 4 people in tables", "10 or fewer people, 3 tables; 10 or fewer people in tables"),
        ("4 of 8 hold", "most of 10 or fewer hold"),
        (
            "phase 3, `table 7`, version 2, 5 %, 2026-03-04, 2.5 units",
            "phase 3, `table 7`, version 2, 5 %, 2026-03-04, 2.5 units",
        ),
    ],
)
def test_counts_in_a_sentence_are_masked_and_names_are_not(text, shown):
    assert masked_sentence(text) == shown


def test_counts_of_things_are_told_from_counts_of_persons():
    assert counts_things("tables_read") and counts_things("snapshots")
    assert not counts_things("rows") and not counts_things("pairs_for_review")


def test_shares_go_with_their_count():
    frame = pl.DataFrame({"sex": ["f", "m"], "n": [7, 300], "share": [0.02, 0.98]})
    safe = suppress(frame, ["n"], shares={"share": "n"})
    assert safe.withheld == {(0, "n"), (0, "share")}
    assert safe.frame["n"].to_list() == [None, 300]
    assert safe.frame["share"].to_list() == [None, 0.98]


def test_the_total_column_need_not_be_listed():
    frame = pl.DataFrame({"t": ["a"], "loaded": [5], "merged": [20], "rejected": [70], "all": [95]})
    safe = suppress(frame, ["loaded", "merged", "rejected"], total_column="all")
    assert {c for _, c in safe.withheld} == {"loaded", "merged"}


def test_the_footnote_does_not_tell_which_counts_were_small():
    frame = pl.DataFrame({"n": [7, 12, 300, 319]})
    assert suppress(frame, ["n"], total_row=True).footnote == (
        "* Withheld: a count of people from 1 to 10, or one from which such a count could be worked out."
    )
    assert suppress(pl.DataFrame({"n": [70]}), ["n"]).footnote == ""


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="no column m, share"):
        suppress(pl.DataFrame({"n": [1]}), ["m"], shares={"share": "n"})


def test_what_the_audit_classed_as_identifying_is_refused_in_later_reports():
    frame = pl.DataFrame({"insured_handle": ["a", "b"], "rows": [1, 2]})
    refuse_identifiers(frame, "before")
    classes = {"column": ["InsuredHandle", "insured_handle", "note", "handle", "handle"]}
    kinds = {"class": ["other_unique", "names", "clinical", "names", "none"]}
    learn_identifiers(pl.DataFrame({**classes, **kinds}))
    try:
        with pytest.raises(GateFailed, match="insured_handle"):
            refuse_identifiers(frame, "after")
        refuse_identifiers(pl.DataFrame({"handle": ["a"], "note": ["b"]}), "names with another meaning elsewhere pass")
        refuse_identifiers(pl.DataFrame({"insured_handle": [3]}), "counts pass")
    finally:
        learn_identifiers(pl.DataFrame(schema={"column": pl.String, "class": pl.String}))
    refuse_identifiers(frame, "forgotten")
