"""The metric table: the real one is sound, and a wrong one is refused with everything that is wrong in it."""

from decimal import Decimal

import pytest

from ennu_lib.catalog.biomarker import luhn_digit
from ennu_lib.catalog.biomarkers import CATEGORIES, load_biomarkers
from ennu_lib.catalog.ranges import Range, parse_range, split_pressure_range
from ennu_lib.errors import ConfigurationError
from tests.support.score_params import CATALOGUE, UNIT_ALIASES, biomarker_rows, write_rows


def mistakes(tmp_path, table, units=UNIT_ALIASES):
    with pytest.raises(ConfigurationError) as caught:
        load_biomarkers(write_rows(tmp_path / "biomarkers.csv", table), units)
    return caught.value.mistakes


def changed(code, **cells):
    return [{**row, **(cells if row["metric_code"] == code else {})} for row in biomarker_rows()]


def test_the_table_holds_62_metrics_in_13_categories_whose_weights_sum_to_100():
    assert len(CATALOGUE) == 62
    assert sum(b.weight for b in CATALOGUE) == 100
    assert {b.category for b in CATALOGUE} == set(CATEGORIES)
    assert [b.code for b in CATALOGUE if not b.loinc] == ["homa_ir"]


def test_a_row_is_read_whole():
    psa, testosterone = CATALOGUE["psa"], CATALOGUE["total_testosterone"]
    assert psa.optimum == {"male": Range(None, Decimal("2.5"), high_strict=True), "female": None}
    assert testosterone.zero_points["female"].high == 150
    assert (testosterone.critical.low, testosterone.critical.high) == (None, 1500)
    assert CATALOGUE["vitamin_d"].is_sex_neutral and not psa.is_sex_neutral
    assert CATALOGUE["free_testosterone"].lab_codes == ("144981", "080796")


@pytest.mark.parametrize(
    ("name", "loinc", "lab_code", "expected"),
    [
        ("anything", "2986-8", "004519", ("estradiol", "lab_code")),
        ("anything", " 2986-8 ", "0", ("total_testosterone", "loinc")),
        ("Glucose, Serum", None, None, ("glucose_fasting", "name")),
        ("GLUCOSE   serum", "", "", ("glucose_fasting", "normalised_name")),
        ("t4 free direct", "0000-0", None, ("free_t4", "normalised_name")),
        ("testosterone", None, None, None),
        ("Saturation", None, None, None),
        ("", "", "", None),
        (None, None, None, None),
    ],
)
def test_a_test_is_resolved_by_code_then_loinc_then_name_and_never_by_likeness(name, loinc, lab_code, expected):
    found = CATALOGUE.resolve(name, loinc, lab_code)
    assert (found and (found.metric_code, found.by)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N/A", None),
        ("Not Applicable to Men", None),
        ("600-900", Range(Decimal(600), Decimal(900))),
        ("<2.5", Range(None, Decimal("2.5"), high_strict=True)),
        ("<=2.5", Range(None, Decimal("2.5"))),
        (">= 60", Range(Decimal(60), None)),
        ("> 3.0", Range(Decimal("3.0"), None, low_strict=True)),
        ("Less than 5.7%", Range(None, Decimal("5.7"), high_strict=True)),
        ("Greater than 2 mg/dL", Range(Decimal(2), None, low_strict=True)),
        ("Between 300 and 600 ug/dL", Range(Decimal(300), Decimal(600))),
    ],
)
def test_range_text_of_the_grammar_is_read(text, expected):
    assert parse_range(text) == expected


@pytest.mark.parametrize(
    "text", ["", "See BMI", "900-600", "5", "< 130/80", "5,7-6", "-5-10", "1e2-200", "<5.7 or so", "٣-٤"]
)
def test_any_other_range_text_is_refused(text):
    with pytest.raises(ValueError, match="range"):
        parse_range(text)


def test_strict_bounds_are_outside():
    strict, closed = parse_range("<5.7"), parse_range("<=5.7")
    assert not strict.holds(Decimal("5.7")) and closed.holds(Decimal("5.7")) and strict.holds(Decimal("5.69"))


def test_a_blood_pressure_range_gives_each_row_its_half(tmp_path):
    assert split_pressure_range("< 130/80") == ("<130", "<80")
    table = [
        {**row, "optimal_range_male": "< 130/80"} if row["metric_code"] in ("sbp", "dbp") else row
        for row in biomarker_rows()
    ]
    catalogue = load_biomarkers(write_rows(tmp_path / "biomarkers.csv", table), UNIT_ALIASES)
    assert [catalogue[code].optimum["male"].high for code in ("sbp", "dbp")] == [130, 80]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"metric_weight": "0"}, "above 0"),
        ({"metric_weight": "-1"}, "above 0"),
        ({"metric_weight": "heavy"}, "not a number"),
        ({"metric_weight": "NaN"}, "not a number"),
        ({"optimal_range_male": "2.0-1.0"}, "lower bound above its upper"),
        ({"optimal_range_male": "about 2"}, "not one of"),
        ({"optimal_range_male": ""}, "not one of"),
        ({"zero_low_male": "1.0"}, "below the lower bound"),
        ({"zero_high_male": "1.5"}, "above the upper bound"),
        ({"optimal_range_male": "N/A"}, "below the lower bound"),
        ({"plausible_min": "500"}, "must be below"),
        ({"plausible_max": ""}, "blank"),
        ({"metric_type": "Hormone"}, "none of Hormones"),
        ({"significance_class": "moderate"}, "begins with 'critical'"),
        ({"loinc_code": "3016-4"}, "check digit"),
        ({"loinc_code": "2986-8"}, "stands for both"),
        ({"metric_id": "1"}, "stands for both"),
        ({"metric_id": "x"}, "positive whole number"),
        ({"metric_code": "TSH!"}, "lower case"),
        ({"aliases": "Free T4"}, "stands for both"),
        ({"unit_alternatives": "m[IU]/L=2"}, "canonical unit itself"),
        ({"unit_alternatives": "mg=?"}, "unit alternative"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, cells, says):
    found = mistakes(tmp_path, changed("tsh", **cells))
    assert any(says in mistake for mistake in found), found


def test_all_mistakes_of_both_files_are_reported_at_once(tmp_path):
    units = tmp_path / "units.csv"
    units.write_text("legacy_unit_text,ucum,rule\nx,mg,context: no_such_metric\n", encoding="utf-8")
    table = biomarker_rows()
    table[0]["metric_weight"], table[3]["optimal_range_female"], table[3]["plausible_max"] = "0", "low", "-3"
    found = mistakes(tmp_path, table, units)
    assert [m.split(":")[0] for m in found] == [
        "line 2 (total_testosterone)",
        "line 5 (estradiol)",
        "line 5 (estradiol)",
        "units.csv",
    ]


def test_an_unknown_column_is_refused_rather_than_ignored(tmp_path):
    table = [{("zero_low_mail" if k == "zero_low_male" else k): v for k, v in row.items()} for row in biomarker_rows()]
    assert mistakes(tmp_path, table) == ["line 1: column 'zero_low_mail' is not known"]


def test_zero_points_are_given_for_both_sides_and_sexes_or_not_at_all(tmp_path):
    some = [{k: v for k, v in row.items() if k != "zero_low_male"} for row in biomarker_rows()]
    assert any("all four" in mistake for mistake in mistakes(tmp_path, some))
    none = [{k: v for k, v in row.items() if not k.startswith("zero_")} for row in biomarker_rows()]
    assert load_biomarkers(write_rows(tmp_path / "biomarkers.csv", none), UNIT_ALIASES)["tsh"].zero_points is None


def test_the_class_is_read_from_the_text_when_there_is_no_class_column(tmp_path):
    table = [{k: v for k, v in row.items() if k != "significance_class"} for row in biomarker_rows()]
    assert (
        load_biomarkers(write_rows(tmp_path / "biomarkers.csv", table), UNIT_ALIASES)["tsh"].significance == "critical"
    )


def test_the_version_follows_the_content_and_nothing_else(tmp_path):
    reordered = [dict(reversed(row.items())) for row in biomarker_rows()]
    assert (
        load_biomarkers(write_rows(tmp_path / "biomarkers.csv", reordered), UNIT_ALIASES).version == CATALOGUE.version
    )
    heavier = write_rows(tmp_path / "biomarkers.csv", changed("tsh", metric_weight="4.5"))
    assert load_biomarkers(heavier, UNIT_ALIASES).version != CATALOGUE.version


def test_an_empty_table_is_refused(tmp_path):
    path = tmp_path / "biomarkers.csv"
    path.write_text(",".join(biomarker_rows()[0]) + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no rows"):
        load_biomarkers(path, UNIT_ALIASES)


def test_loinc_check_digit():
    assert [luhn_digit(number) for number in ("2986", "62292", "98979")] == [8, 8, 8]
