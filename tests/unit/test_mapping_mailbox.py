"""Whose a shared mailbox is: the guarantor's, else a member's in good standing, else the oldest record's (PAT-09)."""

import polars as pl
import pytest

from ennu_lib.mapping.contacts import guarantors_of, one_owner_per_mailbox


def owner(standing=("", "", ""), guarantors=None):
    """Who keeps the mailbox that 10, 20 and 30 give."""
    contacts = pl.LazyFrame({"golden_id": ["10", "20", "30"], "email": ["a@b.com", "A@b.com", "a@b.com"]})
    contacts = contacts.with_columns(membership_status=pl.Series(standing))
    schema = {"golden_id": pl.String, "guarantor": pl.String}
    given = None if guarantors is None else pl.LazyFrame(guarantors, schema=schema, orient="row")
    kept = one_owner_per_mailbox(contacts, given).collect()
    return kept.filter(pl.col("email").is_not_null())["golden_id"].to_list()


def test_the_oldest_record_keeps_it():
    assert owner() == ["10"]


def test_a_member_in_good_standing_comes_before_the_oldest():
    assert owner(standing=("", "active", "")) == ["20"]


@pytest.mark.parametrize(
    ("guarantors", "kept"),
    [([("10", "30")], ["30"]), ([("77", "30")], ["20"]), ([("10", "99")], ["20"])],
)
def test_the_guarantor_of_another_who_gives_it_comes_first(guarantors, kept):
    assert owner(standing=("", "active", ""), guarantors=guarantors) == kept


def test_guarantors_are_survivors():
    patients = pl.LazyFrame({"patient_id": [1, 2, 3, 4], "guarantor_id": [3, None, 3, 2]})
    crosswalk = pl.LazyFrame({"patient_id": ["1", "2", "3", "4"], "golden_id": ["1", "2", "2", "4"]})
    assert sorted(guarantors_of(patients, crosswalk).collect().rows()) == [("1", "2"), ("4", "2")]
    assert guarantors_of(patients.drop("guarantor_id"), crosswalk) is None
