"""Splink's documented route on DuckDB: textbook comparisons, u from random pairs, m from two rounds of EM."""

import logging

import polars as pl
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

from ennu_lib.identity.people import People

RULES = (
    ("ssn",), ("email",), ("birth_date", "last_name"), ("birth_date", "first_name"), ("phone_1", "first_name"),
    ("first_name", "last_name", "zip"), ("last_name", "street"), ("birth_date", "zip"),
)  # fmt: skip


def splink_pairs(people: People) -> tuple[pl.DataFrame, int]:
    """left, right (positions), probability of the pairs Splink scores, and how many candidates it made."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    table = people.codes.select(
        people.dictionary(c).gather(people.codes[c]).alias(c) for c in people.codes.columns
    ).with_row_index("unique_id")
    comparisons = {
        "first_name": cl.NameComparison("first_name").configure(term_frequency_adjustments=True),
        "last_name": cl.NameComparison("last_name").configure(term_frequency_adjustments=True),
        "birth_date": cl.DamerauLevenshteinAtThresholds("birth_date", [1, 2]),
        "sex": cl.ExactMatch("sex"),
        "street": cl.JaroWinklerAtThresholds("street", [0.9, 0.8]),
        "zip": cl.ExactMatch("zip"),
        "phone_1": cl.DamerauLevenshteinAtThresholds("phone_1", [1, 2]),
        "email": cl.ExactMatch("email"),
        "ssn": cl.DamerauLevenshteinAtThresholds("ssn", [1, 2]),
    }
    there = set(table.columns)
    rules = [block_on(*rule) for rule in RULES if set(rule) <= there]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[made for name, made in comparisons.items() if name in there],
        blocking_rules_to_generate_predictions=rules,
        retain_matching_columns=False,
    )
    api = DuckDBAPI()
    linker = Linker(api.register(table.to_arrow(), dataset_display_name="people"), settings, log_level=40)
    train = linker.training
    train.estimate_probability_two_random_records_match(rules[:3], recall=0.8)
    train.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("birth_date"), block_on("first_name", "last_name")):
        train.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(warning_mode="never").as_duckdbpyrelation()
    found = pl.from_arrow(scored.select("unique_id_l, unique_id_r, match_probability").to_arrow_table())
    low, high = pl.min_horizontal("unique_id_l", "unique_id_r"), pl.max_horizontal("unique_id_l", "unique_id_r")
    return found.select(left=low, right=high, probability="match_probability"), len(found)
