"""What is remembered from run to run is remembered of one database."""

import datetime as dt

import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity import Registry
from ennu_lib.identity.registry import MARKED, marks_of
from ennu_lib.keys import Keys
from tests.conftest import KEY
from tests.support.family_people import family_people

KEYS = Keys(KEY)


@pytest.fixture
def registry(tmp_path):
    return Registry("small", tmp_path)


def marks(seed=1, change=lambda table: table, keys=KEYS):
    return marks_of(change(family_people(300, seed=seed)[0]).lazy(), keys)


def test_a_database_that_has_grown_and_been_corrected_is_known_again(registry):
    registry.recognize(marks())
    registry.mark(marks())

    def lived_on(table):
        renamed = pl.when(pl.col("patient_id") % 10 == 0).then(pl.lit("Renamed")).otherwise("last_name")
        later = table.with_columns(pl.col("patient_id") + 100_000)
        return pl.concat([table.with_columns(last_name=renamed).filter(pl.col("patient_id") % 7 != 0), later])

    registry.recognize(marks(change=lived_on))


@pytest.mark.parametrize(
    "other",
    [
        lambda: marks(seed=2),
        lambda: marks(change=lambda table: table.with_columns(pl.col("patient_id") + 100_000)),
        lambda: marks(keys=Keys(KEY[::-1])),
    ],
    ids=["other people", "other ids", "other key"],
)
def test_another_database_is_refused_without_a_value(registry, other):
    registry.mark(marks())
    with pytest.raises(ConfigurationError, match="people of another database") as caught:
        registry.recognize(other())
    names = family_people(300, seed=1)[0]["last_name"].unique()
    assert not any(name in str(caught.value) for name in names if name)


def test_marks_are_few_and_say_nothing_without_the_key():
    table = pl.DataFrame({"patient_id": range(MARKED + 50), "last_name": "Okafor"})
    found = marks_of(table.lazy(), KEYS)
    assert found.height == MARKED and not found["mark"].str.contains("Okafor").any()
    assert marks_of(table.select("patient_id").lazy(), KEYS).is_empty()


def test_what_is_remembered_is_set_aside_and_not_lost(registry):
    now = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
    assert registry.set_aside(now) is None
    event = ("1", "2", "must_link", "ann", "2026-11-28", "same chart")
    registry.decide(pl.DataFrame([event], schema=["left", "right", "decision", "who", "when", "why"], orient="row"))
    aside = registry.set_aside(now)
    assert registry.decisions().is_empty() and (aside / "decisions.jsonl").is_file()
    assert aside.name == "small.before-20261128-120000"
