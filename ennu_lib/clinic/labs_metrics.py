"""The 62 biomarkers as the clinic's generators need them: columns of text, limits as numbers, spellings of units."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.people_draw import clinic_table
from ennu_lib.config import params_dir

VENDORS = ("LabCorp", "Quest", "In-House", "Other")
SEXES = {"M": "male", "F": "female"}
OPEN_LOW, OPEN_HIGH = -1e12, 1e12
NUMBERS = ("plausible_min", "plausible_max", "metric_weight", "critical_low", "critical_high")
MEASURED_IN_CLINIC = ("Vitals", "Body Composition")

_BETWEEN = re.compile(r"([\d.]+)-([\d.]+)")
_ONE_SIDED = re.compile(r"([<>]=?)([\d.]+)")
_FACTOR = re.compile(r"([\d.]+)~?")


@lru_cache(maxsize=1)
def metrics() -> pl.DataFrame:
    """One row per biomarker in the order of metric_id, with the columns of biomarkers.csv; limits are numbers."""
    frame = pl.read_csv(params_dir() / "clinical" / "biomarkers.csv", infer_schema=False)
    frame = frame.with_columns(pl.col("metric_id").cast(pl.Int64), pl.col(NUMBERS).cast(pl.Float64))
    return frame.sort("metric_id")


@lru_cache(maxsize=1)
def metric_index() -> dict[str, int]:
    """Metric code to its position in `metrics()`."""
    return {code: at for at, code in enumerate(metrics()["metric_code"])}


@lru_cache(maxsize=1)
def laboratory_metrics() -> np.ndarray:
    """Positions of the biomarkers that a laboratory measures."""
    return np.flatnonzero(~metrics()["metric_type"].is_in(MEASURED_IN_CLINIC).to_numpy())


def range_limits(text: str | None) -> tuple[float, float]:
    """Lower and upper limit of `a-b`, `<b`, `<=b`, `>a`, `>=a`; open sides are ±1e12, as is everything of `N/A`."""
    if match := _BETWEEN.fullmatch(text or ""):
        return float(match[1]), float(match[2])
    if match := _ONE_SIDED.fullmatch(text or ""):
        limit = float(match[2])
        return (OPEN_LOW, limit) if match[1][0] == "<" else (limit, OPEN_HIGH)
    return OPEN_LOW, OPEN_HIGH


@lru_cache(maxsize=4)
def limits(column: str) -> np.ndarray:
    """Array (2 sexes, metrics, 2) of `reference_range` or `optimal_range`: male first, lower limit first."""
    return np.array([[range_limits(text) for text in metrics()[f"{column}_{sex}"]] for sex in SEXES.values()])


@lru_cache(maxsize=1)
def unit_spellings() -> np.ndarray:
    """Array (4 vendors, metrics) of each vendor's usual spelling of the canonical unit."""
    spellings = {row["ucum"]: row for row in clinic_table("lab_unit_spellings").iter_rows(named=True)}
    return np.array(
        [[spellings[unit][vendor] for unit in metrics()["measurement_unit"]] for vendor in VENDORS], dtype=object
    )


def spelling_of(ucum: str, vendor: str) -> str:
    """How a vendor writes a unit."""
    rows = clinic_table("lab_unit_spellings").filter(pl.col("ucum") == ucum)
    return rows[vendor][0] if len(rows) else ucum


@lru_cache(maxsize=1)
def printed_names() -> np.ndarray:
    """Array (4 vendors, metrics) of the name that each vendor prints: the metric's name or one of its aliases."""
    names = []
    for vendor in range(len(VENDORS)):
        column = []
        for name, aliases in metrics().select("metric_name", "aliases").iter_rows():
            known = [name, *(aliases.split("|") if aliases else [])]
            column.append(known[-1 - vendor % len(known)] if vendor else known[-1])
        names.append(column)
    return np.array(names, dtype=object)


@lru_cache(maxsize=1)
def lab_codes() -> np.ndarray:
    """Array (4 vendors, metrics) of test codes: LabCorp's own where known, otherwise codes in the vendor's style."""
    styles = ("{:06d}", "Q{:05d}", "IH-{}", "OT{:04d}")
    codes = []
    for vendor, style in enumerate(styles):
        column = []
        for metric_id, code, known in metrics().select("metric_id", "metric_code", "labcorp_codes").iter_rows():
            if vendor == 0 and known:
                column.append(known.split("|")[0])
            elif vendor == 2:
                column.append(style.format(code.upper()[:16]))
            else:
                column.append(style.format((4000, 17000, 0, 7000)[vendor] + metric_id * 7))
        codes.append(column)
    return np.array(codes, dtype=object)


@lru_cache(maxsize=1)
def alternative_units() -> dict[int, tuple[str, float]]:
    """Position of a metric to its molar unit and factor (canonical = factor x value), where a plain one exists."""
    found = {}
    for at, text in enumerate(metrics()["unit_alternatives"]):
        for entry in (text or "").split(";"):
            unit, _, rule = entry.partition("=")
            if unit.endswith("mol/L") and (match := _FACTOR.fullmatch(rule)):
                found[at] = (unit, float(match[1]))
                break
    return found
