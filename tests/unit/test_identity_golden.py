import polars as pl
import pytest

from ennu_lib.identity.golden import golden_records
from ennu_lib.identity.params import Survivorship
from ennu_lib.identity.people import says_nothing
from tests.support.identity_params import PARAMS, people_table

RULES = {"updated": "last_updated", "source": "source", "survivor": ["most_complete"], "default": ["most_recent"]}


def golden(rows, **rules):
    table = people_table(*rows)
    extra = {k for row in rows for k in row} - set(table.columns)
    table = table.with_columns(pl.Series(c, [row.get(c) for row in rows]) for c in sorted(extra))
    clusters = pl.DataFrame({"key": table["patient_id"], "golden_id": ["1"] * len(table)})
    params = Survivorship(**{**RULES, **rules})
    empty = says_nothing(PARAMS.columns, PARAMS)
    return golden_records(table, clusters, "patient_id", params, empty)


OLD = {"first_name": "Bob", "last_name": "Hill", "email_address": "old@x.org", "last_updated": "2020-01-01T00:00:00"}
NEW = {"first_name": "Robert", "last_name": "Hill", "email_address": "new@x.org", "last_updated": "2024-01-01T00:00:00"}


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        (["most_recent"], "Robert"),
        (["longest"], "Robert"),
        (["most_complete"], "Bob"),
        (["never_overwrite"], "Bob"),
        (["most_frequent"], "Bob"),
    ],
)
def test_each_rule_chooses_its_value(rules, wanted):
    rows = [{**OLD, "city": "Boston"}, NEW, {**OLD, "email_address": None}]
    assert golden(rows, columns={"first_name": rules})[0]["first_name"].item() == wanted


def test_a_verified_value_wins_over_a_newer_one():
    rows = [{**OLD, "email_verified": "Y"}, {**NEW, "email_verified": "N"}]
    rules = {"columns": {"email_address": ["verified", "most_recent"]}, "verified": {"email_address": "email_verified"}}
    assert golden(rows, **rules)[0]["email_address"].item() == "old@x.org"


def test_the_trusted_source_wins():
    rows = [{**OLD, "source": "chart"}, {**NEW, "source": "web form"}]
    found = golden(rows, sources=["chart", "web form"], columns={"first_name": ["source_priority"]})
    assert found[0]["first_name"].item() == "Bob"


def test_an_empty_or_placeholder_value_never_wins_over_a_real_one():
    rows = [OLD, {**NEW, "email_address": "none@none.com", "first_name": " "}]
    found = golden(rows)[0]
    assert found["email_address"].item() == "old@x.org"
    assert found["first_name"].item() == "Bob"


def test_a_placeholder_stays_where_nobody_has_better():
    rows = [{**OLD, "email_address": "none@none.com"}, {**NEW, "email_address": None}]
    assert golden(rows)[0]["email_address"].item() == "none@none.com"


def test_an_address_is_taken_from_one_row():
    rows = [
        {**OLD, "address_line1": "1 Oak St", "city": "Boston", "zip_code": "02139"},
        {**NEW, "address_line1": "9 Elm Ave", "city": None, "zip_code": "10001"},
    ]
    together = [{"columns": ["address_line1", "city", "zip_code"], "rules": ["most_recent"]}]
    found = golden(rows, together=together)[0].row(0, named=True)
    assert (found["address_line1"], found["city"], found["zip_code"]) == ("9 Elm Ave", None, "10001")


def test_losing_values_are_kept_with_their_row_and_the_rule():
    found, losing, _ = golden([OLD, NEW])
    assert found["members"].item() == 2
    lost = {(row["column"], row["patient_id"], row["value"]) for row in losing.iter_rows(named=True)}
    assert ("first_name", "1", "Bob") in lost and ("email_address", "1", "old@x.org") in lost
    assert not any(column == "last_name" for column, _, _ in lost)
    assert set(losing["rule"]) == {"most_recent"}


def test_a_single_row_passes_unchanged():
    found, losing, survivors = golden([NEW])
    assert found.drop("golden_id", "members").equals(people_table(NEW))
    assert len(losing) == 0 and survivors["survivor"].to_list() == [1]
