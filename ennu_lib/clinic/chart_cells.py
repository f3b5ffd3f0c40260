"""The legacy system's name/value chart: one row per cell, several cells per chart day, values as typed."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.text_values import joined
from ennu_lib.clinic.words import WordList
from ennu_lib.config import params_dir

TABLE = "custom_chart_entries"
CELLS_PER_DAY = 3
OLDEST_DAY = 2_300
DAY_MICROSECONDS = 86_400_000_000
PERSON_SHARE = 0.8
DEFECTS = ("unit_in_value", "other_unit_in_value", "not_a_number")
REMARKS = ("refused", "n/a", "see scan", "not done", "?")


def chart_cells(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`custom_chart_entries` for the patients of the chunk; a person's values stay near each other over time."""
    rng, rows = chunk.rng(TABLE), chunk.rows_for(TABLE)
    fields = pl.read_csv(params_dir() / "clinic" / "chart_fields.csv")
    drawn = WordList.of(fields["field"].to_list(), fields["weight"].to_list()).positions(rng, rows)
    days = np.arange(rows) // CELLS_PER_DAY
    patient = rng.integers(0, chunk.patients, rows // CELLS_PER_DAY + 1)[days]
    when = _when(chunk, rng, days)
    frame = pl.DataFrame(
        {
            "chart_entry_id": chunk.take_keys(TABLE, rows),
            "patient_id": chunk.patient_ids()[patient],
            "DateTaken": when.cast(pl.Date),
            "FieldName": fields["field"].gather(drawn),
            "FieldValue": _values(rng, fields, drawn, patient),
            "UserNum": _some(chunk, rng, "staff_users", "user_id", days),
            "ProvNum": _some(chunk, rng, "providers", "provider_id", days),
            "IsSigned": rng.random(rows) < 0.9,
            "DateTStamp": when,
        }
    )
    return {TABLE: _with_remarks(chunk, rng, _with_units(chunk, rng, frame, fields[drawn]))}


def _when(chunk: Chunk, rng: np.random.Generator, days: np.ndarray) -> pl.Series:
    today = pl.Series([chunk.as_of]).cast(pl.Datetime("us")).to_physical().item()
    ago = rng.integers(1, OLDEST_DAY, days.max(initial=0) + 1)
    seconds = rng.integers(8 * 3_600, 17 * 3_600, len(ago))
    return pl.Series((today - ago * DAY_MICROSECONDS + seconds * 1_000_000)[days]).cast(pl.Datetime("us"))


def _values(rng: np.random.Generator, fields: pl.DataFrame, drawn: np.ndarray, patient: np.ndarray) -> pl.Series:
    usual = rng.standard_normal((len(fields), patient.max(initial=0) + 1))
    deviation = PERSON_SHARE * usual[drawn, patient] + (1 - PERSON_SHARE) * rng.standard_normal(len(drawn))
    of = {name: fields[name].cast(pl.Float64).to_numpy()[drawn] for name in ("mean", "sd", "lowest", "highest")}
    value = np.clip(of["mean"] + of["sd"] * deviation, of["lowest"], of["highest"])
    whole = fields["decimals"].to_numpy()[drawn] == 0
    numbers = pl.select(
        pl.when(pl.Series(whole))
        .then(pl.Series(np.rint(value).astype(np.int64)).cast(pl.String))
        .otherwise(pl.Series(np.round(value, 1)).cast(pl.String))
    )
    return numbers.to_series()


def _some(chunk: Chunk, rng: np.random.Generator, table: str, key: str, days: np.ndarray) -> pl.Series:
    keys = chunk.reference[table][key]
    return keys.gather(rng.integers(0, len(keys), days.max(initial=0) + 1)[days])


def _with_units(chunk: Chunk, rng: np.random.Generator, frame: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """Some cells have the unit typed behind the number, a few the number in another unit."""
    chance = rng.random(len(frame))
    rates = chunk.params.defects
    typed = pl.Series((chance < rates.get("unit_in_value", 0)) & fields["unit"].is_not_null().to_numpy())
    other = pl.Series(
        (chance >= 1 - rates.get("other_unit_in_value", 0)) & fields["other_unit"].is_not_null().to_numpy()
    )
    converted = (frame["FieldValue"].cast(pl.Float64) * fields["other_factor"].cast(pl.Float64)).round(1)
    value = pl.select(
        pl.when(typed)
        .then(joined(frame["FieldValue"], " ", fields["unit"].fill_null("")))
        .when(other)
        .then(joined(converted.cast(pl.String).fill_null(""), " ", fields["other_unit"].fill_null("")))
        .otherwise(frame["FieldValue"])
    ).to_series()
    for defect, rows in (("unit_in_value", typed), ("other_unit_in_value", other)):
        chunk.labels.add(TABLE, frame["chart_entry_id"].filter(rows), f"{defect}:FieldValue")
    return frame.with_columns(value.alias("FieldValue"))


def _with_remarks(chunk: Chunk, rng: np.random.Generator, frame: pl.DataFrame) -> pl.DataFrame:
    """A few cells hold a remark where a number is expected."""
    at = np.flatnonzero(rng.random(len(frame)) < chunk.params.defects.get("not_a_number", 0))
    remarks = pl.Series(REMARKS).gather(rng.integers(0, len(REMARKS), len(at)))
    chunk.labels.add(TABLE, frame["chart_entry_id"].gather(at), "not_a_number:FieldValue")
    return frame.with_columns(frame["FieldValue"].scatter(at, remarks))


REFERENCE: list = []
PER_CHUNK = [chart_cells]
