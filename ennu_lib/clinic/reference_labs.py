"""LOINC and UCUM tables: the clinic's biomarkers and units first, then invented ones to the full size."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl

from ennu_lib.clinic.check_digits import loinc_numbers
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import real_first
from ennu_lib.clinic.people_draw import clinic_table, pick, sometimes
from ennu_lib.config import params_dir

# Real LOINC numbers end near 110000; invented ones begin here.
INVENTED_LOINC_FROM = 200_000

PROPERTY_OF_DIMENSION = {
    "mass concentration": "MCnc",
    "molar concentration": "SCnc",
    "number concentration": "NCnc",
    "arbitrary concentration": "ACnc",
    "catalytic concentration": "CCnc",
    "charge concentration": "SCnc",
    "pressure": "Pres",
    "frequency": "NRat",
    "length": "Len",
    "volume": "EntVol",
    "mass per area": "RelMass",
    "area related flow": "ArVRat",
    "dimensionless": "Fr",
}
SYSTEM_OF_CATEGORY = {"CBC": "Bld", "Vitals": "^Patient", "Body Composition": "^Patient"}


def loinc_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`loinc_codes`: the biomarkers, other common tests, codes that the laboratory tables use, then invented ones."""
    rng = chunk.rng("loinc_codes")
    real = pl.concat([_biomarker_loincs(), _common_loincs()], how="diagonal_relaxed")
    real = real.unique("loinc_num", keep="first", maintain_order=True)
    real = pl.concat([real, _laboratory_loincs(chunk, real)], how="diagonal_relaxed").with_columns(
        pl.lit("Qn").alias("scale_type"), pl.col("component").alias("long_common_name")
    )
    rows = chunk.rows_for("loinc_codes")
    frame = real_first(real, lambda lacking: _loinc_filler(rng, lacking), rows, "loinc_num")
    n = frame.height
    retired = pick(rng, n, {"ACTIVE": 90, "TRIAL": 3, "DISCOURAGED": 3, "DEPRECATED": 4})
    is_real = np.arange(n) < real.height
    return {
        "loinc_codes": frame.with_columns(
            pl.lit("Pt").alias("time_aspect"),
            pl.Series("status", values=np.where(is_real, "ACTIVE", retired.to_numpy())),
        )
    }


def _biomarker_loincs() -> pl.DataFrame:
    metrics = pl.read_csv(params_dir() / "clinical" / "biomarkers.csv", infer_schema=False)
    units = clinic_table("codes_ucum").select(pl.col("code").alias("measurement_unit"), "dimension")
    joined = metrics.filter(pl.col("loinc_code").is_not_null()).join(
        units, on="measurement_unit", how="left", maintain_order="left"
    )
    return joined.select(
        pl.col("loinc_code").alias("loinc_num"),
        pl.col("metric_name").alias("component"),
        pl.col("dimension").replace_strict(PROPERTY_OF_DIMENSION, default="Type").alias("property"),
        pl.col("metric_type").replace_strict(SYSTEM_OF_CATEGORY, default="Ser/Plas").alias("system"),
        pl.col("metric_type").str.to_uppercase().alias("class"),
        pl.col("measurement_unit").alias("example_ucum"),
    )


def _common_loincs() -> pl.DataFrame:
    return clinic_table("codes_loinc").select(
        pl.col("code").alias("loinc_num"),
        pl.col("name").alias("component"),
        "property",
        "system",
        "class",
        pl.col("unit").alias("example_ucum"),
    )


def _laboratory_loincs(chunk: Chunk, known: pl.DataFrame) -> pl.DataFrame:
    """LOINC codes that the laboratory's catalogue names and the lists above lack."""
    catalog = chunk.reference.get("lab_test_catalog")
    if catalog is None:
        return known.clear()
    used = catalog.filter(pl.col("loinc_code").is_not_null()).unique("loinc_code", keep="first", maintain_order=True)
    return used.select(
        pl.col("loinc_code").alias("loinc_num"),
        pl.col("test_name").alias("component"),
        pl.lit("MCnc").alias("property"),
        pl.lit("Ser/Plas").alias("system"),
        pl.lit("CHEM").alias("class"),
    ).join(known.select("loinc_num"), on="loinc_num", how="anti", maintain_order="left")


def _loinc_filler(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    numbers = INVENTED_LOINC_FROM + np.arange(rows, dtype=np.int64)
    system = pick(rng, rows, {"Ser/Plas": 5, "Bld": 2, "Urine": 2, "CSF": 1, "^Patient": 1, "XXX": 1})
    component = "Analyte " + pl.Series(values=numbers).cast(pl.String)
    quantity = pick(rng, rows, {"MCnc": 4, "SCnc": 2, "NCnc": 1, "ACnc": 2, "PrThr": 2, "Find": 1})
    units = {"MCnc": "mg/dL", "SCnc": "mmol/L", "NCnc": "10*3/uL", "ACnc": "[IU]/mL"}
    return pl.DataFrame(
        {
            "loinc_num": loinc_numbers(numbers),
            "component": component,
            "property": quantity,
            "system": system,
            "scale_type": quantity.replace_strict({"PrThr": "Ord", "Find": "Nom"}, default="Qn"),
            "method_type": sometimes(rng, pick(rng, rows, ["IA", "Automated count", "Probe.amp.tar", "LC/MS/MS"]), 0.6),
            "class": pick(rng, rows, {"CHEM": 5, "HEM/BC": 2, "MICRO": 2, "SERO": 1, "DRUG/TOX": 2, "UA": 1}),
            "long_common_name": component + " [" + quantity + "] in " + system,
            "example_ucum": quantity.replace_strict(units, default=None, return_dtype=pl.String),
        }
    )


def ucum_units(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`ucum_units`: common units, then prefixed units that are valid UCUM but that nobody here uses."""
    real = clinic_table("codes_ucum").select(
        pl.col("code").alias("ucum_code"),
        pl.col("symbol").alias("print_symbol"),
        "name",
        "dimension",
        (pl.col("special") == "1").alias("is_special"),
    )
    return {"ucum_units": real_first(real, _prefixed_units, chunk.rows_for("ucum_units"), "ucum_code")}


def _prefixed_units(rows: int) -> pl.DataFrame:
    prefixes = {"m": "milli", "u": "micro", "n": "nano", "p": "pico", "f": "femto", "k": "kilo", "M": "mega"}
    bases = {"mol": "mole", "g": "gram", "L": "liter", "m": "meter", "s": "second", "J": "joule", "W": "watt"}
    below = {
        "": "",
        "/L": " per liter",
        "/mL": " per milliliter",
        "/h": " per hour",
        "/d": " per day",
        "/kg": " per kilogram",
    }
    made = [
        (prefix + base + per, prefixes[prefix] + bases[base] + below[per])
        for prefix, base, per in product(prefixes, bases, below)
    ]
    codes, labels = zip(*made[:rows], strict=True) if made[:rows] else ((), ())
    return pl.DataFrame(
        {"ucum_code": codes, "print_symbol": codes, "name": labels},
        schema=dict.fromkeys(("ucum_code", "print_symbol", "name"), pl.String),
    ).with_columns(pl.lit(False).alias("is_special"))


REFERENCE = [ucum_units, loinc_codes]
