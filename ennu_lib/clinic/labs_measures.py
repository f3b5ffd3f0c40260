"""Measurements outside the laboratory's own table: vitals, chart cells, and the clinic's table of member metrics."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.clinical_encounters import visits
from ennu_lib.clinic.labs_metrics import MEASURED_IN_CLINIC, metric_index, metrics, unit_spellings
from ennu_lib.clinic.labs_results import MEASURED
from ennu_lib.clinic.labs_values import distributions, draw_values, number_text
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    Wheel,
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    moments,
    pick,
    sample,
    sometimes,
    spread,
    word_wheel,
    workday,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import Roster, draw_users

MEASURES = "_measures"
VITAL_COLUMNS = {"bmi": "bmi", "sbp": "bp_systolic", "dbp": "bp_diastolic", "resting_hr": "pulse", "waist": "waist"}
COPIED_SHARE = 0.8
IN_HOUSE = 2
OTHER_CELLS = {
    "NeckInches": (15.5, 1.5),
    "HipInches": (40, 3.5),
    "GripStrength": (88, 22),
    "StepsPerDay": (6800, 2500),
    "EnergyScore": (6, 1.8),
    "SleepHours": (6.7, 1),
}
CELL_WORDS = {
    "InjectionSite": ["R glute", "L glute", "R thigh", "L thigh", "abd", "delt"],
    "PelletDose": ["1200 mg", "1400 mg", "87.5 mg", "100 mg", "T 1000/E 12.5"],
}


def vitals(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`vitals` of visits in person.

    chunk.frames["_measures"] starts with their values: row, metric (position), day, value (canonical), key, collected.
    """
    rng = chunk.rng("vitals")
    people, seen = registrations(chunk), visits(chunk)
    in_person = seen.filter(
        ~pl.col("kind").is_in(["telehealth", "phone", "coaching"]) & (pl.col("status") != "cancelled")
    )
    at = sample(rng, len(in_person), chunk.rows_for("vitals"))
    row, day = in_person["row"].to_numpy()[at], in_person["day"].to_numpy()[at]
    n = len(row)
    values = draw_values(chunk, rng, row, day)
    index = metric_index()

    def of(code: str) -> np.ndarray:
        return values[:, index[code]]

    female = (people["sex"] == "F").to_numpy()[row]
    person = people["person"].to_numpy()[row]
    tall = chunk.rng("heights").normal(0, 2.7, int(people["person"].max()) + 1)[person]
    height = np.round((69.3 - 5.4 * female + tall) * 4) / 4
    weight = np.round(of("bmi") * height**2 / 703, 1)
    bmi = np.round(703 * weight / height**2, 1)
    metric_system = chance(rng, n, 0.06)
    celsius = chance(rng, n, 0.05)
    fahrenheit = rng.normal(98.1, 0.45, n)
    taken = in_person["second"].to_numpy()[at] + rng.integers(0, 900, n)
    frame = pl.DataFrame(
        {
            "vital_id": chunk.take_keys("vitals", n),
            "patient_id": in_person["patient_id"].gather(at),
            "encounter_id": sometimes(rng, in_person["encounter_id"].gather(at), 0.08),
            "taken_at": moments(day, taken),
            "height": sometimes(rng, pl.Series(np.where(metric_system, np.round(height * 2.54, 1), height)), 0.12),
            "height_unit": sometimes(rng, pl.Series(np.where(metric_system, "cm", "in")), 0.08),
            "weight": sometimes(rng, pl.Series(np.where(metric_system, np.round(weight / 2.20462, 1), weight)), 0.05),
            "weight_unit": sometimes(rng, pl.Series(np.where(metric_system, "kg", "lb")), 0.05),
            "bmi": sometimes(rng, pl.Series(bmi), 0.14),
            "bp_systolic": sometimes(rng, pl.Series(of("sbp").astype(np.int64)), 0.05),
            "bp_diastolic": sometimes(rng, pl.Series(of("dbp").astype(np.int64)), 0.05),
            "bp_location": sometimes(rng, pick(rng, n, {"left arm": 6, "right arm": 4}), 0.5),
            "position": sometimes(rng, pick(rng, n, {"sitting": 9, "standing": 1}), 0.5),
            "pulse": sometimes(rng, pl.Series(of("resting_hr").astype(np.int64)), 0.07),
            "respiration": sometimes(rng, pl.Series(rng.integers(12, 20, n)), 0.3),
            "temperature": sometimes(
                rng, pl.Series(np.round(np.where(celsius, (fahrenheit - 32) / 1.8, fahrenheit), 1)), 0.25
            ),
            "temperature_unit": sometimes(rng, pl.Series(np.where(celsius, "C", "F")), 0.2),
            "oxygen_saturation": sometimes(rng, pl.Series(np.minimum(rng.normal(98, 1.1, n).round(), 100)), 0.35),
            "waist": sometimes(rng, pl.Series(of("waist")), 0.6),
            "pain_score": sometimes(rng, pl.Series(np.minimum(rng.poisson(0.8, n), 10)), 0.55),
            "taken_by": sometimes(rng, draw_users(rng, chunk, n), 0.1),
            "comments": sometimes(rng, word_wheel("exam", "note_words").draw(rng, n), 0.85),
            "DateTStamp": moments(day, np.minimum(taken + 600, DAY_SECONDS - 1)),
        }
    )
    chunk.frames[MEASURES] = _measures(row, day, frame)
    return {"vitals": frame}


def _measures(row: np.ndarray, day: np.ndarray, frame: pl.DataFrame) -> pl.DataFrame:
    """What stands in the columns of `vitals`, one row per value."""
    parts = [
        frame.select(
            row=pl.Series(row),
            day=pl.Series(day),
            metric=pl.lit(metric_index()[code], pl.Int64),
            value=pl.col(column).cast(pl.Float64),
            key="vital_id",
            collected="taken_at",
        )
        for code, column in VITAL_COLUMNS.items()
    ]
    return pl.concat(parts).drop_nulls("value")


def chart_entries(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`custom_chart_entries`: name/value cells, most of them body measurements, some that no biomarker answers to."""
    rng = chunk.rng("custom_chart_entries")
    people, fields = registrations(chunk), clinic_table("chart_fields")
    total = chunk.rows_for("custom_chart_entries")
    wheel = Wheel(list(range(len(fields))), fields["weight"].to_numpy())
    row, day = _days(rng, chunk, max(total // 3, 1))
    sheet = np.sort(rng.integers(0, len(row), total))
    which = wheel.indices(rng, total)
    values = draw_values(chunk, rng, row, day)
    codes = fields["metric_code"].to_list()
    metric = np.array([metric_index()[code] if code else -1 for code in codes])[which]
    value = np.where(metric >= 0, values[sheet, metric], 0.0)
    known = metric >= 0
    text = _cell_texts(rng, fields, which, metric, value)
    keyed = pl.Series(Roster.of(chunk).seen_by(rng, people["usual"].to_numpy()[row], day)).gather(sheet)
    frame = pl.DataFrame(
        {
            "chart_entry_id": chunk.take_keys("custom_chart_entries", total),
            "patient_id": people["patient_id"].to_numpy()[row][sheet],
            "DateTaken": dates(day[sheet]),
            "FieldName": fields["field"].gather(which),
            "FieldValue": sometimes(rng, text, 0.008),
            "UserNum": sometimes(rng, draw_users(rng, chunk, total), 0.1),
            "ProvNum": sometimes(rng, keyed, 0.3),
            "IsSigned": chance(rng, total, 0.7),
            "DateTStamp": moments(day[sheet], any_seconds(rng, total)),
        }
    )
    cells = pl.DataFrame(
        {"row": row[sheet], "day": day[sheet], "metric": metric, "value": value, "key": frame["chart_entry_id"]}
    ).filter(pl.Series(known) & frame["FieldValue"].is_not_null())
    _remember(chunk, cells)
    return {"custom_chart_entries": frame}


def _remember(chunk: Chunk, measures: pl.DataFrame) -> None:
    chunk.frames[MEASURES] = pl.concat([chunk.frames[MEASURES], measures], how="diagonal_relaxed")


def _cell_texts(rng, fields: pl.DataFrame, which: np.ndarray, metric: np.ndarray, value: np.ndarray) -> pl.Series:
    decimals = np.where(metric >= 0, distributions().decimals[metric], 0)
    number = value.copy()
    names = fields["field"].to_list()
    for name, (middle, width) in OTHER_CELLS.items():
        mine = which == names.index(name)
        number[mine] = np.maximum(rng.normal(middle, width, int(mine.sum())), 1)
    text = number_text(number, decimals)
    unit = fields["unit_in_text"].fill_null("").gather(which)
    text = pl.select(pl.when(unit == "").then(text).otherwise(pl.format("{} {}", text, unit))).to_series()
    for name, words in CELL_WORDS.items():
        mine = np.flatnonzero(which == names.index(name))
        text = text.scatter(mine, pick(rng, len(mine), words))
    return text


def _days(rng: np.random.Generator, chunk: Chunk, n: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` working days in the time of patients, more of the busier ones, in order of the patients."""
    people = registrations(chunk)
    row = spread(rng, people["activity"].to_numpy() + 1e-9, n)
    first, last = people["registered"].to_numpy()[row], people["last_day"].to_numpy()[row]
    return row, workday(first + ((last - first) * rng.random(n)).astype(np.int64))


def member_metrics(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmembermetrics`: copies of laboratory results and values that the clinic entered itself."""
    rng = chunk.rng("25againmembermetrics")
    total = chunk.rows_for("25againmembermetrics")
    lab = chunk.frames[MEASURED]
    copied = lab[sample(rng, len(lab), int(total * COPIED_SHARE))]
    own = _entered_by_hand(chunk, rng, total - len(copied))
    every = pl.concat([copied, own], how="diagonal_relaxed").sort("day", maintain_order=True)
    n = len(every)
    from_lab = every["result_id"].is_not_null().to_numpy()
    people = registrations(chunk)
    stamp = np.minimum(every["day"].to_numpy() + np.where(from_lab, rng.integers(1, 7, n), 0), day_number(chunk.as_of))
    by_hand = pick(rng, n, {"manual": 7, "device": 3})
    source = pl.select(pl.when(pl.Series(values=from_lab)).then(pl.lit("lab import")).otherwise(by_hand)).to_series()
    frame = pl.DataFrame(
        {
            "member_metric_id": chunk.take_keys("25againmembermetrics", n),
            "patient_id": people["patient_id"].gather(every["row"]),
            "metric_id": metrics()["metric_id"].gather(every["metric"]),
            "lab_result_id": every["result_id"],
            "metric_value": every["text"],
            "metric_unit": every["unit"],
            "metric_date": dates(every["day"].to_numpy()),
            "source": source,
            "system": sometimes(rng, pick(rng, n, {"US": 94, "SI": 6}), 0.5),
            "entered_by": blanked(draw_users(rng, chunk, n), from_lab & chance(rng, n, 0.35)),
            "last_updated": moments(stamp, any_seconds(rng, n)),
            "is_deleted": chance(rng, n, 0.003),
        }
    )
    entered = every.select("row", "day", "metric", "value").with_columns(key=frame["member_metric_id"])
    _remember(chunk, entered.filter(~pl.Series(from_lab) & ~frame["is_deleted"]))
    return {"25againmembermetrics": frame}


def _entered_by_hand(chunk: Chunk, rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Body measurements mostly, some outside laboratory values."""
    row, day = _days(rng, chunk, max(n // 4, 1))
    sheet = np.sort(rng.integers(0, len(row), n))
    values = draw_values(chunk, rng, row, day)
    in_clinic = metrics()["metric_type"].is_in(MEASURED_IN_CLINIC).to_numpy()
    female = (registrations(chunk)["sex"] == "F").to_numpy()[row][sheet]
    wheel = Wheel(list(range(len(in_clinic))), np.where(in_clinic, 12.0, 0.5))
    metric = wheel.indices(rng, n)
    absent = np.isnan(values[sheet, metric]) | ((metric == metric_index()["progesterone"]) & ~female)
    metric = np.where(absent, metric_index()["sbp"], metric)
    value = values[sheet, metric]
    return pl.DataFrame(
        {
            "row": row[sheet],
            "day": day[sheet],
            "metric": metric,
            "value": value,
            "text": number_text(value, distributions().decimals[metric]),
            "unit": pl.Series(values=unit_spellings()[IN_HOUSE].tolist()).gather(metric),
        }
    )
