"""Standardizing a table: events for every change, nothing dropped, twice changes nothing, undone by rule."""

import polars as pl
import pytest

from ennu_lib.catalog import load_catalogue
from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError
from ennu_lib.quality.standard.declared import load_standardize
from ennu_lib.quality.standard.derived import MeasurementColumns, Utc
from ennu_lib.quality.standard.events import replayed
from ennu_lib.quality.standard.row_rules import (
    ShortZip,
    StateOfZip,
    SuffixInName,
    SwappedContact,
    SwappedNames,
    SwappedPlace,
)
from ennu_lib.quality.standard.table import prepare
from tests.support.standard_forms import known_tables, table_rules

RULES = table_rules({"first_name": "name", "date_of_birth": "birth_date", "phone": "phone", "state": "state"})
FRAME = pl.DataFrame(
    {
        "__key": ["1", "2", "3"],
        "first_name": ["MARY", "Ana", None],
        "date_of_birth": ["1/2/80", "0000-00-00", "1990-05-05"],
        "phone": ["(813) 867-5309", "call me", ""],
        "state": ["Florida", "FL", "XX"],
        "other": ["kept", "as", "is"],
    }
)


def standardized(frame, rules, known=None, undone=frozenset()):
    return prepare(rules, frame.lazy(), known or known_tables(), undone).apply(frame)


def test_values_events_and_reasons():
    clean, events = standardized(FRAME, RULES)
    assert clean.drop("__key").to_dict(as_series=False) == {
        "first_name": ["Mary", "Ana", None],
        "date_of_birth": ["1980-01-02", None, "1990-05-05"],
        "phone": ["+18138675309", None, None],
        "state": ["FL", "FL", None],
        "other": ["kept", "as", "is"],
    }
    emptied = {(e["key"], e["column"], e["reason"]) for e in events.to_dicts() if e["reason"]}
    assert emptied == {
        ("2", "date_of_birth", "NO_DATE"),
        ("2", "phone", "NOT_A_NUMBER"),
        ("3", "phone", "BLANK"),
        ("3", "state", "UNKNOWN_STATE"),
    }
    assert events.select("table", "rule", "version").unique().height == 4
    assert events["version"].min() >= 1


def test_twice_changes_nothing():
    clean, _ = standardized(FRAME, RULES)
    assert standardized(clean, RULES)[1].is_empty()


def test_events_rebuild_the_clean_table_and_leave_out_what_is_undone():
    clean, events = standardized(FRAME, RULES)
    assert replayed(FRAME.lazy(), events.lazy()).collect().equals(clean)
    without = standardized(FRAME, RULES, undone=frozenset({"phone"}))[0]
    assert replayed(FRAME.lazy(), events.lazy(), ["phone"]).collect().equals(without)
    assert without["phone"].to_list() == FRAME["phone"].to_list()
    every = events["rule"].unique().to_list()
    assert replayed(FRAME.lazy(), events.lazy(), every).collect().equals(FRAME)


def test_a_change_that_stands_on_an_undone_one_is_left_out_too():
    frame = pl.DataFrame({"__key": ["1"], "phone": ["ann@x.org"], "email": ["(813) 867-5309"]})
    rules = table_rules(
        {"phone": "phone", "email": "email"}, [SwappedContact(rule="swapped_contact", phone="phone", email="email")]
    )
    clean, events = standardized(frame, rules)
    assert clean.row(0) == ("1", "+18138675309", "ann@x.org")
    assert replayed(frame.lazy(), events.lazy()).collect().equals(clean)
    assert replayed(frame.lazy(), events.lazy(), ["swapped_contact"]).collect().equals(frame)


def test_a_name_takes_the_mixed_case_that_the_clinic_gives_it_elsewhere():
    written = [
        "MacDonald",
        "MacDonald",
        "Macdonald",
        "Del Valle",
        "MACDONALD",
        "DEL VALLE",
        "dewitt",
        "MACEY",
        "Mcavoy",
    ]
    frame = pl.DataFrame({"__key": [str(n) for n in range(9)], "last": written})
    rules = table_rules({"last": "family_name"})
    clean, events = standardized(frame, rules)
    assert clean["last"].to_list()[4:] == ["MacDonald", "Del Valle", "Dewitt", "Macey", "Mcavoy"]
    assert events.height == 4
    assert standardized(clean, rules)[1].is_empty()


def test_swapped_fields_change_places():
    frame = pl.DataFrame({"__key": ["1", "2"], "city": ["FL", "Washington"], "state": ["Tampa", "DC"]})
    rules = table_rules(rows=[SwappedPlace(rule="swapped_place", city="city", state="state")])
    assert standardized(frame, rules)[0].rows() == [("1", "Tampa", "FL"), ("2", "Washington", "DC")]


def test_names_are_swapped_only_when_all_other_rows_say_so():
    first, last = ["Mary"] * 60 + ["Smith", "Mary", "Kim"], ["Smith"] * 60 + ["Mary", "Kim", "Mary"]
    frame = pl.DataFrame({"__key": [str(n) for n in range(63)], "first": first, "last": last})
    rules = table_rules(rows=[SwappedNames(rule="swapped_names", first="first", last="last")])
    clean = standardized(frame, rules)[0].select("first", "last").rows()
    assert clean[60:] == [("Mary", "Smith"), ("Mary", "Kim"), ("Kim", "Mary")]


def test_a_suffix_moves_into_its_own_column():
    frame = pl.DataFrame({"__key": ["1", "2", "3"], "name": ["Lee, JR.", "Li", "Ii"], "suffix": ["", "Sr", None]})
    rules = table_rules({"suffix": "suffix"}, [SuffixInName(rule="suffix_in_name", name="name", suffix="suffix")])
    assert standardized(frame, rules)[0].rows() == [("1", "Lee", "Jr"), ("2", "Li", "Sr"), ("3", "Ii", None)]


def test_zip_and_city_together_decide_the_state():
    places = pl.DataFrame({"zip": ["33602"], "city": ["Tampa"], "state": ["FL"]}).lazy()
    known = known_tables().__class__(
        **{**known_tables().__dict__, "tables": lambda name: places if name == "postal_codes" else None}
    )
    frame = pl.DataFrame(
        {
            "__key": ["1", "2", "3"],
            "zip": ["33602"] * 3,
            "city": ["Tampa", "Miami", "tampa"],
            "state": ["CO", "CO", "FL"],
        }
    )
    rule = StateOfZip(rule="state_of_zip", zip="zip", city="city", state="state", places="postal_codes")
    clean, events = standardized(frame, table_rules(rows=[rule]), known)
    assert clean["state"].to_list() == ["FL", "CO", "FL"]
    assert events["reason"].to_list() == ["STATE_OF_ZIP_AND_CITY"]


def test_zeros_come_back_only_where_the_state_has_them():
    frame = pl.DataFrame(
        {
            "__key": list("abcdef"),
            "zip": ["2139", "3360", "602", "2139-1234", "2139", None],
            "state": ["Mass.", "FL", "PR", "MA", None, "MA"],
        }
    )
    rules = table_rules({"zip": "zip", "state": "state"}, [ShortZip(rule="short_zip", zip="zip", state="state")])
    clean, events = standardized(frame, rules)
    assert clean["zip"].to_list() == ["02139", None, "00602", "02139-1234", "02139", None]
    assert events.filter(pl.col("key") == "b")["reason"].to_list() == ["NOT_A_ZIP"]
    assert standardized(clean, rules)[1].is_empty()


LABS = pl.DataFrame(
    {
        "__key": list("abcdef"),
        "name": ["TSH", "Testosterone Total", "Glucose", "Misc", "TSH", "TSH"],
        "value": ["2.5", "20", "98 H", "5", "QNS", "900"],
        "unit": ["uIU/mL", "nmol/L", "mg/dl", "mg/dl", "uIU/mL", "furlong"],
    }
)
MEASURED = table_rules(
    {"value": "value"}, derived=[MeasurementColumns(rule="measurement", name="name", value="value", unit="unit")]
)


def test_measurements_get_their_metric_unit_and_canonical_value():
    clean, events = standardized(LABS, MEASURED)
    assert clean["unit"].to_list() == ["m[IU]/L", "nmol/L", "mg/dL", "mg/dL", "m[IU]/L", "furlong"]
    assert clean["std_metric_code"].to_list() == ["tsh", "total_testosterone", "glucose_fasting", None, "tsh", "tsh"]
    assert clean["std_value"].to_list() == [2.5, 576.848, 98.0, None, None, None]
    assert clean["std_fault"].to_list() == [None, None, None, "UNKNOWN_TEST", "NON_NUMERIC", "UNIT_UNKNOWN"]
    assert standardized(clean, MEASURED)[1].is_empty()
    assert set(events["rule"]) == {"value", "unit_of_metric"}


def test_undoing_units_keeps_the_canonical_values():
    clean = standardized(LABS, MEASURED, undone=frozenset({"unit_of_metric"}))[0]
    assert clean["unit"].to_list() == LABS["unit"].to_list()
    assert clean["std_value"].to_list()[:3] == [2.5, 576.848, 98.0]


def test_local_times_become_instants_and_the_zone_is_kept():
    times = ["2026-07-01 09:00:00", "2026-03-08 02:30:00", "2025-11-02 01:30:00", "2026-07-01T13:00:00Z", None]
    frame = pl.DataFrame({"__key": list("abcde"), "at": times, "zone": ["America/New_York"] * 4 + ["no zone"]})
    clean = standardized(frame, table_rules(derived=[Utc(rule="utc", moments=["at"], zone="zone")]))[0]
    assert clean["std_utc_at"].to_list() == [
        "2026-07-01T13:00:00Z", "2026-03-08T07:30:00Z", "2025-11-02T05:30:00Z", "2026-07-01T13:00:00Z", None,
    ]  # fmt: skip
    assert clean["std_zone_at"].to_list() == ["America/New_York"] * 3 + ["UTC", None]
    assert clean["std_clock_change_at"].to_list() == [None, "skipped", "repeated", None, None]


def test_a_time_with_an_offset_keeps_the_zone_it_was_written_with():
    times = ["2026-07-01T09:00:00-0400", "7/1/2026 9:00 AM EDT", "2026-07-01 09:00:00.250000", "2026-07-01T13:00:00Z"]
    frame = pl.DataFrame({"__key": list("abcd"), "at": times, "zone": ["America/Chicago"] * 4})
    rules = table_rules({"at": "moment"}, derived=[Utc(rule="utc", moments=["at"], zone="zone")])
    clean, events = standardized(frame, rules)
    assert clean["std_utc_at"].to_list() == ["2026-07-01T13:00:00Z"] * 2 + ["2026-07-01T14:00:00Z"] + [times[3]]
    assert clean["std_zone_at"].to_list() == ["-0400", "EDT", "America/Chicago", "UTC"]
    again, more = standardized(clean, rules)
    assert more.is_empty() and again.equals(clean)
    made = prepare(rules, frame.lazy(), known_tables())
    rebuilt = made.derive(replayed(frame.lazy().with_columns(made.given_zones(frame.columns)), events.lazy()).collect())
    assert rebuilt.equals(clean)


def test_a_code_list_takes_the_usual_spelling_and_keeps_its_own_words():
    frame = pl.DataFrame({"__key": list("abcdef"), "status": ["done", "done", "DONE ", "none", "N/A", ""]})
    rules = table_rules({"status": "spelling"}, choices={"status": frozenset({"none"})})
    assert standardized(frame, rules)[0]["status"].to_list() == ["done", "done", "done", "none", None, None]


def test_a_birth_date_that_too_many_share_is_a_default():
    days = ["1970-01-01"] * 3 + ["1980-02-03"] * 97
    frame = pl.DataFrame({"__key": [str(n) for n in range(100)], "born": days})
    clean, events = standardized(frame, table_rules({"born": "birth_date"}))
    assert clean["born"].null_count() == 3
    assert set(events["reason"]) == {"SHARED_DEFAULT"}


def test_a_birth_date_that_is_no_default_stays_none_when_others_are_emptied():
    days = ["1970-01-01"] + ["1980-02-03"] * 490 + ["unreadable"] * 9
    frame = pl.DataFrame({"__key": [str(n) for n in range(500)], "born": days})
    rules = table_rules({"born": "birth_date"})
    clean, _ = standardized(frame, rules)
    assert clean["born"].null_count() == 9 and clean["born"][0] == "1970-01-01"
    again, events = standardized(clean, rules)
    assert events.is_empty() and again.equals(clean)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("phone", [b"\xff\xfe", None]),
        pl.Series("phone", [8138675309, None]),
        pl.Series("phone", [True, None]),
        pl.Series("phone", [None, None]),
        pl.Series("phone", [[1], None]),
        pl.Series("phone", [], dtype=pl.String),
    ],
    ids=["bytes", "integer", "boolean", "null", "list", "empty"],
)
def test_a_column_of_another_type_is_reported_and_no_row_is_lost(column):
    frame = pl.DataFrame({"__key": pl.Series([str(n) for n in range(len(column))], dtype=pl.String), "phone": column})
    rules = table_rules({"phone": "phone"}, types={"phone": "varchar"})
    made = prepare(rules, frame.lazy(), known_tables())
    clean, events = made.apply(frame)
    assert clean.height == frame.height
    assert clean["__key"].to_list() == frame["__key"].to_list()
    assert len(made.wrong_types) == (column.dtype not in (pl.String, pl.Null))
    if column.dtype == pl.Int64:
        assert clean["phone"].to_list() == ["+18138675309", None]
    else:
        assert events.is_empty()


def test_a_rule_file_with_four_mistakes_reports_all_of_them_with_their_lines(tmp_path):
    path = tmp_path / "standardize.yml"
    path.write_text(
        "tables:\n  patients:\n    first_name: nam\n    no_such: name\n  nowhere: {a: name}\n"
        "rows:\n  patients:\n    - {rule: swapped_place, city: town, state: state}\nmore: 1\n"
    )
    with pytest.raises(ConfigurationError) as raised:
        load_standardize(path, load_catalogue(params_dir() / "catalog"))
    assert [m.split(":")[0] for m in raised.value.mistakes] == ["line 3", "line 4", "line 5", "line 8", "line 9"]


def test_every_date_of_every_readable_table_has_a_rule():
    catalogue = load_catalogue(params_dir() / "catalog")
    rules = load_standardize(params_dir() / "rules" / "standardize.yml", catalogue)
    kinds = {"date", "datetime", "time"}
    without = [
        f"{table.name}.{column.name}"
        for table in catalogue.tables
        if table.name in rules
        for column in table.columns
        if column.type.kind in kinds
        and not (column.primary_key or column.unique or column.references)
        and column.name not in rules[table.name].columns
    ]
    assert without == []


@pytest.mark.parametrize(
    ("kind", "dtype", "wrong"),
    [
        ("boolean", pl.Boolean, False),
        ("boolean", pl.Int64, False),
        ("boolean", pl.String, True),
        ("integer", pl.Boolean, True),
        ("decimal", pl.Decimal(10, 2), False),
        ("varchar", pl.Int64, True),
    ],
)
def test_a_boolean_may_be_a_number_as_mariadb_has_it(kind, dtype, wrong):
    frame = pl.DataFrame({"__key": [], "flag": []}, schema={"__key": pl.String, "flag": dtype})
    rules = table_rules({}, types={"flag": kind})
    assert bool(prepare(rules, frame.lazy(), known_tables()).wrong_types) == wrong
