"""A clinic of stored scores, one per patient, and the class that parity gives each of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl

from ennu_lib.clinic.labels import as_written
from ennu_lib.config import params_dir
from ennu_lib.scores.metric_names import Given, metric_ids
from ennu_lib.scores.parity import Parity, StoredParts, compare
from ennu_lib.scores.parity.occasions import occasions_of
from ennu_lib.scores.parity.params import load_parity
from ennu_lib.scores.parity.versions import MetricHistory, read_history
from ennu_lib.scores.source_params import load_measurement_sources
from ennu_lib.scores.sources import measurements_from
from ennu_lib.scores.stored import first_reports, stored_details, stored_scores
from tests.support.one_clinic import one_clinic
from tests.support.score_params import CATALOGUE, PRESETS, measured

RULES = load_parity(params_dir() / "scores" / "parity.yml", PRESETS)
DAY = "2024-05-20"
PARTS = {
    "score_id": pl.String,
    "metric_code": pl.String,
    "metric_id": pl.Int64,
    "value": pl.String,
    "unit": pl.String,
    "measured_on": pl.String,
    "points": pl.String,
}
SCORES = dict.fromkeys(
    (
        "patient_id",
        "score_date",
        "composite_score_source",
        "source_formula_version",
        "source_id",
        "created_at",
        "gender_used",
    ),
    pl.String,
)
CORRECTIONS = dict.fromkeys(("source_id", "corrected_at", "first_value", "first_unit"), pl.String)


def man(*more, without=(), day=DAY, **changed):
    """The man of worked example B: 51 points of the binary score, 57 when renormalised over what was measured."""
    values = {
        "hs_crp": "0.8",
        "dhea_s": "310",
        "free_t3": "3.1",
        "estradiol": "70",
        "free_testosterone": "18",
        "hba1c": "5.6",
        "vitamin_d": "92",
        "magnesium": "2.0",
    }
    values = {code: value for code, value in (values | changed).items() if code not in without}
    return [*(measured(code, value, day) for code, value in values.items()), *more]


class Clinic:
    """Collects stored scores; `parity()` compares them all at once."""

    def __init__(self, history: MetricHistory | None = None):
        self.history = history or MetricHistory(CATALOGUE)
        self.scores, self.people, self.measurements, self.parts, self.corrections = [], [], [], [], []

    def stores(
        self,
        score: str,
        measurements,
        *,
        sex="male",
        formula="hs-legacy-binary-2016",
        day="2024-06-01",
        created="",
        parts=(),
        corrections=(),
        **more,
    ) -> str:
        """A patient of these measurements whose score of a day is stored; `parts`: (metric, value, day, points)."""
        number = str(len(self.scores) + 1)
        patient = f"p{number}"
        self.scores.append(
            {
                "patient_id": patient,
                "score_date": day,
                "composite_score_source": score,
                "source_formula_version": formula,
                "source_id": number,
                "created_at": created or f"{day} 12:00:00",
                "gender_used": "",
            }
            | more
        )
        self.people.append({"patient_id": patient, "sex": sex, "birth_date": "1970-01-01"})
        self.measurements += [{"patient_id": patient, **asdict(m)} for m in measurements]
        for code, value, taken, points in parts:
            one = CATALOGUE[code]
            self.parts.append((number, code, one.metric_id, value, one.unit, taken, points))
        self.corrections += [corrections] if corrections else []
        return number

    def parity(self, **rules) -> Parity:
        """Every stored score compared."""
        occasions = occasions_of(
            pl.LazyFrame(self.scores, schema=SCORES), pl.LazyFrame(self.people), PRESETS, "hs-legacy-binary-2016"
        )
        stored = StoredParts(
            pl.DataFrame(self.parts, schema=PARTS, orient="row"),
            pl.DataFrame(self.corrections, schema=CORRECTIONS, orient="row"),
        )
        measurements = dict.fromkeys(PRESETS, pl.LazyFrame(self.measurements))
        return compare(occasions, measurements, stored, PRESETS, self.history, RULES.model_copy(update=rules))

    def classes(self, **rules) -> list[tuple[str, str]]:
        """Class and change of each score, in the order in which they were stored."""
        found = self.parity(**rules).scores
        return list(found.select("class", pl.col("how").fill_null("")).iter_rows())


def one(score: str, measurements, *, history=None, **more) -> tuple[str, str]:
    """Class and change of a single stored score."""
    clinic = Clinic(history)
    clinic.stores(score, measurements, **more)
    return clinic.classes()[0]


def days_before(days: int, day: str = "2024-06-01") -> str:
    """ISO text of a day some days before the score's."""
    return (dt.date.fromisoformat(day) - dt.timedelta(days)).isoformat()


SOURCES = load_measurement_sources(params_dir() / "scores" / "measurement_sources.yml")
STORED = (
    "patients",
    "25againhealthscores",
    "25againhealthscoredetails",
    "25againmetrichistory",
    "lab_result_corrections",
)


def extracted_clinic(folder: Path, patients: int) -> None:
    """Write what parity reads of a clinic without defects into a folder, as phases 01 and 05 do."""
    made = one_clinic(patients, defects=False).tables
    for name in {*SOURCES.tables_needed(), *STORED}:
        frame = made[name]
        moments = [as_written(frame[c]).alias(c) for c, d in frame.schema.items() if d in (pl.Date, pl.Datetime)]
        frame.with_columns(moments).write_parquet(folder / f"{name}.parquet")
    tables = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in SOURCES.tables_needed()}
    for name, preset in PRESETS.items():
        rows = measurements_from(tables, SOURCES, CATALOGUE, extra_loinc=preset.extra_loinc)
        rows.collect().write_parquet(folder / f"inputs.{name}.parquet")


def occasions_in(folder: Path) -> pl.DataFrame:
    """The stored scores of such a folder."""
    people = pl.scan_parquet(folder / "patients.parquet").select("patient_id", sex="gender", birth_date="date_of_birth")
    stored = stored_scores(pl.scan_parquet(folder / "25againhealthscores.parquet"))
    return occasions_of(stored, people, PRESETS, RULES.unnamed)


def parity_in(folder: Path) -> Parity:
    """Every stored score of such a folder compared."""

    def table(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(folder / f"{name}.parquet")

    given: Mapping[str, pl.LazyFrame] = {name: table(name) for name in SOURCES.tables_needed()}
    codes = metric_ids(Given(given, SOURCES, CATALOGUE))
    return compare(
        occasions_in(folder),
        {name: table(f"inputs.{name}") for name in PRESETS},
        StoredParts(
            stored_details(table("25againhealthscoredetails"), codes, CATALOGUE),
            first_reports(table("lab_result_corrections")),
        ),
        PRESETS,
        read_history(table("25againmetrichistory"), codes, CATALOGUE),
        RULES,
    )
