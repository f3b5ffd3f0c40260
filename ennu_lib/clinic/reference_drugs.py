"""Drug tables: RxNorm concepts, the formulary, stored interaction alerts and vaccines."""

from __future__ import annotations

from datetime import date, datetime
from itertools import product

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.office_draw import real_first, yes_no
from ennu_lib.clinic.people_draw import chance, clinic_table, pick, sometimes
from ennu_lib.config import params_dir

# Real RxNorm concept ids are below three million; invented ones begin here.
CLINICAL_DRUG_FROM = 70_000_000
INVENTED_FROM = 90_000_000

SYLLABLES = ["ba", "cor", "den", "fla", "gli", "lo", "mer", "nu", "pra", "ri", "so", "ta", "ve", "xi", "zo", "ka"]
ENDINGS = ["mab", "pril", "sartan", "statin", "olol", "azole", "cillin", "tidine", "gliptin", "setron", "vir", "zepam"]


def drug_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`drug_codes_rxnorm`: ingredients by their RxNorm number, one clinical drug of each, then invented concepts."""
    rng = chunk.rng("drug_codes_rxnorm")
    listed = clinic_table("codes_rxnorm")
    real = pl.concat([_ingredients(listed), _clinical_drugs(listed)], how="diagonal_relaxed")
    real = pl.concat([real, _clinic_medications(chunk, real)], how="diagonal_relaxed")
    rows = chunk.rows_for("drug_codes_rxnorm")
    frame = real_first(real, lambda lacking: _invented_drugs(rng, lacking, listed["rxcui"]), rows, "rxcui")
    retired = chance(rng, frame.height, 0.03) & (np.arange(frame.height) >= real.height)
    return {"drug_codes_rxnorm": frame.with_columns(yes_no(retired).alias("suppress"))}


def _ingredients(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.select("rxcui", pl.col("ingredient").alias("name"), pl.lit("IN").alias("tty"))


def _clinical_drugs(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.with_row_index("row").select(
        (CLINICAL_DRUG_FROM + pl.col("row")).cast(pl.String).alias("rxcui"),
        (pl.col("ingredient") + " " + pl.col("strength") + " " + pl.col("dose_form")).alias("name"),
        pl.lit("SCD").alias("tty"),
        pl.col("rxcui").alias("ingredient_rxcui"),
        "strength",
        "dose_form",
    )


def _clinic_medications(chunk: Chunk, known: pl.DataFrame) -> pl.DataFrame:
    """Concepts that the clinic's own medication list names and the list above lacks."""
    medications = chunk.reference.get("25againmedications")
    if medications is None:
        return known.clear()
    used = medications.filter(pl.col("rxcui").is_not_null()).unique("rxcui", keep="first", maintain_order=True)
    return used.select(
        pl.col("rxcui").cast(pl.String),
        pl.col("ingredient").alias("name"),
        pl.lit("IN").alias("tty"),
    ).join(known.select("rxcui"), on="rxcui", how="anti", maintain_order="left")


def _invented_drugs(rng: np.random.Generator, rows: int, ingredients: pl.Series) -> pl.DataFrame:
    numbers = np.arange(rows, dtype=np.int64)
    first, second, end = (len(SYLLABLES), len(SYLLABLES), len(ENDINGS))
    name = (
        pl.Series(values=SYLLABLES).gather(numbers % first)
        + pl.Series(values=SYLLABLES).gather(numbers // first % second)
        + pl.Series(values=ENDINGS).gather(numbers // (first * second) % end)
    )
    strength = pl.Series(values=rng.choice([1, 2, 5, 10, 20, 25, 50, 100, 250, 500], rows)).cast(pl.String) + " MG"
    form = pick(rng, rows, {"Oral Tablet": 6, "Oral Capsule": 3, "Injectable Solution": 2, "Topical Cream": 1})
    tty = pick(rng, rows, {"SCD": 6, "SBD": 3, "BN": 1})
    return pl.DataFrame(
        {
            "rxcui": pl.Series(values=INVENTED_FROM + numbers).cast(pl.String),
            "name": name + " " + strength + " " + form,
            "tty": tty,
            "ingredient_rxcui": sometimes(rng, ingredients.gather(rng.integers(0, len(ingredients), rows)), 0.2),
            "strength": sometimes(rng, strength, 0.3),
            "dose_form": sometimes(rng, form, 0.3),
        }
    )


def drug_formulary(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`drug_formulary`: the clinic's drugs first, then invented ones out of the RxNorm table."""
    rng = chunk.rng("drug_formulary")
    rows = chunk.rows_for("drug_formulary")
    listed = clinic_table("codes_rxnorm").select(
        "rxcui",
        (pl.col("ingredient") + " " + pl.col("strength")).alias("drug_name"),
        "ingredient",
        pl.col("dose_form").alias("form"),
        "route",
        "unit",
        pl.col("dea").alias("dea_schedule"),
    )
    invented = (
        chunk.reference["drug_codes_rxnorm"]
        .filter(pl.col("tty") == "SCD")
        .select(
            "rxcui",
            pl.col("name").alias("drug_name"),
            pl.col("name").str.split(" ").list.first().alias("ingredient"),
            pl.col("dose_form").alias("form"),
            pl.lit("oral").alias("route"),
            pl.lit("mg").alias("unit"),
        )
    )
    frame = pl.concat([listed, invented], how="diagonal_relaxed").head(rows)
    n = frame.height
    return {
        "drug_formulary": frame.with_columns(
            pl.Series("drug_id", values=chunk.take_keys("drug_formulary", n)),
            yes_no(np.arange(n) < listed.height).alias("is_preferred"),
            yes_no(~chance(rng, n, 0.08)).alias("is_active"),
            pl.lit(datetime(2026, 1, 15, 9, 30)).alias("last_updated"),
        )
    }


def interaction_rules(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`drug_interaction_rules`: the class pairs of params/clinical spelled out by ingredient."""
    rng = chunk.rng("drug_interaction_rules")
    rows = chunk.rows_for("drug_interaction_rules")
    frame = pl.DataFrame(
        _ingredient_pairs(), schema=["ingredient_a", "ingredient_b", "severity", "message"], orient="row"
    )
    frame = frame.unique(["ingredient_a", "ingredient_b"], keep="first", maintain_order=True).head(rows)
    n = frame.height
    return {
        "drug_interaction_rules": frame.with_columns(
            pl.Series("rule_id", values=chunk.take_keys("drug_interaction_rules", n)),
            yes_no(frame["severity"].to_numpy() != "contraindicated").alias("override_allowed"),
            yes_no(~chance(rng, n, 0.06)).alias("is_active"),
        )
    }


def _ingredient_pairs() -> list[tuple[str, str, str, str]]:
    folder = params_dir() / "clinical"
    classes = pl.read_csv(folder / "drug_classes.csv", infer_schema=False)
    members = {row["class_id"]: row["ingredients"].split("|") for row in classes.iter_rows(named=True)}
    rules = pl.read_csv(folder / "drug_interactions.csv", infer_schema=False)
    return [
        (a, b, rule["severity"], rule["mechanism"])
        for rule in rules.iter_rows(named=True)
        for a, b in product(members[rule["side_a"]], members[rule["side_b"]])
    ]


def vaccine_codes(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`vaccine_codes`: common CVX codes, then invented ones beyond the real numbers."""
    real = clinic_table("codes_cvx").select(
        pl.col("code").alias("cvx_code"),
        pl.col("short").alias("short_description"),
        pl.col("full").alias("full_name"),
        "status",
    )
    frame = real_first(real, _invented_vaccines, chunk.rows_for("vaccine_codes"), "cvx_code")
    return {"vaccine_codes": frame.with_columns(pl.lit(date(2025, 11, 4)).alias("last_updated"))}


def _invented_vaccines(rows: int) -> pl.DataFrame:
    numbers = pl.Series(values=np.arange(500, 500 + rows)).cast(pl.String)
    label = "Vaccine " + numbers
    return pl.DataFrame(
        {"cvx_code": numbers, "short_description": label, "full_name": label + ", candidate"}
    ).with_columns(pl.lit("pending").alias("status"))


REFERENCE = [drug_codes, drug_formulary, interaction_rules, vaccine_codes]
