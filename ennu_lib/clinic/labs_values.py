"""What the biomarkers of a person are on a day: distributions by sex, lasting differences between persons, a course."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_metrics import metric_index, metrics
from ennu_lib.clinic.people_draw import clinic_table
from ennu_lib.clinic.people_registrations import registrations

LASTING, PASSING = 0.9, 0.7
STEADY = ("lp_a", "bmi", "waist", "body_fat_pct", "mcv", "rdw", "shbg", "creatinine")
STEADY_LASTING, STEADY_PASSING = 1.1, 0.2
COURSE_DAYS = 550
MIDDLE_AGE = 47
RELATED = (
    ("free_testosterone", "total_testosterone", 0.8),
    ("hba1c", "glucose_fasting", 0.7),
    ("insulin_fasting", "glucose_fasting", 0.5),
    ("triglycerides", "insulin_fasting", 0.5),
    ("hdl_c", "triglycerides", -0.5),
    ("apob", "ldl_c", 0.8),
    ("ast", "alt", 0.7),
    ("ggt", "alt", 0.5),
    ("waist", "bmi", 0.85),
    ("body_fat_pct", "bmi", 0.7),
    ("dbp", "sbp", 0.6),
    ("hs_crp", "bmi", 0.4),
    ("tsat", "ferritin", 0.4),
    ("fsh", "lh", 0.7),
)


@dataclass(frozen=True)
class Distributions:
    """Arrays over sexes (male, female) and metrics; `is_log` says where median, spread and trend are of logarithms."""

    median: np.ndarray
    spread: np.ndarray
    trend: np.ndarray
    per_decade: np.ndarray
    is_log: np.ndarray
    decimals: np.ndarray
    below: np.ndarray
    above: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


@lru_cache(maxsize=1)
def distributions() -> Distributions:
    """The table `params/clinic/lab_values.csv` in the order of the metrics."""
    listed = (
        metrics()
        .select("metric_code", "plausible_min", "plausible_max")
        .join(clinic_table("lab_values"), on="metric_code", how="left", maintain_order="left")
    )

    def numbers(name: str, missing: float) -> np.ndarray:
        return listed[name].cast(pl.Float64, strict=False).fill_null(missing).to_numpy()

    def by_sex(name: str) -> np.ndarray:
        return np.stack([numbers(f"{name}_male", np.nan), numbers(f"{name}_female", np.nan)])

    return Distributions(
        median=by_sex("median"),
        spread=np.nan_to_num(by_sex("spread")),
        trend=np.nan_to_num(by_sex("trend")),
        per_decade=numbers("age_per_decade", 0),
        is_log=(listed["shape"] == "log").to_numpy(),
        decimals=numbers("decimals", 0).astype(np.int64),
        below=numbers("below", -np.inf),
        above=numbers("above", np.inf),
        lowest=numbers("plausible_min", 0) * 1.05,
        highest=numbers("plausible_max", 1e9) * 0.95,
    )


def _correlated(normal: np.ndarray) -> np.ndarray:
    at = metric_index()
    for code, cause, share in RELATED:
        normal[:, at[code]] = share * normal[:, at[cause]] + np.sqrt(1 - share**2) * normal[:, at[code]]
    return normal


def lasting_differences(chunk: Chunk) -> np.ndarray:
    """Standard normals (persons, metrics) that make a person's values alike at all times; metrics are correlated."""
    persons = int(registrations(chunk)["person"].max()) + 1
    return _correlated(chunk.rng("labs.lasting").standard_normal((persons, len(metrics()))))


@lru_cache(maxsize=1)
def _steadiness() -> tuple[np.ndarray, np.ndarray]:
    """How much of a metric's spread lasts and how much passes; some metrics hardly change within a person."""
    steady = metrics()["metric_code"].is_in(STEADY).to_numpy()
    return np.where(steady, STEADY_LASTING, LASTING), np.where(steady, STEADY_PASSING, PASSING)


def draw_values(chunk: Chunk, rng: np.random.Generator, row: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Values (draws, metrics) in canonical units, rounded as laboratories print them, of patients `row` on `day`.

    NaN where a metric does not exist for the sex.
    """
    table = distributions()
    people = registrations(chunk)
    sex = (people["sex"] == "F").to_numpy().astype(int)[row]
    person = people["person"].to_numpy()[row]
    began = people["registered"].to_numpy()[people["source"].to_numpy()][row]
    course = np.clip((day - began) / COURSE_DAYS, 0, 1)[:, None] - 0.5
    age = (day - people["true_birth_day"].to_numpy()[row]) / 365.25
    decades = ((age - MIDDLE_AGE) / 10)[:, None]
    passing = _correlated(rng.standard_normal((len(row), len(metrics()))))
    lasting_share, passing_share = _steadiness()
    deviation = table.spread[sex] * (lasting_share * lasting_differences(chunk)[person] + passing_share * passing)
    deviation += table.trend[sex] * course + table.per_decade * decades
    with np.errstate(over="ignore"):
        values = np.where(table.is_log, table.median[sex] * np.exp(deviation), table.median[sex] + deviation)
    values = np.clip(values, table.lowest, table.highest)
    values = _rounded(values, table.decimals)
    return _rounded(_derived(values, rng, sex, age), table.decimals)


def _rounded(values: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    scale = 10.0**decimals
    return np.round(values * scale) / scale


def _derived(values: np.ndarray, rng: np.random.Generator, sex: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Fills in what is computed from other values of the same draw."""
    at = metric_index()

    def of(code: str) -> np.ndarray:
        return values[:, at[code]]

    values[:, at["homa_ir"]] = of("glucose_fasting") * of("insulin_fasting") / 405
    values[:, at["total_cholesterol"]] = np.round(of("ldl_c") + of("hdl_c") + of("triglycerides") / 5)
    values[:, at["non_hdl_c"]] = of("total_cholesterol") - of("hdl_c")
    values[:, at["egfr"]] = ckd_epi_2021(of("creatinine"), age, sex == 1)
    values[:, at["hematocrit"]] = of("hemoglobin") * 2.97 + rng.normal(0, 0.5, len(values))
    return values


def ckd_epi_2021(creatinine: np.ndarray, age: np.ndarray, female: np.ndarray) -> np.ndarray:
    """Estimated GFR in mL/min/1.73 m² from creatinine in mg/dL (CKD-EPI 2021, without race)."""
    kappa, alpha = np.where(female, 0.7, 0.9), np.where(female, -0.241, -0.302)
    ratio = creatinine / kappa
    shape = np.minimum(ratio, 1) ** alpha * np.maximum(ratio, 1) ** -1.2
    return np.minimum(142 * shape * 0.9938**age * np.where(female, 1.012, 1), 140)


def number_text(values: np.ndarray, decimals: np.ndarray) -> pl.Series:
    """Numbers with exactly so many decimals each."""
    scaled = np.round(values * 10.0**decimals).astype(np.int64)
    whole, rest = np.divmod(scaled, 10**decimals)
    frame = pl.DataFrame({"whole": whole, "rest": rest, "decimals": decimals})
    text = pl.lit(None, pl.String)
    for places in np.unique(decimals):
        fraction = pl.col("rest").cast(pl.String).str.zfill(int(places))
        form = pl.col("whole").cast(pl.String) if places == 0 else pl.format("{}.{}", "whole", fraction)
        text = pl.when(pl.col("decimals") == int(places)).then(form).otherwise(text)
    return frame.with_columns(text.alias("text"))["text"]


def printed_values(values: np.ndarray, metric: np.ndarray) -> pl.Series:
    """Values as a laboratory prints them, `<0.1` and `>2000` outside what the assay measures."""
    table = distributions()
    decimals = table.decimals[metric]
    below, above = values < table.below[metric], values > table.above[metric]
    limit = np.where(below, table.below[metric], np.where(above, table.above[metric], values))
    text = number_text(limit, decimals)
    frame = pl.DataFrame({"text": text, "below": below, "above": above})
    return frame.select(
        pl.when("below").then(pl.format("<{}", "text")).when("above").then(pl.format(">{}", "text")).otherwise("text")
    ).to_series()
