"""Laboratory results of the orders: one row per analyte, with comments, corrections and what they feed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_metrics import (
    VENDORS,
    alternative_units,
    lab_codes,
    limits,
    metric_index,
    metrics,
    printed_names,
    spelling_of,
    unit_spellings,
)
from ennu_lib.clinic.labs_orders import orders
from ennu_lib.clinic.labs_panels import CLINIC_PANELS, panel_members
from ennu_lib.clinic.labs_values import distributions, draw_values, number_text, printed_values
from ennu_lib.clinic.labs_words import GENERAL, GROUP_OF_TYPE, interpretations
from ennu_lib.clinic.people_draw import (
    DAY_SECONDS,
    blanked,
    chance,
    day_number,
    moments,
    pick,
    sample,
    sometimes,
    word_wheel,
)
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import draw_users

MEASURED = "_measured"
METRIC_OF_RESULT = "_metric_of_result"
MOLAR_SHARE = 0.35
NOT_DONE = ["TNP", "QNS", "DNR", "CANCELLED"]
CALCULATED_LDL = "13457-7"
OLD_EGFR_UNTIL = 19_000  # 2022-01-08: before, laboratories print ">59" for every normal filtration rate


@lru_cache(maxsize=1)
def _membership() -> np.ndarray:
    """Boolean array (panels, metrics)."""
    inside = np.zeros((len(CLINIC_PANELS), len(metrics())), dtype=bool)
    for number, name in enumerate(CLINIC_PANELS):
        inside[number, panel_members(name)] = True
    return inside


@lru_cache(maxsize=1)
def _groups() -> pl.Series:
    """For every metric the group of phrases that suit it."""
    return metrics()["metric_type"].replace_strict(GROUP_OF_TYPE, default=GENERAL, return_dtype=pl.String)


def lab_results(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_results` with `lab_result_notes` and `lab_result_corrections`.

    chunk.frames["_measured"] keeps result_id, row, metric (position), day, value (canonical), printed text and unit of
    every final numeric result, and what decides whether a score may count it: order_id, test_code, collected and
    entered (moments), is_corrected, is_calculated.
    """
    rng = chunk.rng("lab_results")
    done = (
        orders(chunk)
        .filter("is_complete")
        .join(chunk.frames["_reports"], on="order_id", how="left", maintain_order="left")
    )
    values = draw_values(chunk, rng, done["row"].to_numpy(), done["collected"].to_numpy())
    order, metric = _which(rng, chunk, done, values)
    results = _Results(chunk, rng, done, order, metric, values[order, metric])
    frame = results.frame()
    chunk.frames[MEASURED] = results.measured(frame)
    chunk.frames[METRIC_OF_RESULT] = pl.DataFrame({"result_id": results.keys, "metric": metric})
    return {
        "lab_results": frame,
        "lab_result_notes": _notes(chunk, frame),
        "lab_result_corrections": results.corrections(frame),
    }


def _which(
    rng: np.random.Generator, chunk: Chunk, done: pl.DataFrame, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order and metric of each result: the tests of the order's panel, as many as the catalogue's volume asks for."""
    wanted = _membership()[done["panel"].to_numpy()] & ~np.isnan(values)
    male = (registrations(chunk)["sex"] == "M").to_numpy()[done["row"].to_numpy()]
    at = metric_index()
    wanted[:, at["progesterone"]] &= ~male | chance(rng, len(done), 0.06)
    cells = max(int(wanted.sum()), 1)
    keep = min(chunk.rows_for("lab_results") / cells, 0.985)
    return np.nonzero(wanted & (rng.random(wanted.shape, dtype=np.float32) < keep))


class _Results:
    """The results of one chunk as parallel arrays."""

    def __init__(self, chunk: Chunk, rng: np.random.Generator, done: pl.DataFrame, order, metric, value):
        self.chunk, self.rng, self.done = chunk, rng, done
        self.order, self.metric, self.value = order, metric, value
        self.printed = value.copy()
        self.n = len(order)
        self.vendor = done["vendor"].to_numpy()[order]
        self.row = done["row"].to_numpy()[order]
        self.sex = (registrations(chunk)["sex"] == "F").to_numpy().astype(int)[self.row]
        self.keys = chunk.take_keys("lab_results", self.n)
        self.is_corrected = chance(rng, self.n, chunk.rows_for("lab_result_corrections") / max(self.n, 1))
        self.not_done = chance(rng, self.n, 0.006) & ~self.is_corrected

    def _text_and_unit(self) -> tuple[pl.Series, pl.Series]:
        at = self.vendor * len(metrics()) + self.metric
        unit = pl.Series(values=unit_spellings().ravel().tolist()).gather(at)
        text = printed_values(self.value, self.metric)
        text, unit = self._molar(text, unit)
        days = self.done["collected"].to_numpy()[self.order]
        old = (self.metric == metric_index()["egfr"]) & (days < OLD_EGFR_UNTIL) & (self.value > 59)
        self.printed[old] = 59
        return _replaced(text, old, ">59"), unit

    def _molar(self, text: pl.Series, unit: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Some laboratories of the vendor `Other` report in SI units."""
        sites = self.done["site"].to_numpy()[self.order]
        usual = (
            (self.vendor == VENDORS.index("Other")) & (sites % 3 == 0) & np.isin(self.metric, list(alternative_units()))
        )
        at = np.flatnonzero(usual & chance(self.rng, self.n, MOLAR_SHARE * 2))
        factors = np.array([alternative_units()[metric][1] for metric in self.metric[at]])
        at, factors = at[self.value[at] >= factors / 10], factors[self.value[at] >= factors / 10]
        molar = np.round(self.value[at] / factors, 2)
        self.printed[at] = molar * factors
        units = [spelling_of(alternative_units()[metric][0], "Other") for metric in self.metric[at]]
        molar = number_text(molar, np.full(len(at), 2))
        return text.scatter(at, molar), unit.scatter(at, pl.Series(units, dtype=pl.String))

    def _flags(self) -> tuple[pl.Series, np.ndarray]:
        low, high = np.moveaxis(limits("reference_range")[self.sex, self.metric], -1, 0)
        frame = metrics()
        urgent_low = frame["critical_low"].fill_null(-1e12).to_numpy()[self.metric]
        urgent_high = frame["critical_high"].fill_null(1e12).to_numpy()[self.metric]
        critical = (self.value < urgent_low) | (self.value > urgent_high)
        flag = np.where(self.value < low, "L", np.where(self.value > high, "H", ""))
        flag = np.where(critical & (flag != ""), np.char.add(flag, flag), flag)
        status = np.where(critical, "Critical", np.where(flag == "", "Normal", "Abnormal"))
        return pl.Series(flag).replace("", None), status

    def _ranges(self) -> pl.Series:
        texts = [metrics()[f"reference_range_{sex}"].to_list() for sex in ("male", "female")]
        text = pl.Series(values=texts[0] + texts[1]).gather(self.sex * len(metrics()) + self.metric)
        spaced = pl.Series(self.vendor == VENDORS.index("Quest"))
        return pl.select(pl.when(spaced).then(text.str.replace("-", " - ")).otherwise(text)).to_series()

    def frame(self) -> pl.DataFrame:
        """The table `lab_results`."""
        rng, n, done = self.rng, self.n, self.done
        at = self.vendor * len(metrics()) + self.metric
        text, unit = self._text_and_unit()
        flag, status = self._flags()
        state = np.where(self.is_corrected, "corrected", np.where(chance(rng, n, 0.008), "preliminary", "final"))
        state = np.where(self.not_done, "cancelled", state)
        collected = done["collected"].to_numpy()[self.order], done["collected_second"].to_numpy()[self.order]
        reported = done["resulted"].to_numpy()[self.order], done["resulted_second"].to_numpy()[self.order]
        entered = np.minimum(reported[0] + rng.integers(0, 2, n), day_number(self.chunk.as_of))
        abnormal = status != "Normal"
        written = interpretations(rng, _groups().gather(self.metric))
        trend = pick(rng, n, {"stable": 5, "improving": 3, "worsening": 2})
        return pl.DataFrame(
            {
                "result_id": self.keys,
                "lab_order_id": done["order_id"].gather(self.order),
                "report_id": done["report_id"].gather(self.order),
                "patient_id": done["patient_id"].gather(self.order),
                "test_code": sometimes(rng, pl.Series(values=lab_codes().ravel().tolist()).gather(at), 0.025),
                "loinc_code": sometimes(rng, metrics()["loinc_code"].gather(self.metric), 0.08),
                "test_name": pl.Series(values=printed_names().ravel().tolist()).gather(at),
                "test_value": _where(self.not_done, pick(rng, n, NOT_DONE), text),
                "test_unit": unit,
                "reference_range": sometimes(rng, self._ranges(), 0.045),
                "abnormal_flag": blanked(flag, self.not_done),
                "result_status": np.where(self.not_done, "Normal", status),
                "status": state,
                "collected_at": moments(*collected),
                "reported_at": moments(*reported),
                "entered_at": moments(entered, np.where(entered > reported[0], 30_000, reported[1] + 240)),
                "provider_interpretation": blanked(written, ~chance(rng, n, np.where(abnormal, 0.4, 0.06))),
                "trend_analysis": sometimes(rng, trend, 0.9),
                "last_updated": moments(entered, DAY_SECONDS - 30),
                "is_deleted": chance(rng, n, 0.002),
            }
        )

    def measured(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The numeric results that count, with their true canonical values."""
        table = distributions()
        value = np.clip(self.printed, table.below[self.metric], table.above[self.metric])
        every = pl.DataFrame(
            {
                "result_id": self.keys,
                "row": self.row,
                "metric": self.metric,
                "value": value,
                "day": self.done["collected"].gather(self.order),
                "text": frame["test_value"],
                "unit": frame["test_unit"],
                "order_id": frame["lab_order_id"],
                "test_code": frame["test_code"],
                "collected": frame["collected_at"],
                "entered": frame["entered_at"],
                "is_corrected": frame["status"] == "corrected",
                "is_calculated": frame["test_name"].str.to_lowercase().str.contains("calc", literal=True)
                | (frame["loinc_code"] == CALCULATED_LDL).fill_null(False),
            }
        )
        return every.filter(frame["status"].is_in(["final", "corrected"]) & ~frame["is_deleted"])

    def corrections(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One row per corrected result: what was reported first."""
        rng = self.chunk.rng("lab_result_corrections")
        at = np.flatnonzero(self.is_corrected)
        n = len(at)
        earlier = self.value[at] * rng.choice([0.5, 0.8, 0.9, 1.1, 1.3, 10.0], n)
        old = printed_values(earlier, self.metric[at])
        day = self.done["resulted"].to_numpy()[self.order][at]
        when = np.minimum(day + rng.integers(0, 8, n), day_number(self.chunk.as_of))
        unit = frame["test_unit"].gather(at)
        return pl.DataFrame(
            {
                "correction_id": self.chunk.take_keys("lab_result_corrections", n),
                "result_id": self.keys[at],
                "old_value": old,
                "new_value": frame["test_value"].gather(at),
                "old_unit": sometimes(rng, unit, 0.05),
                "new_unit": sometimes(rng, unit, 0.05),
                "reason": sometimes(rng, word_wheel("correction_reason", "lab_words").draw(rng, n), 0.2),
                "corrected_by": sometimes(
                    rng, pick(rng, n, ["LabCorp", "Quest", "laboratory", "interface", "nurse"]), 0.1
                ),
                "corrected_at": moments(when, rng.integers(60_000, DAY_SECONDS, n)),
            }
        )


def _where(mask: np.ndarray, yes: pl.Series, no: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(values=mask)).then(yes).otherwise(no)).to_series()


def _replaced(values: pl.Series, mask: np.ndarray, by: str) -> pl.Series:
    return pl.select(pl.when(pl.Series(values=mask)).then(pl.lit(by)).otherwise(values)).to_series()


def _notes(chunk: Chunk, results: pl.DataFrame) -> pl.DataFrame:
    rng = chunk.rng("lab_result_notes")
    at = sample(rng, len(results), chunk.rows_for("lab_result_notes"))
    n = len(at)
    by_lab = chance(rng, n, 0.6)
    return pl.DataFrame(
        {
            "result_note_id": chunk.take_keys("lab_result_notes", n),
            "result_id": results["result_id"].gather(at),
            "note_text": word_wheel("result_note", "lab_words").draw(rng, n),
            "note_source": np.where(by_lab, "laboratory", "provider"),
            "created_by": blanked(draw_users(rng, chunk, n), by_lab),
            "created_at": results["entered_at"].gather(at),
        }
    )
