"""Diagnosis, procedure and SNOMED code tables: the codes a clinic uses first, then invented ones to the full size.

Invented codes have the shape of their system, so that format checks pass, and lie where no real code lies or stand
behind the real ones. Procedure labels are the clinic's own words; the licensed CPT texts are not reproduced.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ennu_lib.clinic.check_digits import sctids
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import money, real_first
from ennu_lib.clinic.people_draw import blanked, chance, clinic_table, pick, sometimes

SCATTER = 7919  # a prime, so that neighbouring rows do not get neighbouring codes
SHORT = 60

BODY_SITES = ["thyroid", "adrenal", "ovary", "testis", "liver", "kidney", "heart", "artery", "vein", "lung", "skin"]
BODY_SITES += ["muscle", "joint", "bone", "nerve", "eye", "ear", "stomach", "bowel", "bladder", "breast", "blood"]
FINDINGS = ["disorder", "inflammation", "injury", "deficiency", "benign growth", "anomaly", "infection", "atrophy"]


def _used_elsewhere(chunk: Chunk, column: str, tables: list[str]) -> pl.Series:
    """Codes that reference tables made before this one refer to."""
    found = [chunk.reference[table][column].cast(pl.String) for table in tables if table in chunk.reference]
    return pl.concat([pl.Series(values=[], dtype=pl.String), *found]).drop_nulls().unique().sort()


def _terms(numbers: np.ndarray) -> pl.Series:
    """Invented names of conditions: finding, site and a form number."""
    finding = pl.Series(values=FINDINGS).gather(numbers % len(FINDINGS))
    site = pl.Series(values=BODY_SITES).gather(numbers // len(FINDINGS) % len(BODY_SITES))
    return finding.str.to_titlecase() + " of " + site + ", form " + pl.Series(values=numbers).cast(pl.String)


def icd10_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`diagnosis_codes_icd10`."""
    rng = chunk.rng("diagnosis_codes_icd10")
    real = clinic_table("codes_icd10").select("code", "label", "chapter", pl.col("gender").alias("gender_limit"))
    frame = real_first(real, _icd10_filler, chunk.rows_for("diagnosis_codes_icd10"), "code")
    n = frame.height
    valid_from = np.where(np.arange(n) < real.height, 2015, rng.integers(2015, 2024, n))
    frame = frame.with_columns(
        pl.col("label").str.slice(0, SHORT).alias("short_description"),
        sometimes(rng, frame["label"], 0.05).alias("long_description"),
        pl.lit("Y").alias("is_billable"),
        pl.date(pl.Series(values=valid_from), 10, 1).alias("valid_from"),
        _retired(rng, n, real.height, date(2025, 9, 30), 0.02).alias("valid_to"),
    )
    return {"diagnosis_codes_icd10": frame.drop("label")}


def _retired(rng: np.random.Generator, n: int, real: int, day: date, share: float) -> pl.Series:
    """`day` for a share of the rows from row `real` on, NULL elsewhere: the real codes are not retired."""
    retired = chance(rng, n, share) & (np.arange(n) >= real)
    return blanked(pl.Series(values=[day]).new_from_index(0, n), ~retired)


def _icd10_filler(rows: int) -> pl.DataFrame:
    numbers = np.arange(rows, dtype=np.int64) * SCATTER % 2_600_000
    letter = pl.Series(values=list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")).gather(numbers % 26)
    rest = pl.Series(values=numbers // 26).cast(pl.String).str.zfill(5)
    code = letter + rest.str.slice(0, 2) + "." + rest.str.slice(2)
    chapter = pl.Series(values=numbers % 26 * 21 // 26 + 1).cast(pl.String)
    return pl.DataFrame({"code": code, "label": _terms(numbers), "chapter": chapter})


def icd9_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`diagnosis_codes_icd9`; the real codes point at the ICD-10 code that replaced them."""
    rng = chunk.rng("diagnosis_codes_icd9")
    known = (
        clinic_table("codes_icd10")
        .filter(pl.col("icd9").is_not_null())
        .unique("icd9", keep="first", maintain_order=True)
    )
    real = known.select(pl.col("icd9").alias("code"), "label", pl.col("code").alias("icd10_code"))
    frame = real_first(
        real,
        lambda lacking: _icd9_filler(rng, lacking, real["icd10_code"]),
        chunk.rows_for("diagnosis_codes_icd9"),
        "code",
    )
    frame = frame.with_columns(
        pl.col("label").str.slice(0, SHORT).alias("short_description"),
        sometimes(rng, frame["label"], 0.05).alias("long_description"),
        pl.lit("Y").alias("is_billable"),
        pl.lit(date(2015, 9, 30)).alias("valid_to"),
    )
    return {"diagnosis_codes_icd9": frame.drop("label")}


def _icd9_filler(rng: np.random.Generator, rows: int, successors: pl.Series) -> pl.DataFrame:
    numbers = np.arange(rows, dtype=np.int64) * SCATTER % 100_000
    digits = pl.Series(values=numbers).cast(pl.String).str.zfill(5)
    return pl.DataFrame(
        {
            "code": digits.str.slice(0, 3) + "." + digits.str.slice(3),
            "label": _terms(numbers),
            "icd10_code": sometimes(rng, successors.gather(rng.integers(0, len(successors), rows)), 0.4),
        }
    )


def cpt_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`procedure_codes_cpt`: numbers with the clinic's own labels, never the licensed descriptions."""
    rng = chunk.rng("procedure_codes_cpt")
    real = clinic_table("codes_cpt").select(
        "code",
        pl.col("label").alias("short_label"),
        pl.col("service_type").alias("category"),
        pl.col("relative_value").cast(pl.Float64),
        pl.col("fee").cast(pl.Float64).alias("default_fee"),
    )
    used = _used_elsewhere(chunk, "cpt_code", ["lab_test_catalog"])
    more = pl.DataFrame({"code": used, "category": ["Lab"] * len(used)}).join(
        real.select("code"), on="code", how="anti"
    )
    real = pl.concat([real, more], how="diagonal_relaxed")
    frame = real_first(real, lambda rows: _cpt_filler(rng, rows), chunk.rows_for("procedure_codes_cpt"), "code")
    valid_to = _retired(rng, frame.height, real.height, date(2024, 12, 31), 0.05)
    return {
        "procedure_codes_cpt": frame.with_columns(
            pl.lit(date(2010, 1, 1)).alias("valid_from"), valid_to.alias("valid_to")
        )
    }


def _cpt_filler(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    numbers = 100 + np.arange(rows, dtype=np.int64) * SCATTER % 99_300
    code = pl.Series(values=numbers).cast(pl.String).str.zfill(5)
    category = pick(rng, rows, {"Procedure": 6, "Lab": 3, "Consultation": 1})
    values = rng.integers(20, 4_000, rows)
    return pl.DataFrame(
        {
            "code": code,
            "short_label": sometimes(rng, category + " item " + code, 0.02),
            "category": category,
            "relative_value": money(values),
            "default_fee": sometimes(rng, money(values * 37), 0.05),
        }
    ).unique("code", keep="first", maintain_order=True)


def hcpcs_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`procedure_codes_hcpcs`."""
    rng = chunk.rng("procedure_codes_hcpcs")
    real = clinic_table("codes_hcpcs")
    frame = real_first(real, _hcpcs_filler, chunk.rows_for("procedure_codes_hcpcs"), "code")
    valid_to = _retired(rng, frame.height, real.height, date(2024, 12, 31), 0.05)
    frame = frame.with_columns(
        pl.col("label").str.slice(0, SHORT).alias("short_description"),
        sometimes(rng, frame["label"], 0.1).alias("long_description"),
        pl.lit(date(2011, 1, 1)).alias("valid_from"),
        valid_to.alias("valid_to"),
    )
    return {"procedure_codes_hcpcs": frame.drop("label")}


def _hcpcs_filler(rows: int) -> pl.DataFrame:
    numbers = np.arange(rows, dtype=np.int64) * SCATTER % 90_000
    letter = pl.Series(values=list("ABCEGHJKL")).gather(numbers % 9)
    code = letter + pl.Series(values=numbers // 9).cast(pl.String).str.zfill(4)
    return pl.DataFrame({"code": code, "label": "Item or service " + code, "category": "Section " + letter})


def snomed_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`snomed_codes`; invented concepts lie in an extension namespace and end in a true check digit."""
    rng = chunk.rng("snomed_codes")
    known = (
        clinic_table("codes_icd10")
        .filter(pl.col("snomed").is_not_null())
        .unique("snomed", keep="first", maintain_order=True)
    )
    real = known.select(
        pl.col("snomed").cast(pl.Int64).alias("concept_id"),
        pl.col("label").alias("term"),
        pl.lit("disorder").alias("semantic_tag"),
        pl.col("code").alias("icd10_map"),
    )
    rows = chunk.rows_for("snomed_codes")
    frame = real_first(real, lambda lacking: _snomed_filler(rng, lacking, real["icd10_map"]), rows, "concept_id")
    n = frame.height
    return {
        "snomed_codes": frame.with_columns(
            pl.Series("is_active", values=np.where(chance(rng, n, 0.04), "N", "Y")),
            pl.date(pl.Series(values=rng.integers(2002, 2026, n)), 1, 31).alias("effective_time"),
        )
    }


def _snomed_filler(rng: np.random.Generator, rows: int, maps: pl.Series) -> pl.DataFrame:
    numbers = np.arange(1, rows + 1, dtype=np.int64)
    return pl.DataFrame(
        {
            "concept_id": sctids(numbers),
            "term": _terms(numbers),
            "semantic_tag": pick(rng, rows, {"disorder": 5, "finding": 3, "procedure": 3, "substance": 1}),
            "icd10_map": sometimes(rng, maps.gather(rng.integers(0, len(maps), rows)), 0.6),
        }
    )


REFERENCE = [icd10_codes, icd9_codes, cpt_codes, hcpcs_codes, snomed_codes]
