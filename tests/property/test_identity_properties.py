import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ennu_lib.identity import match_people
from ennu_lib.identity.standard import STANDARD
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS, people_table

FEW = settings(max_examples=4, deadline=None)


@pytest.mark.slow
@FEW
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_the_order_of_rows_changes_nothing(seed, shuffle, hard):
    table, _ = family_people(150, seed=seed, hard=hard)
    one, other = (match_people(t, PARAMS) for t in (table, table.sample(fraction=1, shuffle=True, seed=shuffle)))
    for frame in ("pairs", "clusters", "golden", "review", "losing_values", "model", "blocking", "not_known"):
        assert getattr(one, frame).equals(getattr(other, frame)), frame
    assert one.summary == other.summary


NAMES = st.sampled_from(["Ann", "Anne", "Bob", "Robert", "Lee", "Test", "", "O'Neil", "李", "X", "Jr", None])
DATES = st.sampled_from(["1980-02-03", "1980-03-02", "1900-01-01", "0000-00-00", "02/03/1980", "x", None])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "first_name": NAMES, "last_name": NAMES, "preferred_name": NAMES, "date_of_birth": DATES,
            "ssn": st.sampled_from(["123-45-6780", "123-45-6781", "999-99-9999", "none", None]),
            "phone_primary": st.sampled_from(["212-555-0100", "2125550101", "0", None]),
            "email_address": st.sampled_from(["a@x.org", "none@none.com", "@", None]),
        }
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_any_small_table_ends_in_a_partition_with_golden_records(rows):
    table = people_table(*rows)
    found = match_people(table, PARAMS)
    assert found.clusters["key"].to_list() == table["patient_id"].to_list()
    assert set(found.golden["golden_id"]) == set(found.clusters["golden_id"])
    assert found.golden["members"].sum() == len(table)
    assert (found.clusters["role"] != "merged").sum() == len(found.golden)
    assert found.pairs["probability"].is_between(0, 1).all()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(STANDARD)), st.text(max_size=30))
def test_standardizing_twice_is_standardizing_once(field, text):
    standard = STANDARD[field]
    once = pl.DataFrame({"raw": [text]}).select(raw=standard(pl.col("raw").str.strip_chars()))
    twice = once.select(raw=standard(pl.col("raw")))
    assert once["raw"].to_list() == twice["raw"].to_list()
