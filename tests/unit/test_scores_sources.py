"""Measurements out of the source's own tables."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from ennu_lib.config import params_dir
from ennu_lib.errors import ConfigurationError, SourceChanged
from ennu_lib.scores.source_params import load_measurement_sources
from ennu_lib.scores.sources import measurements_from, resolution_counts, unresolved_names
from tests.support.score_params import CATALOGUE

PATH = params_dir() / "scores" / "measurement_sources.yml"
SOURCES = load_measurement_sources(PATH)

LAB = {
    "result_id": 1,
    "lab_order_id": 5,
    "patient_id": 7,
    "test_code": None,
    "loinc_code": None,
    "test_name": "TSH",
    "test_value": "1.5",
    "test_unit": "mIU/L",
    "status": "final",
    "collected_at": "2026-06-01 08:00:00",
    "reported_at": "2026-06-02 08:00:00",
    "entered_at": "2026-06-02 09:00:00",
    "is_deleted": False,
}


def lab(*changes):
    return {"lab_results": pl.LazyFrame([{**LAB, "result_id": n + 1, **c} for n, c in enumerate(changes)])}


def measurements(tables, **more):
    return measurements_from(tables, SOURCES, CATALOGUE, **more).collect()


def test_a_laboratory_row_becomes_a_measurement():
    row = measurements(lab({})).row(0, named=True)
    assert row == {
        "patient_id": "7",
        "measured_on": "2026-06-01 08:00:00",
        "entered_at": "2026-06-02 09:00:00",
        "status": "final",
        "source_table": "lab_results",
        "source_id": "1",
        "source_rank": 0,
        "metric_code": "tsh",
        "value": "1.5",
        "unit": "mIU/L",
        "test_code": "",
        "context": ";",
        "test_name": "TSH",
        "resolved_by": "name",
    }


def test_tests_are_resolved_and_the_others_counted_not_dropped():
    found = measurements(
        lab(
            {"test_code": "004519", "test_name": "x"},
            {"loinc_code": "2986-8", "test_name": "x"},
            {"test_name": "free t4"},
            {"test_name": "Unicorn"},
            {"test_name": "Unicorn", "test_value": None},
            {"loinc_code": "1988-5", "test_name": "x"},
        )
    )
    assert found["metric_code"].to_list() == ["estradiol", "total_testosterone", "free_t4", "", "", ""]
    counts = resolution_counts(found.lazy())
    assert dict(counts.select("resolved_by", "rows").iter_rows()) == {
        "lab_code": 1, "loinc": 1, "normalised_name": 1, "unresolved": 3,
    }  # fmt: skip
    assert unresolved_names(found.lazy()).rows() == [("lab_results", "Unicorn", 2), ("lab_results", "x", 1)]


def test_a_preset_may_accept_further_loinc_codes():
    tables = lab({"loinc_code": "1988-5", "test_name": "CRP"}, {"loinc_code": "2986-8", "test_name": "CRP"})
    assert measurements(tables, extra_loinc={"1988-5": "hs_crp"}).select("metric_code", "resolved_by").rows() == [
        ("hs_crp", "loinc"),
        ("total_testosterone", "loinc"),
    ]


def test_the_first_real_date_counts_and_without_one_the_text_stays():
    dates = [
        {"collected_at": "0000-00-00 00:00:00"},
        {"collected_at": None},
        {"collected_at": "0000-00-00", "reported_at": None},
        {"collected_at": dt.datetime(2026, 5, 5, 7, 30)},
    ]
    found = [measurements(lab(change))["measured_on"][0] for change in dates]
    assert found[:3] == ["2026-06-02 08:00:00", "2026-06-02 08:00:00", "0000-00-00"]
    assert found[3].startswith("2026-05-05 07:30:00")


def test_deleted_rows_say_so():
    flags = [True, 1, "Y", False, 0, None]
    found = [measurements(lab({"is_deleted": flag}))["status"][0] for flag in flags]
    assert found == ["deleted"] * 3 + ["final"] * 3


def test_a_copy_of_a_standing_laboratory_row_is_superseded_by_it():
    copies = {
        "25againmembermetrics": pl.LazyFrame({
            "member_metric_id": [1, 2, 3, 4],
            "patient_id": [7, 7, 7, 7],
            "metric_id": [13, 13, 13, 99],
            "lab_result_id": [1, 2, None, None],
            "metric_value": ["1.5", "1.5", "1.6", "1"],
            "metric_unit": ["mIU/L"] * 4,
            "metric_date": ["2026-06-01"] * 4,
            "is_deleted": [False] * 4,
        })
    }  # fmt: skip
    found = measurements({**lab({}, {"is_deleted": True}), **copies}).filter(
        pl.col("source_table") == "25againmembermetrics"
    )
    assert found["status"].to_list() == ["superseded", "", "", ""]
    assert found["metric_code"].to_list() == ["tsh", "tsh", "tsh", ""]
    assert found["source_rank"].to_list() == [1] * 4
    alone = measurements(copies)
    assert alone["status"].to_list() == [""] * 4


def test_the_source_numbers_its_metrics_itself():
    tables = {
        "25againmembermetrics": pl.LazyFrame({
            "member_metric_id": [1, 2], "patient_id": [7, 7], "metric_id": [500, 501], "metric_value": ["1", "2"],
        }),
        "25againmetrics": pl.LazyFrame({
            "metric_id": [500, 501], "metric_code": ["tsh", "old"],
            "metric_name": ["x", "Free T4"], "loinc_code": ["", None],
        }),
    }  # fmt: skip
    assert measurements(tables)["metric_code"].to_list() == ["tsh", "free_t4"]


def test_vitals_become_one_row_per_value():
    vitals = pl.LazyFrame({
        "vital_id": [1, 2],
        "patient_id": [7, 8],
        "taken_at": ["2026-06-01 10:00:00", "2026-06-02 10:00:00"],
        "bmi": [Decimal("24.90"), None],
        "bp_systolic": [128, 130],
        "pulse": [None, 61],
    })  # fmt: skip
    found = measurements({"vitals": vitals}).sort("patient_id", "metric_code")
    assert found.select("patient_id", "metric_code", "value", "unit").rows() == [
        ("7", "bmi", "24.90", "kg/m2"),
        ("7", "sbp", "128", "mm[Hg]"),
        ("8", "resting_hr", "61", "/min"),
        ("8", "sbp", "130", "mm[Hg]"),
    ]


def test_chart_cells_carry_their_unit_in_the_value():
    cells = ["33.5 in", "33,5", "<20 %", "abc", "12.", "1,200 mg", None, "85cm"]
    table = pl.LazyFrame({
        "chart_entry_id": range(len(cells)), "patient_id": [7] * len(cells), "DateTaken": ["2026-06-01"] * len(cells),
        "FieldName": ["WaistInches"] * len(cells), "FieldValue": cells,
    })  # fmt: skip
    found = measurements({"custom_chart_entries": table})
    assert found.select("value", "unit").rows() == [
        ("33.5", "in"), ("33,5", ""), ("<20", "%"), ("abc", ""), ("12.", ""), ("1,200", "mg"), ("", ""), ("85", "cm"),
    ]  # fmt: skip
    assert found["metric_code"].unique().to_list() == ["waist"]


def test_both_pressures_in_one_cell_become_two_rows():
    found = measurements(lab({"test_name": "Blood  Pressure", "test_value": " 120 / 80 mmHg", "test_unit": None}))
    assert found.select("metric_code", "value", "unit", "source_id").rows() == [
        ("sbp", "120", "mm[Hg]", "1"),
        ("dbp", "80", "mm[Hg]", "1"),
    ]
    other = measurements(lab({"test_name": "Ratio", "test_value": "120/80"}))
    assert other["metric_code"].to_list() == [""]


def test_the_specimens_of_the_order_tell_about_fasting():
    specimens = pl.LazyFrame({
        "specimen_id": [1, 2, 3, 4, 5], "order_id": [5, 5, 6, 7, 7], "fasting_flag": ["Y", None, "U", "Y", " n"],
    })  # fmt: skip
    tables = lab(*({"lab_order_id": order} for order in (5, 6, 7, 8)))
    found = measurements({**tables, "lab_specimens": specimens})
    assert found["context"].to_list() == ["fasting;", ";", "non_fasting;", ";"]


def test_calculated_results_are_marked():
    tables = lab({"loinc_code": "13457-7"}, {"test_name": "LDL Chol Calc (NIH)"}, {"test_name": "LDL-C"})
    assert measurements(tables)["context"].to_list() == [";calculated", ";calculated", ";"]


def test_measurements_of_merged_patients_move_to_the_survivor():
    survivors = pl.LazyFrame({"patient_id": ["7"], "survivor": ["3"]})
    found = measurements(lab({}, {"patient_id": 8}), survivors=survivors)
    assert found["patient_id"].to_list() == ["3", "8"]


def test_a_table_that_lost_an_indispensable_column_is_named():
    with pytest.raises(SourceChanged, match="lab_results has no column test_value"):
        measurements({"lab_results": lab({})["lab_results"].drop("test_value")})
    optional = lab({})["lab_results"].drop("test_unit", "status", "entered_at", "lab_order_id", "is_deleted")
    assert measurements({"lab_results": optional})["metric_code"].to_list() == ["tsh"]
    with pytest.raises(SourceChanged, match="none of the tables"):
        measurements({})


def test_every_mistake_of_the_source_file_is_reported(tmp_path):
    path = tmp_path / "sources.yml"
    path.write_text(
        "tables:\n  a: {id: x, patient: p, measured_on: [d], rank: 0}\n"
        "  b: {id: x, patient: p, measured_on: [], rank: 0, value: v, name: n}\n"
        "  c: {id: x, patient: p, measured_on: [d], rank: 0, value: v}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_measurement_sources(path)
    assert [mistake.split(":")[0] for mistake in caught.value.mistakes] == ["line 2", "line 3", "line 4"]


def test_the_tables_that_are_read_are_known_beforehand():
    assert SOURCES.tables_needed() == [
        *("lab_results", "25againmembermetrics", "vitals", "custom_chart_entries", "lab_specimens", "25againmetrics")
    ]
