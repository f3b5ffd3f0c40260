"""What runs after people and office: what needs both of them, and the defects of their tables, planted last."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic import defects_labs, defects_office, defects_patients
from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.conform import conform
from ennu_lib.clinic.defects_base import Damage, damage_table, defect_names, targets
from ennu_lib.clinic.people_draw import any_seconds, chance, day_number, moments, sometimes
from ennu_lib.clinic.people_staff import draw_users

__all__ = ["PER_CHUNK", "REFERENCE", "defect_names", "plant"]

DEFECT_MODULES = (defects_patients, defects_labs, defects_office)
LICENSED = ["FL", "FL,GA", "FL,TX", "FL,CO,TX", "CO", "TX", "CA", "FL,GA,TX,CO,AZ", "AZ,CO", "HI,CA"]


def telehealth_providers(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againproviders`: what the telehealth system knows of the clinicians; one row per provider."""
    rng = chunk.rng("25againproviders")
    providers = chunk.reference["providers"]
    n = min(len(providers), chunk.rows_for("25againproviders"))
    providers = providers.head(n)
    host = pl.Series([f"zm{number:08x}" for number in rng.integers(0, 2**32, n)])
    biography = pl.format(
        "{} cares for members with a focus on {}. {}",
        "display_name",
        pl.col("specialty").fill_null("wellness").str.to_lowercase(),
        pl.lit("Accepts telehealth visits."),
    )
    return {
        "25againproviders": providers.select(
            pl.Series("provider_ext_id", chunk.take_keys("25againproviders", n)),
            "provider_id",
            sometimes(rng, host, 0.15).alias("zoom_host_id"),
            pl.Series(sometimes(rng, providers["email"], 0.12)).alias("zoom_email"),
            sometimes(rng, pl.Series(rng.choice(LICENSED, n)), 0.1).alias("telehealth_states"),
            pl.when(pl.Series(chance(rng, n, 0.7))).then(biography).alias("bio"),
            sometimes(
                rng, pl.Series([f"/staff/{number}.jpg" for number in range(1, n + 1)], dtype=pl.String), 0.4
            ).alias("photo_url"),
            pl.Series("accepts_new", np.where(chance(rng, n, 0.7), "Y", "N")),
            sometimes(rng, pl.Series(rng.integers(6, 18, n)), 0.2).alias("max_daily_sessions"),
            sometimes(rng, pl.Series(np.round(rng.uniform(3.6, 5.0, n), 2)), 0.3).alias("average_rating"),
            moments(day_number(chunk.as_of) - rng.integers(1, 600, n), any_seconds(rng, n)).alias("last_updated"),
        )
    }


def metric_editors(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """`25againmetrichistory` with the users who made the changes."""
    rng = chunk.rng("metric editors")
    history = chunk.reference["25againmetrichistory"]
    return {
        "25againmetrichistory": history.with_columns(
            sometimes(rng, draw_users(rng, chunk, len(history)), 0.1).alias("changed_by")
        )
    }


def plant(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """Every table of this chunk that `defect_targets.csv` names, with its defects."""
    damaged = {}
    for name in targets():
        if name in chunk.frames:
            table = chunk.catalogue.table(name)
            frame = conform(table, chunk.frames[name])
            damaged[name] = damage_table(Damage(chunk, table, frame, chunk.rng(f"defects of {name}")))
    return damaged


REFERENCE = [telehealth_providers, metric_editors]
PER_CHUNK = [plant]
