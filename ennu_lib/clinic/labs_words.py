"""What providers write about laboratory results; the words depend on what was measured."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from ennu_lib.clinic.people_draw import clinic_table

GENERAL = "General"
GROUP_OF_TYPE = {
    "Hormones": "Hormones",
    "Thyroid": "Thyroid",
    "Metabolic": "Metabolic",
    "Lipids": "Lipids",
    "Cardiac": "Lipids",
    "Inflammation": "Inflammation",
    "Liver": "Organs",
    "Kidney": "Organs",
    "CBC": "Blood",
    "Iron": "Blood",
    "Vitamins": "Vitamins",
}
GROUP_OF_PANEL = {
    "Hormone": "Hormones",
    "Metabolic": "Metabolic",
    "Cardiac": "Lipids",
    "Thyroid": "Thyroid",
    "CBC": "Blood",
    "Nutrient": "Vitamins",
    "Inflammation": "Inflammation",
}


@lru_cache(maxsize=1)
def _phrases() -> tuple[pl.Series, dict[str, tuple[int, int]]]:
    """All phrases, and where those of each group begin and how many they are."""
    words = clinic_table("lab_words").filter(pl.col("list").str.starts_with("interpretation ")).with_row_index("row")
    places = words.group_by(pl.col("list").str.slice(len("interpretation ")), maintain_order=True).agg(
        pl.col("row").first().alias("start"), pl.len().alias("size")
    )
    return words["value"], {group: (start, size) for group, start, size in places.iter_rows()}


def interpretations(rng: np.random.Generator, groups: pl.Series) -> pl.Series:
    """One phrase for each entry of `groups`; unknown groups get a general one."""
    values, places = _phrases()
    known = groups.fill_null(GENERAL)
    start = known.replace_strict(
        {name: at for name, (at, _) in places.items()}, default=places[GENERAL][0], return_dtype=pl.Int64
    )
    size = known.replace_strict(
        {name: n for name, (_, n) in places.items()}, default=places[GENERAL][1], return_dtype=pl.Int64
    )
    return values.gather(start.to_numpy() + (rng.random(len(groups)) * size.to_numpy()).astype(np.int64))
