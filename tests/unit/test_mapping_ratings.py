"""Ratings on the scale of their quarter (rule CLN-21), and provider numbers with their check digit (STF-02)."""

import polars as pl
import pytest

from ennu_lib.mapping import rules
from ennu_lib.mapping.spec import Field_


@pytest.mark.parametrize(
    ("ratings", "stars"),
    [
        (["1", "3", "5"], ["1", "3", "5"]),
        (["4", "5", "10"], ["2", "3", "5"]),  # a four among tens is a two
        (["10", "40", "100"], ["1", "2", "5"]),  # and a ten among hundreds a one
        (["0", "81"], ["1", "5"]),
        (["0", "5"], [None, "5"]),
        (["101", "-1", "x", None, "4"], [None, None, None, None, "4"]),
    ],
)
def test_a_rating_is_on_the_scale_of_its_quarter(ratings, stars):
    frame = pl.DataFrame({"r": ratings, "d": ["2021-02-03 09:00:00"] * len(ratings)}, schema_overrides={"r": pl.String})
    assert frame.select(rules.rated_in_period(pl.col("r"), pl.col("d"))).to_series().to_list() == stars


def test_every_quarter_has_a_scale_of_its_own():
    frame = pl.DataFrame({"r": ["4", "5", "4", "90"], "d": ["2021-03-31", "2021-01-01", "2021-04-01", "2021-06-30"]})
    assert frame.select(rules.rated_in_period(pl.col("r"), pl.col("d"))).to_series().to_list() == ["4", "5", "1", "5"]


def test_a_provider_number_without_its_check_digit_stays_empty():
    given = ["1234567893", "1234567890", "123-456-7893", "3234567893", "12345", "none", None]
    frame = pl.DataFrame({"n": given})
    wanted = ["1234567893", None, "1234567893", None, None, None, None]
    assert frame.select(rules.npi(pl.col("n"))).to_series().to_list() == wanted


def test_a_period_goes_with_ratings_only():
    with pytest.raises(ValueError, match="period goes with the rule range_1_to_5 only"):
        Field_(source="a", target="b", rule="number", period="c")
