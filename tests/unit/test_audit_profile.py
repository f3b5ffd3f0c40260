"""What is counted of a column: every kind of emptiness apart, the type found, patterns, defects; and what is shown."""

from __future__ import annotations

import polars as pl
import pytest

from ennu_lib.audit.codes import code_values
from ennu_lib.audit.defects import find_defects
from ennu_lib.audit.keys import candidate_keys
from ennu_lib.audit.params import load_audit_params
from ennu_lib.audit.profile import profile
from ennu_lib.audit.scan import scan
from ennu_lib.audit.sensitivity import check_sensitivity
from ennu_lib.errors import ConfigurationError
from ennu_lib.hubspot.portal_schema import load_portal_schema
from tests.support.audited import PARAMS, TODAY, audited, copied, sqlite_of

DAYS = [
    "2020-01-02",
    "0000-00-00",
    "1900-01-01",
    "9999-12-31",
    None,
    "",
    "  ",
    "2021-05-06",
    "2021-05-07",
    "2021-05-07",
]
ROOMS = {
    "room_id": list(range(10)),
    "opened__moment": DAYS,
    "kind": ["exam"] * 9 + [None],
    "price": ["12.50", "13", "14.00", "15", "16", "17", "18", "19", "20", "-3"],
    "age": [10, 20, 30, 40, 50, 60, 70, 80, 90, 400],
    "mail": ["a@b.org", "A@B.org", "broken", "c@d.org", "e@f.org", "g@h.org", "i@j.org", "k@l.org", "n/a", "m@n.org"],
}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    tables = {
        "rooms": pl.DataFrame(ROOMS),
        "twice": pl.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "y"]}),
        "wards": pl.DataFrame({"ward_id": range(40), "kind": ["icu"] * 25 + ["day"] * 12 + ["odd"] * 3}),
        "none": pl.DataFrame({"id": []}, schema={"id": pl.Int64}),
    }
    extracted, workspace = copied(sqlite_of(folder / "rooms.sqlite", tables, {"rooms": "room_id"}), folder)
    params = load_audit_params(PARAMS)
    return scan(extracted, workspace, params, TODAY), extracted, workspace, params


def column(found, table, name) -> dict:
    return found.columns.filter((pl.col("table") == table) & (pl.col("column") == name)).row(0, named=True)


def test_every_kind_of_emptiness_is_counted_apart(rooms):
    opened = column(rooms[0], "rooms", "opened__moment")
    kinds = ("null", "empty", "blank", "zero_date", "sentinel_date")
    assert [opened[kind] for kind in kinds] == [1, 1, 1, 1, 2]
    assert opened["filled"] == pytest.approx(0.4)
    assert (opened["earliest"], opened["latest"]) == ("2020-01-02", "2021-05-07")
    assert column(rooms[0], "none", "id")["filled"] is None


@pytest.mark.parametrize(
    ("name", "found", "pattern"),
    [
        ("room_id", "integer", None),
        ("price", "decimal", "whole number"),
        ("mail", "text", "e-mail"),
        ("kind", "text", "word"),
    ],
)
def test_the_type_found_is_that_of_the_values(rooms, name, found, pattern):
    described = column(rooms[0], "rooms", name)
    assert (described["found"], described["pattern"]) == (found, pattern)


def test_numbers_have_a_spread_and_a_plausible_range(rooms):
    age = column(rooms[0], "rooms", "age")
    assert (age["smallest"], age["largest"], age["median"], age["outside"]) == (10, 400, 60, 1)
    assert (age["plausible_low"], age["plausible_high"]) == (0, 120)


def test_keys_are_columns_that_tell_rows_apart(rooms):
    keys = {(r["table"], r["column"]): r["declared"] for r in rooms[0].keys.iter_rows(named=True)}
    assert keys["rooms", "room_id"] is True
    assert keys["wards", "ward_id"] is False
    assert ("twice", "a") not in keys and ("rooms", "kind") not in keys


def test_an_estimate_of_distinct_values_makes_no_key(rooms):
    _, extracted, workspace, params = rooms
    estimating = params.profile.model_copy(update={"exact_distinct_rows": 0})
    columns = profile(extracted.values(), workspace, estimating)
    assert not columns.filter(pl.col("column") == "room_id")["distinct_exact"][0]
    keys = candidate_keys(columns, extracted, workspace, estimating)
    assert set(keys.filter(pl.col("table") == "twice")["column"]) == set()


def test_a_wide_table_in_parts_is_profiled_the_same(rooms):
    found, extracted, workspace, params = rooms
    one_by_one = params.profile.model_copy(update={"columns_at_once": 1, "values_at_once": 100})
    assert profile(extracted.values(), workspace, one_by_one).equals(found.columns)


def test_defects_are_named_with_their_rows(rooms):
    found = {(d["table"], d["column"], d["defect"]): d["rows"] for d in rooms[0].defects.iter_rows(named=True)}
    assert found["twice", "", "duplicate_row"] == 1
    assert found["rooms", "opened__moment", "zero_date"] == 1
    assert found["rooms", "opened__moment", "sentinel_date"] == 2
    assert found["rooms", "opened__moment", "blank"] == 2
    assert found["rooms", "age", "out_of_range"] == 1
    assert found["rooms", "mail", "placeholder"] == 1
    assert ("rooms", "mail", "broken_email") not in found, "a room's mail is no person's"


def test_days_of_unix_and_numbers_beside_letters_are_named_where_they_are_strange(tmp_path):
    people = pl.DataFrame(
        {
            "person_id": [1, 2, 3, 4, 5],
            "sex": ["F", "M", "1", "F", "0"],
            "state": ["TX", "TX", "NY", "NY", "TX"],
            "shelf": ["A", "1", "B", "2", "C"],
            "birth_date": ["1970-01-01", "1980-05-06", "1970-01-02", None, "1990-01-01"],
            "first_boot": ["1970-01-01"] * 5,
        }
    )
    found = audited(sqlite_of(tmp_path / "p.sqlite", {"people": people}), tmp_path).defects
    rows = {(d["column"], d["defect"]): d["rows"] for d in found.iter_rows(named=True)}
    assert rows["sex", "digits_beside_letters"] == 2
    assert rows["birth_date", "epoch_date"] == 1
    named = {at for at in rows if at[1] in ("digits_beside_letters", "epoch_date")}
    assert named == {("sex", "digits_beside_letters"), ("birth_date", "epoch_date")}


def test_checks_follow_the_class_of_the_column(rooms):
    found, extracted, workspace, params = rooms
    as_people = found.classes.with_columns(
        pl.when(pl.col("column") == "mail").then(pl.lit("email")).otherwise(pl.col("class")).alias("class")
    )
    defects = find_defects(found.columns, as_people, found.relations, extracted, workspace, params, TODAY)
    rows = dict(defects.filter(pl.col("column") == "mail").select("defect", "rows").iter_rows())
    assert (rows["broken_email"], rows["email_case"], rows["placeholder_email"]) == (2, 1, 2)


def test_values_are_shown_of_codes_only_and_never_of_few_rows(rooms):
    found, extracted, workspace, params = rooms
    shown = code_values(found.columns, found.classes, extracted, workspace, params.profile)
    assert shown.filter(pl.col("table") == "wards").select("value", "rows").rows() == [("icu", 25), ("day", 12)]
    personal = found.classes.with_columns(pl.lit("clinical").alias("class"))
    assert code_values(found.columns, personal, extracted, workspace, params.profile).is_empty()


def test_clinical_data_in_a_plain_property_is_a_finding():
    classes = pl.DataFrame(
        {"table": ["lab_results"] * 2, "column": ["loinc_code", "test_value"], "class": ["clinical", "clinical"]}
    )
    folder = PARAMS.parent
    found = check_sensitivity(
        classes, folder / "mappings", load_portal_schema(folder / "portal"), frozenset({"clinical"})
    )
    verdicts = dict(found.select("property", "verdict").iter_rows())
    assert verdicts["loinc_code"] == "plain" and verdicts["measurement_value_text"] == "protected"


def test_a_wrong_pattern_is_refused_with_its_line(tmp_path):
    for path in PARAMS.glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    broken = (tmp_path / "defects.yml").read_text(encoding="utf-8").replace('contains: "[A-Z]"', 'contains: "[A-"')
    (tmp_path / "defects.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line \d+: checks.*email_case"):
        load_audit_params(tmp_path)
