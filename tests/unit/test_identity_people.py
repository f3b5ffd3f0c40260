import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError, SourceChanged
from ennu_lib.identity.people import standardize_people
from tests.support.identity_params import PARAMS, people_table


def standardized(table):
    return standardize_people(table, PARAMS.columns, PARAMS, "patient_id")


def values(people, column):
    return people.dictionary(column).gather(people.codes[column]).to_list()


def test_records_come_in_key_order_as_codes_of_their_standard_values():
    table = people_table({"first_name": "Zoë", "last_name": "Lee"}, {"first_name": "ANN", "last_name": "LEE"})
    people = standardized(table.reverse())
    assert people.keys.to_list() == [1, 2]
    assert values(people, "first_name") == ["zoe", "ann"]
    assert people.codes["last_name"].n_unique() == 1


def test_first_and_last_names_share_a_dictionary_so_that_swaps_are_seen():
    people = standardized(
        people_table({"first_name": "Lee", "last_name": "Ann"}, {"first_name": "Ann", "last_name": "Lee"})
    )
    assert people.codes["first_name"][0] == people.codes["last_name"][1]


def test_a_generation_at_the_end_of_the_last_name_is_the_suffix():
    people = standardized(
        people_table({"first_name": "Al", "last_name": "Hill Jr."}, {"first_name": "Al", "last_name": "Hill"})
    )
    assert values(people, "suffix") == ["jr", None]
    assert values(people, "last_name") == ["hill", "hill"]


def test_placeholders_and_unreadable_values_are_nulled_and_counted():
    table = people_table(
        {"first_name": "Test", "last_name": "Lee", "date_of_birth": "1900-01-01", "ssn": "999-99-9999"},
        {"first_name": "Ann", "last_name": "Lee", "date_of_birth": "someday", "ssn": "123-45-6780"},
    )
    people = standardized(table)
    assert values(people, "first_name") == [None, "ann"]
    assert sorted(people.not_known.rows()) == [
        ("birth_date", "not readable", 1), ("birth_date", "placeholder", 1), ("first_name", "placeholder", 1),
        ("ssn", "placeholder", 1),
    ]  # fmt: skip


def test_a_number_that_very_many_records_share_is_nobodys():
    rows = [{"first_name": "Ann", "last_name": "Lee", "phone_primary": "212-555-0100"} for n in range(30)]
    people = standardized(people_table(*rows))
    assert people.codes["phone_1"].null_count() == 30
    assert ("phone", "shared by more than 20 records", 30) in people.not_known.rows()


def test_absent_columns_are_listed_and_too_few_are_refused():
    table = people_table({"first_name": "Ann", "last_name": "Lee"})
    assert "ssn" in standardized(table.drop("ssn")).absent
    with pytest.raises(SourceChanged, match="fewer than two columns"):
        standardized(table.select("patient_id", "first_name"))
    with pytest.raises(SourceChanged, match="key column 'patient_id'"):
        standardized(table.drop("patient_id"))


def test_empty_and_repeated_keys_are_reported_without_their_values():
    table = people_table({"first_name": "Ann", "last_name": "Lee"})
    table = pl.concat([table, table, table.with_columns(patient_id=pl.lit(None, pl.Int64))])
    with pytest.raises(ConfigurationError) as caught:
        standardized(table)
    assert caught.value.mistakes == ["1 rows have no key", "1 keys are there more than once"]
