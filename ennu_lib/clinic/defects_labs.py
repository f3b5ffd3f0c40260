"""Defects of laboratory values, units, codes and dates."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.defects_base import Damage, plants
from ennu_lib.clinic.labs_metrics import alternative_units, metrics, range_limits
from ennu_lib.clinic.labs_results import METRIC_OF_RESULT
from ennu_lib.clinic.labs_values import number_text
from ennu_lib.clinic.people_draw import clinic_table, pick
from ennu_lib.clinic.people_registrations import registrations

NOT_NUMERIC = ["see note", "PENDING", "hemolyzed", "positive", "DNR", "?", "not calculated", "see report"]
UNKNOWN_UNITS = ["units", "mgs", "xx", "per lab", "mg", "ng"]
UNKNOWN_TESTS = ["Misc Test", "See Report", "Reflex Comment", "TEST NOT IN CATALOG", "LC UNKNOWN"]
PLAIN_NUMBER = r"^\d+(\.\d+)?$"
SECONDS_OF_A_MINUTE = 60
# How far outside a printed range, and how many decades from a patient's own values, nobody overlooks.
CLEARLY_OUT, FAR = 1.25, 0.75
ICD10_FROM = pl.date(2015, 10, 1)


def metric_positions(damage: Damage) -> np.ndarray:
    """Position of the biomarker behind every row of `lab_results` or `25againmembermetrics`."""
    if damage.table.name == "lab_results":
        known = damage.chunk.frames[METRIC_OF_RESULT].select("result_id", "metric")
        return (
            damage.frame.select("result_id")
            .join(known, on="result_id", how="left", maintain_order="left")["metric"]
            .to_numpy()
        )
    return (damage.chunk.frames["25againmembermetrics"]["metric_id"] - 1).to_numpy()


def _numbers(damage: Damage, column: str) -> pl.Series:
    """The values as numbers, NULL where they are not plain numbers."""
    text = damage.columns[column]
    plain = pl.select(pl.when(text.str.contains(PLAIN_NUMBER)).then(text)).to_series()
    return plain.cast(pl.Float64, strict=False)


def _of_known_test(damage: Damage) -> np.ndarray:
    """Rows of which can still be told what was measured: a unit or a value is right or wrong for a test only."""
    return damage.whole("test_name" if damage.table.name == "lab_results" else "metric_id")


def _in_canonical_unit(damage: Damage) -> np.ndarray:
    """Rows whose unit is the one that the limits of the test are in, and not its molar alternative."""
    unit = damage.columns["test_unit" if damage.table.name == "lab_results" else "metric_unit"]
    molar = unit.str.contains("mol").fill_null(False).to_numpy()
    return ~(molar & np.isin(metric_positions(damage), list(alternative_units())))


def _decimals(text: pl.Series) -> np.ndarray:
    return text.str.extract(r"\.(\d+)$", 1).fill_null("").str.len_chars().cast(pl.Int64).to_numpy()


@plants("value_times_ten")
def value_times_ten(damage: Damage, column: str, rate: float) -> None:
    """The decimal point slipped by one place, where anything in the chart speaks against it."""
    numbers = _numbers(damage, column)
    at = damage.rows(column, (numbers > 0).fill_null(False).to_numpy() & _of_known_test(damage), rate)
    up = damage.rng.random(len(at)) < 0.6
    places = _decimals(damage.columns[column].gather(at))
    value = numbers.gather(at).to_numpy() * np.where(up, 10, 0.1)
    text = number_text(value, np.where(up, places, places + 1))
    seen = ~up | contradicted(damage, column, at, value)  # a decimal more than the test is reported with shows
    damage.put(column, at[seen], text.filter(pl.Series(values=seen)), "value_times_ten")


def contradicted(damage: Damage, column: str, at: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Whether the rest of the chart speaks against `value` in the rows `at`.

    Its laboratory called the result normal and it is outside of the range printed beside it, no living patient has
    such a value, the laboratory's result stands in the other table too and is the likelier of the two, or the
    patient's other values are far away.
    """
    metric = metric_positions(damage)
    highest = metrics()["plausible_max"].to_numpy()[metric[at]]
    comparable = _in_canonical_unit(damage)[at]
    seen = comparable & (value > np.nan_to_num(highest, nan=np.inf))
    if damage.table.name == "lab_results":
        limit = [range_limits((text or "").replace(" ", "")) for text in damage.columns["reference_range"].gather(at)]
        low, high = np.array(limit).reshape(-1, 2).T
        normal = (damage.columns["result_status"].gather(at) == "Normal").fill_null(False).to_numpy()
        seen |= comparable & normal & ((value < low / CLEARLY_OUT) | (value > high * CLEARLY_OUT))
    else:
        copied = damage.columns["lab_result_id"].gather(at).is_not_null().to_numpy()
        seen |= copied & _farther_out(_numbers(damage, column), metric, at, value)
    return seen | _far_from_own(damage, column, at, metric, value)


def _farther_out(numbers: pl.Series, metric: np.ndarray, at: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Whether `value` is farther from what is usual for its test than the number that stands in the row."""
    rows = pl.DataFrame({"metric": metric, "number": numbers})
    usual = rows.select(pl.col("number").median().over("metric")).to_series().gather(at).to_numpy()
    true = numbers.gather(at).to_numpy()
    return np.abs(np.log(value / usual)) > np.abs(np.log(true / usual))


def _far_from_own(damage: Damage, column: str, at: np.ndarray, metric: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Whether the patient's other values of the test in the same unit, two at least, are half a decade away."""
    unit = damage.columns["test_unit" if damage.table.name == "lab_results" else "metric_unit"]
    rows = pl.DataFrame(
        {"patient": damage.columns["patient_id"], "metric": metric, "unit": unit, "number": _numbers(damage, column)}
    )
    usual = pl.col("number").median().over("patient", "metric", "unit")
    enough = pl.col("number").count().over("patient", "metric", "unit") > 2
    own = rows.select(pl.when(enough).then(usual)).to_series().gather(at).to_numpy()
    return np.nan_to_num(np.abs(np.log10(value / own)), nan=0) > FAR


@plants("value_in_other_unit")
def value_in_other_unit(damage: Damage, column: str, rate: float) -> None:
    """A value in mmol/L (or nmol/L) beside the name of the mass unit, where anything in the chart speaks against it."""
    numbers = _numbers(damage, column)
    unit = damage.columns["test_unit" if damage.table.name == "lab_results" else "metric_unit"]
    metric = metric_positions(damage)
    able = np.isin(metric, list(alternative_units())) & ~unit.fill_null("mol").str.contains("mol").to_numpy()
    at = damage.rows(column, able & (numbers > 0).fill_null(False).to_numpy() & _of_known_test(damage), rate)
    factor = np.array([alternative_units()[place][1] for place in metric[at]])
    value = numbers.gather(at).to_numpy() / factor if len(at) else np.empty(0)
    seen = contradicted(damage, column, at, value)
    text = number_text(value, np.full(len(at), 2)).filter(pl.Series(values=seen))
    damage.put(column, at[seen], text, "value_in_other_unit")


@plants("value_out_of_range")
def value_out_of_range(damage: Damage, column: str, rate: float) -> None:
    """Values that no living patient has: far above the plausible limit, or below zero."""
    numbers = _numbers(damage, column)
    at = damage.rows(
        column, numbers.is_not_null().to_numpy() & _of_known_test(damage) & _in_canonical_unit(damage), rate
    )
    highest = metrics()["plausible_max"].to_numpy()[metric_positions(damage)[at]]
    value = np.where(damage.rng.random(len(at)) < 0.75, highest * damage.rng.uniform(1.5, 30, len(at)), -1)
    text = number_text(np.abs(value), np.zeros(len(at), dtype=np.int64))
    sign = pl.Series(value < 0)
    damage.put(
        column,
        at,
        pl.select(pl.when(sign).then(pl.format("-{}", text)).otherwise(text)).to_series(),
        "value_out_of_range",
    )


@plants("value_spelling")
def value_spelling(damage: Damage, column: str, rate: float) -> None:
    """Numbers with a flag, blanks, a comma or an equals sign in the field."""
    numbers = _numbers(damage, column)
    at = damage.rows(column, numbers.is_not_null(), rate)
    text = damage.columns[column].gather(at)
    thousands = text.str.replace(r"^(\d+)(\d{3})$", "$1,$2")
    forms = [
        text + " H",
        " " + text + " ",
        "= " + text,
        text + "*",
        pl.select(pl.when(thousands != text).then(thousands).otherwise(text + " L")).to_series(),
    ]
    kind = pl.Series(damage.rng.integers(0, len(forms), len(at)))
    chosen = forms[0]
    for number, form in enumerate(forms[1:], start=1):
        chosen = pl.select(pl.when(kind == number).then(form).otherwise(chosen)).to_series()
    damage.put(column, at, chosen, "value_spelling")


@plants("value_not_numeric")
def value_not_numeric(damage: Damage, column: str, rate: float) -> None:
    """A remark where the value should be."""
    at = damage.rows(column, _numbers(damage, column).is_not_null(), rate)
    damage.put(column, at, pick(damage.rng, len(at), NOT_NUMERIC), "value_not_numeric")


@plants("unit_spelling")
def unit_spelling(damage: Damage, column: str, rate: float) -> None:
    """Rare spellings of the same unit."""
    listed = clinic_table("lab_unit_spellings")
    odd: dict[str, str] = {}
    for row in listed.iter_rows(named=True):
        odd |= {row[name]: row["odd"] for name in ("LabCorp", "Quest", "In-House") if row["odd"] != row[name]}
    able = damage.columns[column].is_in(list(odd)).fill_null(False).to_numpy()
    at = damage.rows(column, able & _of_known_test(damage), rate)
    damage.put(column, at, damage.columns[column].gather(at).replace(odd), "unit_spelling")


@plants("unit_missing")
def unit_missing(damage: Damage, column: str, rate: float) -> None:
    """No unit: NULL or an empty text."""
    at = damage.rows(column, damage.filled(column) & _of_known_test(damage), rate)
    empty = pl.Series(damage.rng.random(len(at)) < 0.5)
    damage.put(column, at, pl.select(pl.when(empty).then(pl.lit(""))).to_series().cast(pl.String), "unit_missing")


@plants("unit_unknown")
def unit_unknown(damage: Damage, column: str, rate: float) -> None:
    """Units that nobody can resolve."""
    at = damage.rows(column, damage.filled(column) & _of_known_test(damage), rate)
    damage.put(column, at, pick(damage.rng, len(at), UNKNOWN_UNITS), "unit_unknown")


@plants("test_name_unknown")
def test_name_unknown(damage: Damage, column: str, rate: float) -> None:
    """A name that no catalogue has; code and LOINC are missing too."""
    sound = damage.whole("test_value") & damage.whole("test_unit") & damage.whole("loinc_code")
    at = damage.rows(column, damage.filled(column) & sound, rate)
    for name in ("test_code", "loinc_code"):
        damage.blank(name, at[damage.columns[name].gather(at).is_not_null().to_numpy()], "test_name_unknown")
    damage.put(column, at, pick(damage.rng, len(at), UNKNOWN_TESTS), "test_name_unknown")


@plants("code_spelling")
def code_spelling(damage: Damage, column: str, rate: float) -> None:
    """Codes in small letters, without their dot or dash, or with a blank behind."""
    at = damage.rows(column, damage.columns[column].str.len_chars() > 2, rate)
    code = damage.columns[column].gather(at)
    stripped = code.str.replace_all(r"[.-]", "")
    lower = code.str.to_lowercase()
    kind = pl.Series(damage.rng.integers(0, 3, len(at)))
    text = (
        pl.when((kind == 0) & (stripped != code))
        .then(stripped)
        .when((kind == 1) & (lower != code))
        .then(lower)
        .otherwise(code + " ")
    )
    damage.put(column, at, pl.select(text).to_series(), "code_spelling")


@plants("icd9_after_2015")
def icd9_after_2015(damage: Damage, column: str, rate: float) -> None:
    """ICD-9 codes after the change to ICD-10."""
    pairs = clinic_table("codes_icd10").filter(pl.col("icd9").is_not_null() & (pl.col("icd9") != ""))
    old = dict(pairs.select("code", "icd9").iter_rows())
    late = damage.frame.select(pl.col("added_at") >= ICD10_FROM).to_series().fill_null(False)
    at = damage.rows(column, damage.columns[column].is_in(list(old)) & late, rate)
    damage.put(column, at, damage.columns[column].gather(at).replace(old), "icd9_after_2015")


@plants("date_order")
def date_order(damage: Damage, column: str, rate: float) -> None:
    """Results dated before the draw, or draws dated after the report."""
    orders = damage.table.name == "lab_orders"
    other = damage.columns["collection_date" if orders else "reported_at"]
    at = damage.rows(column, damage.columns[column].is_not_null() & other.is_not_null(), rate)
    days = pl.Series(damage.rng.integers(2, 40, len(at))) * (-1 if orders else 1)
    damage.put(column, at, other.gather(at) + pl.select(pl.duration(days=days)).to_series(), "date_order")


@plants("future_date")
def future_date(damage: Damage, column: str, rate: float) -> None:
    """Dates years ahead."""
    at = damage.rows(column, damage.filled(column), rate)
    today = pl.Series([damage.chunk.as_of] * len(at), dtype=pl.Date).cast(damage.columns[column].dtype)
    ahead = pl.select(pl.duration(days=pl.Series(damage.rng.integers(30, 3000, len(at))))).to_series()
    damage.put(column, at, today + ahead, "future_date")


@plants("before_birth")
def before_birth(damage: Damage, column: str, rate: float) -> None:
    """Draws dated before the patient was born."""
    people = registrations(damage.chunk).select(
        "patient_id", pl.from_epoch("true_birth_day", time_unit="d").alias("born")
    )
    born = damage.frame.select("patient_id").join(people, on="patient_id", how="left", maintain_order="left")["born"]
    at = damage.rows(column, (damage.columns[column].is_not_null() & born.is_not_null()), rate)
    back = pl.select(pl.duration(days=pl.Series(damage.rng.integers(100, 4000, len(at))))).to_series()
    damage.put(column, at, born.gather(at).cast(damage.columns[column].dtype) - back, "before_birth")


@plants("duplicate_result")
def duplicate_result(damage: Damage, column: str, rate: float) -> None:
    """A result that the interface filed a second time, under a key of its own."""
    at = damage.rows(column, damage.columns["status"] == "final", rate)
    keys = pl.Series(damage.chunk.take_keys(damage.table.name, len(at)))
    copies = damage.frame[at].with_columns(keys.alias(column))
    damage.frame = pl.concat([damage.frame, copies])
    damage.forget()
    damage.chunk.labels.add(damage.table.name, keys, f"duplicate_result:{column}")


@plants("unit_slip")
def unit_slip(damage: Damage, column: str, rate: float) -> None:
    """Kilograms beside `lb`, centimetres beside `in`."""
    factor, unit = {"weight": (1 / 2.20462, "lb"), "height": (2.54, "in")}[column]
    at = damage.rows(column, damage.columns[column].is_not_null() & (damage.frame[f"{column}_unit"] == unit), rate)
    damage.put(column, at, (damage.columns[column].gather(at) * factor).round(1), "unit_slip")


@plants("duration_in_seconds")
def duration_in_seconds(damage: Damage, column: str, rate: float) -> None:
    """Old meetings stored their length in seconds."""
    early = (
        damage.columns["meeting_date"] < pl.Series([damage.chunk.as_of.replace(year=2021)]).cast(pl.Datetime("us"))[0]
    )
    at = damage.rows(column, damage.columns[column].is_not_null() & early & (damage.columns[column] > 8), rate)
    damage.put(column, at, damage.columns[column].gather(at) * SECONDS_OF_A_MINUTE, "duration_in_seconds")


@plants("note_without_provider")
def note_without_provider(damage: Damage, column: str, rate: float) -> None:
    """Notes that nobody wrote."""
    damage.blank(column, damage.rows(column, damage.filled(column), rate), "note_without_provider")


@plants("blank_note")
def blank_note(damage: Damage, column: str, rate: float) -> None:
    """Notes without a text worth the name."""
    at = damage.rows(column, damage.filled(column), rate)
    damage.put(column, at, pick(damage.rng, len(at), ["", " ", "see scanned", ".", "test"]), "blank_note")
