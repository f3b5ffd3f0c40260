"""Planted defects of the hand-written tables: what differs from the clean clinic is labelled, and nothing else."""

import polars as pl
import pytest
import yaml

from ennu_lib.catalog import load_catalogue
from ennu_lib.clinic.defects_base import targets
from ennu_lib.clinic.generators import defect_names
from ennu_lib.clinic.labels import as_written
from ennu_lib.config import params_dir
from tests.support.one_clinic import one_clinic

RATES = yaml.safe_load((params_dir() / "clinic.yml").read_text(encoding="utf-8"))["defects"]
CATALOGUE = load_catalogue(params_dir() / "catalog")
KEYED = [name for name in targets() if CATALOGUE.table(name).primary_key]
ADDS_ROWS = "duplicate_result"

# Defect, table, column, and which cells of the clean table can carry it; the rate is that of the parameters.
ELIGIBLE = [
    ("date_spelling", "patients", "date_of_birth", pl.col("date_of_birth").is_not_null()),
    ("phone_spelling", "patients", "phone_mobile", pl.col("phone_mobile").is_not_null()),
    ("gender_spelling", "patients", "gender", pl.col("gender").is_not_null()),
    ("name_case", "patients", "last_name", pl.lit(True)),
    ("email_case", "patients", "email_address", pl.col("email_address").is_not_null()),
    ("zip_lost_zero", "patients", "zip_code", pl.col("zip_code").str.starts_with("0")),
    (
        "unit_spelling",
        "lab_results",
        "test_unit",
        pl.col("test_unit").is_in(["pg/mL", "mg/dL", "ng/dL", "mIU/mL", "g/dL", "fL"]),
    ),
    ("unit_missing", "lab_results", "test_unit", pl.lit(True)),
    ("value_times_ten", "lab_results", "test_value", pl.col("test_value").str.contains(r"^[\d.]+$")),
    ("value_out_of_range", "25againmembermetrics", "metric_value", pl.col("metric_value").str.contains(r"^[\d.]+$")),
    ("orphan", "lab_results", "patient_id", pl.lit(True)),
    ("orphan", "25againmembersymptoms", "patient_id", pl.lit(True)),
    ("zero_date", "25againmembermedications", "end_date", pl.col("end_date").is_null()),
    ("note_without_provider", "clinical_notes", "provider_id", pl.lit(True)),
    ("broken_total", "billing_records", "outstanding_balance", pl.lit(True)),
    ("code_spelling", "encounter_diagnoses", "code", pl.lit(True)),
    ("date_order", "lab_results", "collected_at", pl.lit(True)),
]


@pytest.fixture(scope="module")
def clean():
    return one_clinic(defects=False)


@pytest.fixture(scope="module")
def damaged():
    return one_clinic(defects=True)


def keyed(clinic, table):
    key = pl.concat_str(CATALOGUE.table(table).row_key, separator="|").alias("key")
    return clinic.tables[table].with_columns(key)


def labelled(clinic, table):
    """Labels of a table, without those that say who is registered twice."""
    mine = clinic.labels.filter((pl.col("table") == table) & ~pl.col("defect").str.starts_with("duplicate:"))
    return mine.with_columns(pl.col("defect").str.split_exact(":", 1).struct.rename_fields(["kind", "column"])).unnest(
        "defect"
    )


def test_every_parameter_names_a_defect_and_every_defect_has_a_rate():
    assert set(RATES) == set(defect_names())


def test_every_target_is_a_column_of_the_catalogue_and_a_known_defect():
    for table, listed in targets().items():
        for defect, columns in listed:
            assert defect in defect_names()
            names = [name for part in columns.split() for name in part.split("+")]
            assert columns == "*" or set(names) <= set(CATALOGUE.table(table).column_names), (table, columns)


@pytest.mark.parametrize("table", KEYED)
def test_exactly_the_labelled_cells_differ_from_the_clean_clinic(clean, damaged, table):
    before, after, labels = keyed(clean, table), keyed(damaged, table), labelled(damaged, table)
    added = labels.filter(pl.col("kind") == ADDS_ROWS)["key"]
    assert set(after["key"]) - set(before["key"]) == set(added)
    assert set(before["key"]) <= set(after["key"])
    both = before.join(after, on="key", suffix="_after")
    changed = set()
    for name in CATALOGUE.table(table).column_names:
        old, new = pl.col(name).cast(pl.String), pl.col(f"{name}_after").cast(pl.String)
        changed |= {(key, name) for key in both.filter(old.ne_missing(new))["key"]}
    named = labels.filter(pl.col("kind") != ADDS_ROWS)
    assert changed == set(named.select("key", "column").iter_rows())
    assert len(named) == len(changed), "a cell is damaged twice"


# Defects whose repair is not what stood there: text was added that belongs to the note, and figures to the ZIP code.
ADDS_TEXT = ["mojibake", "zip_spelling"]


@pytest.mark.parametrize("table", KEYED)
def test_every_label_holds_what_the_clean_clinic_holds(clean, damaged, table):
    before = keyed(clean, table)
    labels = labelled(damaged, table).filter(~pl.col("kind").is_in([ADDS_ROWS, *ADDS_TEXT]))
    for (column,), mine in labels.group_by("column"):
        both = mine.join(before.select("key", as_written(before[column]).alias("was")), on="key")
        assert both.filter(pl.col("truth").ne_missing(pl.col("was"))).is_empty(), column


def test_the_truth_of_what_adds_text_holds_the_added_text(damaged):
    notes = labelled(damaged, "clinical_notes").filter(pl.col("kind") == "mojibake")
    codes = labelled(damaged, "patients").filter(pl.col("kind") == "zip_spelling")
    assert len(notes) and notes["truth"].str.ends_with("Patient’s own words.").all()
    assert len(codes) and codes["truth"].str.contains(r"^\d{5}(-\d{4})?$").all()


def test_every_label_of_every_table_points_at_a_row(damaged):
    for (table,), labels in damaged.labels.group_by("table"):
        rows = damaged.tables[table].select(pl.concat_str(CATALOGUE.table(table).row_key, separator="|").alias("key"))
        assert labels["key"].is_in(rows["key"].unique().implode()).all(), table


def test_every_defect_that_should_occur_does(damaged):
    found = set(damaged.labels["defect"].str.split(":").list.first())
    rare = {
        "overlong_text",
        "future_birth_date",
        "name_placeholder",
        "amount_out_of_range",
        "sentinel_birth_date",
        "test_patient",
    }
    assert set(defect_names()) - found <= rare


@pytest.mark.parametrize(("defect", "table", "column", "eligible"), ELIGIBLE, ids=lambda case: str(case)[:30])
def test_defects_occur_at_about_their_rate(clean, damaged, defect, table, column, eligible):
    able = keyed(clean, table).filter(eligible)["key"]
    named = labelled(damaged, table).filter((pl.col("kind") == defect) & (pl.col("column") == column))["key"]
    expected = RATES[defect] * len(able)
    margin = 4 * expected**0.5 + 0.15 * expected + 1
    assert abs(named.is_in(able.implode()).sum() - expected) <= margin


@pytest.mark.parametrize(
    ("defect", "table", "column", "looks_wrong"),
    [
        ("two_digit_year", "patients", "date_of_birth", pl.col("value").str.contains(r"^\d\d/\d\d/\d\d$")),
        ("zero_date_text", "patients", "first_visit_date", pl.col("value").is_in(["0000-00-00", "00/00/0000"])),
        ("phone_spelling", "patients", "phone_mobile", ~pl.col("value").str.contains(r"^\(\d{3}\) \d{3}-\d{4}$")),
        ("zip_lost_zero", "patients", "zip_code", pl.col("value").str.contains(r"^[1-9]\d{2,3}$")),
        ("name_mojibake", "patients", "last_name", pl.col("value").str.contains("[ÃÄÅáº]")),
        ("value_not_numeric", "lab_results", "test_value", pl.col("value").str.contains(r"^[^\d]+$")),
        ("unit_missing", "lab_results", "test_unit", pl.col("value").is_null() | (pl.col("value") == "")),
        ("blank_note", "clinical_notes", "note_text", pl.col("value").str.len_chars() < 20),
        (
            "duration_in_seconds",
            "25againzoommeeting",
            "meeting_duration",
            (pl.col("value").cast(pl.Int64) % 60 == 0) & (pl.col("value").cast(pl.Int64) > 480),
        ),
        ("orphan", "lab_results", "patient_id", pl.col("value").cast(pl.Int64) > 10**6),
    ],
)
def test_a_defect_looks_as_its_name_says(damaged, defect, table, column, looks_wrong):
    named = labelled(damaged, table).filter((pl.col("kind") == defect) & (pl.col("column") == column))["key"]
    values = (
        keyed(damaged, table)
        .filter(pl.col("key").is_in(named.implode()))
        .select(pl.col(column).cast(pl.String).alias("value"))
    )
    assert len(values) and values.select(looks_wrong.all()).item()


def test_a_repeated_result_is_the_row_before_under_another_key(damaged):
    results = damaged.tables["lab_results"]
    copies = results.filter(pl.col("result_id").is_in(added_keys(damaged).implode()))
    same = results.join(
        copies, on=["lab_order_id", "test_name", "test_value", "collected_at"], how="semi", nulls_equal=True
    )
    assert len(copies) and len(same) >= 2 * len(copies) * 0.95


def added_keys(clinic) -> pl.Series:
    labels = labelled(clinic, "lab_results").filter(pl.col("kind") == ADDS_ROWS)
    return labels["key"].cast(pl.Int64)


def test_defects_of_names_never_hide_who_is_registered_twice(damaged):
    wiped = damaged.labels.filter(pl.col("defect").str.contains("^(test_patient|name_placeholder):"))["key"].cast(
        pl.Int64
    )
    kinds = damaged.truth.filter(pl.col("patient_id").is_in(wiped.implode()))["kind"]
    assert set(kinds) <= {"unique"}


def test_without_rates_nothing_is_planted(clean):
    assert set(clean.labels["defect"].str.split(":").list.first()) == {"duplicate"}
