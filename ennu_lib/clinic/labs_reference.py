"""Tables that describe laboratories: biomarkers with their versions, tests, panels, ranges, facilities, codes."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.labs_metrics import (
    VENDORS,
    lab_codes,
    laboratory_metrics,
    limits,
    metrics,
    printed_names,
    unit_spellings,
)
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    clinic_table,
    dates,
    day_number,
    moments,
    pick,
    rank_within,
    sometimes,
    word_wheel,
)
from ennu_lib.clinic.people_text import draw_phones, phone_text

FIRST_VERSION = date(2014, 3, 3)


CPT_OF_TEST = {"tsh": "84443", "hba1c": "83036", "psa": "84153", "total_testosterone": "84403", "vitamin_d": "82306"}


def metric_table(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmetrics`: the 62 biomarkers as the clinic keeps them."""
    rng = chunk.rng("25againmetrics")
    frame = metrics()
    n = len(frame)
    changed = day_number(chunk.as_of) - rng.integers(20, 900, n)
    high_ok = np.isin(frame["metric_code"].to_numpy(), ["hdl_c", "vitamin_b12", "folate", "egfr", "free_t3"])
    return {
        "25againmetrics": frame.select(
            "metric_id",
            "metric_name",
            "metric_code",
            "metric_type",
            "loinc_code",
            "optimal_range_male",
            "optimal_range_female",
            "reference_range_male",
            "reference_range_female",
            "metric_weight",
            "measurement_unit",
            "plausible_min",
            "plausible_max",
            "clinical_significance",
            pl.Series("high_ok", np.where(high_ok, "Y", "N")),
            pl.col("metric_id").alias("order"),
            pl.lit(True).alias("is_active"),
            moments(changed, any_seconds(rng, n)).alias("last_updated"),
        )
    }


def metric_history(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmetrichistory`: every version of a biomarker's ranges and weight; the last one is in force."""
    rng = chunk.rng("25againmetrichistory")
    rows = chunk.rows_for("25againmetrichistory")
    frame = metrics()
    extra = rng.multinomial(max(rows - len(frame), 0), np.full(len(frame), 1 / len(frame)))
    metric = np.repeat(np.arange(len(frame)), extra + 1)
    n = len(metric)
    rank = rank_within(metric)
    versions = (extra + 1)[metric]
    is_last = rank == versions - 1
    start, today = day_number(FIRST_VERSION), day_number(chunk.as_of)
    first_day = start + (rank * ((today - start - 60) // versions)).astype(np.int64)
    last_day = np.r_[first_day[1:] - 1, 0]
    shift = np.where(is_last, 1.0, rng.choice([0.85, 0.9, 0.95, 1.0, 1.1, 1.2], n))
    weight = frame["metric_weight"].to_numpy()[metric] * np.where(is_last, 1, rng.choice([0.5, 1, 1, 1.5, 2], n))
    return {
        "25againmetrichistory": pl.DataFrame(
            {
                "metric_history_id": chunk.take_keys("25againmetrichistory", n),
                "metric_id": frame["metric_id"].gather(metric),
                "valid_from": dates(first_day),
                "valid_to": blanked(dates(last_day), is_last),
                "optimal_range_male": _shifted_ranges(frame["optimal_range_male"].to_list(), metric, shift),
                "optimal_range_female": _shifted_ranges(frame["optimal_range_female"].to_list(), metric, shift),
                "metric_weight": weight,
                "measurement_unit": frame["measurement_unit"].gather(metric),
                "change_reason": sometimes(
                    rng,
                    pick(
                        rng, n, ["annual protocol review", "new assay", "medical director", "guideline update", "typo"]
                    ),
                    0.3,
                ),
                "modified_at": moments(first_day, any_seconds(rng, n)),
            }
        )
    }


def _shifted_ranges(texts: list[str], metric: np.ndarray, shift: np.ndarray) -> list[str]:
    """Range texts of older versions, every limit multiplied by `shift`; at most some hundred rows."""
    shifted = []
    for at, factor in zip(metric, shift, strict=True):
        text = texts[at]
        if factor == 1.0 or text == "N/A":
            shifted.append(text)
            continue
        sign = "".join(letter for letter in text if letter in "<>=")
        bounds = (float(f"{float(part) * factor:.3g}") for part in text.lstrip("<>=").split("-"))
        shifted.append(sign + "-".join(f"{bound:g}" for bound in bounds))
    return shifted


def laboratories(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_facilities`: real laboratories' names with their cities."""
    rng = chunk.rng("lab_facilities")
    listed = clinic_table("lab_facilities")
    n = len(listed)
    numbers = phone_text(pl.Series(draw_phones(rng, rng.choice([336, 813, 214, 303, 602], n))))
    fax = phone_text(pl.Series(sometimes(rng, draw_phones(rng, rng.choice([336, 813, 214, 303], n)), 0.3)))
    return {
        "lab_facilities": listed.select(
            pl.Series("lab_facility_id", chunk.take_keys("lab_facilities", n)),
            pl.col("name").alias("lab_name"),
            pl.col("vendor").alias("lab_vendor"),
            pl.col("clia").replace("", None).alias("clia_number"),
            sometimes(rng, pl.Series(rng.integers(10**7, 10**8, n)).cast(pl.String), 0.2).alias("account_number"),
            sometimes(rng, pl.Series([f"{number} Laboratory Dr" for number in rng.integers(100, 9900, n)]), 0.05).alias(
                "address_line1"
            ),
            "city",
            "state",
            pl.col("zip").alias("zip_code"),
            numbers.alias("phone"),
            fax.alias("fax"),
            sometimes(rng, pick(rng, n, {"HL7": 6, "fax": 3, "portal": 1}), 0.1).alias("interface_type"),
            pl.Series("is_active", chance(rng, n, 0.9)),
        )
    }


def test_catalog(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_test_catalog`: each vendor's tests of the biomarkers, then other tests up to the catalogue's size."""
    rng = chunk.rng("lab_test_catalog")
    lab = laboratory_metrics()
    frame = metrics()
    vendor = np.repeat(np.arange(len(VENDORS)), len(lab))
    metric = np.tile(lab, len(VENDORS))
    own = pl.DataFrame(
        {
            "test_code": lab_codes()[vendor, metric].tolist(),
            "test_name": printed_names()[vendor, metric].tolist(),
            "loinc_code": frame["loinc_code"].gather(metric),
            "metric_id": frame["metric_id"].gather(metric),
            "specimen_type": np.where(frame["metric_type"].to_numpy()[metric] == "CBC", "Whole Blood", "Serum"),
            "default_unit": unit_spellings()[vendor, metric].tolist(),
            "method": [None] * len(metric),
            "result_type": ["numeric"] * len(metric),
            "cpt_code": frame["metric_code"]
            .gather(metric)
            .replace_strict(CPT_OF_TEST, default=None, return_dtype=pl.String),
        },
        schema_overrides={"method": pl.String},
    ).unique("test_code", keep="first", maintain_order=True)
    filler = _other_tests(rng, chunk.rows_for("lab_test_catalog") - len(own))
    every = pl.concat([own, filler], how="diagonal_relaxed")
    n = len(every)
    return {
        "lab_test_catalog": every.with_columns(
            pl.Series("is_orderable", np.where(chance(rng, n, 0.85), "Y", "N")),
            pl.Series("is_active", chance(rng, n, 0.92)),
            moments(day_number(chunk.as_of) - rng.integers(30, 3000, n), any_seconds(rng, n)).alias("last_updated"),
        )
    }


def _other_tests(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Tests beyond the biomarkers: all combinations of analyte, specimen and variant, in a fixed order."""
    parts = [word_wheel(name, "lab_words").values for name in ("analyte", "specimen", "suffix")]
    number = np.arange(max(n, 0))
    analyte = parts[0].gather(number % len(parts[0]))
    specimen = parts[1].gather(number // len(parts[0]) % len(parts[1]))
    variant = parts[2].fill_null("").gather(number // (len(parts[0]) * len(parts[1])) % len(parts[2]))
    return pl.DataFrame(
        {
            "test_code": [f"T{at:05d}" for at in number],
            "test_name": pl.select(pl.format("{}, {}{}", analyte, specimen, variant)).to_series(),
            "specimen_type": specimen,
            "default_unit": sometimes(
                rng, pick(rng, len(number), ["mg/dL", "ng/mL", "U/L", "%", "ug/dL", "IU/mL"]), 0.15
            ),
            "method": sometimes(rng, word_wheel("method", "lab_words").draw(rng, len(number)), 0.55),
            "result_type": pick(rng, len(number), {"numeric": 8, "text": 1, "coded": 1}),
        },
        schema_overrides={"test_code": pl.String},
    )


def ranges_and_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`lab_reference_ranges` and `lab_compendium_codes`: per test and laboratory, biomarkers first."""
    return {"lab_reference_ranges": _reference_ranges(chunk), "lab_compendium_codes": _compendium(chunk)}


def _reference_ranges(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("lab_reference_ranges")
    n = chunk.rows_for("lab_reference_ranges")
    number = np.arange(n)
    sites = chunk.reference["lab_facilities"]
    lab = laboratory_metrics()
    metric = lab[number % len(lab)]
    sex = number // len(lab) % 2
    site = number // (2 * len(lab)) % len(sites)
    vendor = (
        sites["lab_vendor"]
        .replace_strict({name: at for at, name in enumerate(VENDORS)}, return_dtype=pl.Int64)
        .to_numpy()[site]
    )
    low, high = np.moveaxis(limits("reference_range")[sex, metric], -1, 0)
    texts = np.array(
        [metrics()["reference_range_male"].to_list(), metrics()["reference_range_female"].to_list()], dtype=object
    )
    since = day_number(FIRST_VERSION) + rng.integers(0, 2500, n)
    return pl.DataFrame(
        {
            "range_id": chunk.take_keys("lab_reference_ranges", n),
            "test_code": lab_codes()[vendor, metric].tolist(),
            "facility_id": sometimes(rng, sites["lab_facility_id"].gather(site), 0.05),
            "sex": np.where(sex == 0, "M", "F"),
            "age_low": blanked(pl.Series(np.full(n, 18)), chance(rng, n, 0.3)),
            "age_high": blanked(pl.Series(np.full(n, 120)), chance(rng, n, 0.3)),
            "low_value": blanked(low, low < -1e11),
            "high_value": blanked(high, high > 1e11),
            "range": texts[sex, metric].tolist(),
            "unit": unit_spellings()[vendor, metric].tolist(),
            "valid_from": sometimes(rng, dates(since), 0.1),
            "valid_to": sometimes(rng, dates(since + rng.integers(300, 1500, n)), 0.8),
        }
    )


def _compendium(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("lab_compendium_codes")
    n = chunk.rows_for("lab_compendium_codes")
    number = np.arange(n)
    sites, tests = chunk.reference["lab_facilities"], chunk.reference["lab_test_catalog"]
    site = number % len(sites)
    test = number // len(sites) % len(tests)
    since = day_number(FIRST_VERSION) + rng.integers(0, 3000, n)
    return pl.DataFrame(
        {
            "compendium_id": chunk.take_keys("lab_compendium_codes", n),
            "test_code": tests["test_code"].gather(test),
            "lab_facility_id": sites["lab_facility_id"].gather(site),
            "vendor_code": pl.select(
                pl.format("{}-{}", pl.Series(site + 10), tests["test_code"].gather(test))
            ).to_series(),
            "vendor_name": sometimes(rng, tests["test_name"].gather(test).str.to_uppercase(), 0.05),
            "loinc_code": tests["loinc_code"].gather(test),
            "unit": tests["default_unit"].gather(test),
            "valid_from": sometimes(rng, dates(since), 0.1),
            "valid_to": sometimes(rng, dates(since + rng.integers(100, 900, n)), 0.85),
        }
    )
