import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.blocking import candidate_pairs
from ennu_lib.identity.params import Blocking
from ennu_lib.identity.people import standardize_people
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS, people_table


def pairs(table, *rules, **limits):
    people = standardize_people(table, PARAMS.columns, PARAMS, "patient_id")
    params = Blocking(
        **{"largest_block": 100, "most_pairs_per_record": 50, "most_pairs": 10**6, "rules": rules, **limits}
    )
    return candidate_pairs(people, params, PARAMS.nicknames)


def pair_of_namesakes(n):
    """A last name that rows n and n + 1, for even n, have alone."""
    return "Q" + "abcdefghijklmnopqrstuvwxyz"[n // 2 // 26] + "abcdefghijklmnopqrstuvwxyz"[n // 2 % 26]


def keys(candidates):
    return list(zip((candidates.left + 1).tolist(), (candidates.right + 1).tolist(), strict=True))


TABLE = people_table(
    {"first_name": "Robert", "last_name": "Hill", "date_of_birth": "1980-02-03", "phone_primary": "212-555-1111"},
    {"first_name": "Bob", "last_name": "Hill", "date_of_birth": "1980-02-04", "phone_mobile": "212-555-1111"},
    {"first_name": "Hill", "last_name": "Robert", "date_of_birth": "1980-03-02", "phone_mobile": "212-555-2222"},
    {"first_name": "Ann", "last_name": "Lee", "date_of_birth": "1980-02-03", "phone_primary": "212-555-2222"},
)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        (["birth_date"], [(1, 4)]),
        (["birth_year_month", "last_name"], [(1, 2)]),
        (["first_root", "last_name"], [(1, 2)]),
        (["name_pair"], [(1, 3)]),
        (["phone"], [(1, 2), (3, 4)]),
        (["last_sound", "birth_year"], [(1, 2)]),
        (["ssn"], []),
    ],
)
def test_records_that_share_every_key_of_a_rule_are_paired(rule, wanted):
    assert keys(pairs(TABLE, rule)) == wanted


def test_pairs_of_several_rules_are_united():
    assert keys(pairs(TABLE, ["birth_date"], ["phone"], ["birth_date"])) == [(1, 2), (1, 4), (3, 4)]


def test_the_predicted_pairs_are_the_pairs_made():
    table, _ = family_people(2000)
    summary = pairs(table, *PARAMS.blocking.rules, broad_rules=PARAMS.blocking.broad_rules).summary
    assert summary["predicted_pairs"].to_list() == summary["pairs"].to_list()
    assert summary["pairs"].sum() > 1000


def test_a_block_above_the_cap_is_dropped_and_counted():
    table = people_table(*[{"first_name": "Ann", "last_name": "Lee"}] * 6, {"first_name": "Al", "last_name": "Fox"})
    found = pairs(table, ["first_name", "last_name"], largest_block=5)
    assert len(found.pairs) == 0
    row = found.summary.row(0, named=True)
    assert (row["dropped_blocks"], row["dropped_records"], row["dropped_pairs"], row["largest_block"]) == (1, 6, 15, 6)


def test_the_budget_leaves_out_the_largest_blocks_first():
    names = ["Lee"] * 80 + ["Fox"] * 10 + [pair_of_namesakes(n) for n in range(90, 400)]
    found = pairs(
        people_table(*[{"first_name": "Ann", "last_name": name} for name in names]), ["last_name"], most_pairs=300
    )
    assert len(found.pairs) == 155 + 45
    assert 10 <= found.summary["cap"].item() < 80


def test_the_same_number_in_two_columns_makes_no_pair_of_a_record_with_itself():
    twice = {"first_name": "Ann", "phone_primary": "212-555-0100", "phone_mobile": "212-555-0100"}
    found = pairs(people_table(twice, twice), ["phone"])
    assert keys(found) == [(1, 2)]
    assert found.summary["largest_block"].item() == 2


def test_a_broad_rule_sees_only_blocks_within_its_allowance():
    rows = [{"first_name": "Ann", "last_name": "Lee" if n < 40 else pair_of_namesakes(n)} for n in range(400)]
    found = pairs(people_table(*rows), ["ssn"], broad_rules=[["last_name"]], broad_pairs_per_record=0.5)
    assert len(found.pairs) == 180
    assert found.summary["dropped_records"].to_list() == [0, 40]


def test_an_unknown_key_is_a_configuration_mistake():
    with pytest.raises(ConfigurationError, match="unknown key 'shoe_size'"):
        pairs(TABLE, ["shoe_size"])
