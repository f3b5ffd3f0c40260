import stat

import polars as pl
import pytest

from ennu_lib.errors import ConfigurationError, SourceChanged
from ennu_lib.identity.decisions import SCHEMA
from ennu_lib.identity.tables import append_decisions, match_table, read_decisions
from tests.support.family_people import family_people
from tests.support.identity_params import PARAMS

COLUMNS = {"first_name": "given", "last_name": "family", "birth_date": "born", "phone": ["tel1", "tel2"]}


@pytest.fixture(scope="module")
def strange_table():
    table, truth = family_people(800, seed=9)
    return table.join(truth, on="patient_id").select(
        given="first_name", family="last_name", born="date_of_birth", tel1="phone_primary", tel2="phone_mobile",
        person="person_id",
    )  # fmt: skip


def test_any_table_with_some_of_the_fields_is_matched_and_measured(strange_table):
    found = match_table(strange_table, COLUMNS, PARAMS, truth="person")
    assert found.clusters["key"].to_list() == list(range(1, len(strange_table) + 1))
    assert found.merged["precision"] > 0.97
    assert found.at_thresholds.filter(threshold=0.5)["f1"].item() > 0.8
    assert "email" in found.identity.summary["fields_absent"]


def test_unknown_fields_and_missing_columns_are_named(strange_table):
    with pytest.raises(ConfigurationError, match="unknown field 'height'"):
        match_table(strange_table, {**COLUMNS, "height": "given"}, PARAMS)
    with pytest.raises(SourceChanged, match="'nobody', 'nothing'"):
        match_table(strange_table, {**COLUMNS, "ssn": "nothing"}, PARAMS, key="nobody")


EVENT = pl.DataFrame([("1", "2", "must_link", "me", "2026-01-01", "same chart")], schema=SCHEMA, orient="row")


def test_decisions_are_appended_to_a_private_file_and_read_back_in_order(tmp_path):
    path = tmp_path / "review" / "decisions.jsonl"
    assert read_decisions(path).is_empty()
    append_decisions(path, EVENT)
    append_decisions(path, EVENT.with_columns(decision=pl.lit("withdrawn")))
    assert read_decisions(path)["decision"].to_list() == ["must_link", "withdrawn"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_broken_lines_are_all_named(tmp_path):
    path = tmp_path / "decisions.jsonl"
    append_decisions(path, EVENT)
    with path.open("a") as file:
        file.write('{"left": "1"}\nnot json\n')
    with pytest.raises(ConfigurationError) as caught:
        read_decisions(path)
    assert caught.value.mistakes == ["line 2 is no decision", "line 3 is no decision"]


def test_what_a_power_cut_left_of_a_line_never_was_a_decision(tmp_path):
    file = tmp_path / "people/decisions.jsonl"
    event = pl.DataFrame([("1", "2", "must_link", "ann", "2026-01-01", "a\u2028b")], schema=SCHEMA, orient="row")
    append_decisions(file, event)
    with file.open("a") as half:
        half.write('{"left": "1", "ri')
    assert read_decisions(file).rows() == event.rows()
    append_decisions(file, event)
    assert read_decisions(file).rows() == event.rows() * 2


@pytest.mark.parametrize("form", ["text", "float", "shuffled"])
def test_the_type_of_a_column_and_the_order_of_rows_change_nothing(form):
    table, _ = family_people(400, seed=3)
    columns = {f: c for f, c in PARAMS.columns.items() if f in ("first_name", "last_name", "birth_date", "zip", "ssn")}
    typed = {
        "text": lambda: table.with_columns(pl.col("patient_id").cast(pl.String)),
        "float": lambda: table.with_columns(pl.col("patient_id", "zip_code").cast(pl.Float64, strict=False)),
        "shuffled": lambda: table.sample(fraction=1, shuffle=True, seed=1),
    }[form]()
    both = [t.with_columns(person=pl.col("last_name")) for t in (table, typed)]
    found = [match_table(t, columns, PARAMS, key="patient_id", truth="person") for t in both]
    assert found[0].at_thresholds.equals(found[1].at_thresholds) and found[0].merged == found[1].merged
    one, other = (each.identity for each in found)
    numbers = pl.col("left", "right").cast(pl.Float64)
    assert one.pairs.with_columns(numbers).equals(other.pairs.with_columns(numbers))
    assert len(one.pairs) > 100 and one.summary["people"] == other.summary["people"]


def test_a_table_may_have_a_column_of_the_name_we_number_rows_with(strange_table):
    found = match_table(strange_table.with_columns(row_number=pl.lit("x")), COLUMNS, PARAMS)
    assert found.clusters["key"].to_list() == list(range(1, len(strange_table) + 1))


def test_columns_that_hold_no_plain_values_are_refused_together(strange_table):
    strange = strange_table.with_columns(pl.concat_list("given"), pl.lit(b"x").alias("family"))
    with pytest.raises(ConfigurationError) as caught:
        match_table(strange, COLUMNS, PARAMS)
    assert [m.split(" ")[0] for m in caught.value.mistakes] == ["'given'", "'family'"]
