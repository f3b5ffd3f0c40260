"""Who pays for whom, who is related to whom, and which rows the clinic merged before."""

from __future__ import annotations

import numpy as np
import polars as pl

from ennu_lib.clinic.chunk import Chunk
from ennu_lib.clinic.people_draw import (
    any_seconds,
    blanked,
    chance,
    dates,
    day_number,
    days_after,
    moments,
    pick,
    sample,
    sometimes,
)
from ennu_lib.clinic.people_links import yes_no
from ennu_lib.clinic.people_registrations import registrations
from ennu_lib.clinic.people_staff import draw_users

RELATIONS = {
    ("head", "spouse"): ("spouse", "spouse"),
    ("head", "child"): ("child", "parent"),
    ("spouse", "child"): ("child", "parent"),
    ("head", "parent"): ("parent", "child"),
    ("head", "sibling"): ("sibling", "sibling"),
    ("twin", "twin"): ("sibling", "sibling"),
    ("child", "child"): ("sibling", "sibling"),
    ("head", "twin"): ("child", "parent"),
    ("spouse", "twin"): ("child", "parent"),
    ("senior", "junior"): ("child", "parent"),
}
MERGE_STEPS = ["demographics", "chart", "labs", "billing", "appointments", "documents"]


def family_tables(chunk: Chunk) -> dict[str, pl.DataFrame]:
    """patient_guarantors, patient_relationships and patient_merge_log."""
    return {
        "patient_guarantors": _guarantors(chunk),
        "patient_relationships": _relationships(chunk),
        "patient_merge_log": _merge_log(chunk),
    }


def _guarantors(chunk: Chunk) -> pl.DataFrame:
    rng = chunk.rng("patient_guarantors")
    rows = registrations(chunk)
    names = rows.select(
        pl.col("patient_id").alias("guarantor_patient_id"),
        pl.format("{} {}", "first_name", "last_name").alias("guarantor_name"),
    )
    paid = chunk.frames["patients"].select("patient_id", pl.col("guarantor_id").alias("guarantor_patient_id"))
    rows = rows.join(paid, on="patient_id").join(names, on="guarantor_patient_id", how="left", maintain_order="left")
    other = rows.filter(pl.col("guarantor_patient_id") != pl.col("patient_id"))
    own = rows.filter(pl.col("guarantor_patient_id") == pl.col("patient_id"))
    wanted = max(chunk.rows_for("patient_guarantors") - len(other), 0)
    every = pl.concat([other, own[sample(rng, len(own), wanted)]]).sort("patient_id")
    n = len(every)
    relation = pl.col("role").replace_strict({"spouse": "spouse", "child": "parent"}, default="other")
    return every.select(
        pl.Series("guarantor_id", chunk.take_keys("patient_guarantors", n)),
        "patient_id",
        "guarantor_patient_id",
        "guarantor_name",
        pl.when(pl.col("patient_id") == pl.col("guarantor_patient_id"))
        .then(pl.lit("self"))
        .otherwise(relation)
        .alias("relationship"),
        sometimes(rng, dates(every["registered"].to_numpy()), 0.08).alias("responsible_from"),
        blanked(dates(every["last_day"].to_numpy()), ~chance(rng, n, 0.1)).alias("responsible_to"),
        sometimes(rng, pl.Series(rng.integers(1, 20, n) * 250.0), 0.8).alias("limit"),
        pl.Series("is_active", chance(rng, n, 0.94)),
        moments(days_after(rng, chunk.as_of, every["registered"].to_numpy(), 30), any_seconds(rng, n)).alias(
            "last_updated"
        ),
    )


def _relationships(chunk: Chunk) -> pl.DataFrame:
    """Both directions of every family link inside a household, as far as the clinic wrote them down."""
    rng = chunk.rng("patient_relationships")
    rows = (
        registrations(chunk)
        .filter(~pl.col("is_second"))
        .select("household", "person", "patient_id", "role", "registered")
    )
    pairs = rows.join(rows, on="household", suffix="_other").filter(pl.col("person") < pl.col("person_other"))
    kinds = pl.DataFrame(
        [(one, other, *links) for (one, other), links in RELATIONS.items()],
        schema=["role", "role_other", "forth", "back"],
        orient="row",
    )
    pairs = pairs.join(kinds, on=["role", "role_other"]).sort("person", "person_other")
    pairs = pairs[sample(rng, len(pairs), chunk.rows_for("patient_relationships") // 2)]
    forth = pairs.select(
        "patient_id",
        pl.col("patient_id_other").alias("related_patient_id"),
        pl.col("forth").alias("relationship_type"),
        "registered",
    )
    back = pairs.select(
        pl.col("patient_id_other").alias("patient_id"),
        pl.col("patient_id").alias("related_patient_id"),
        pl.col("back").alias("relationship_type"),
        "registered",
    )
    both = pl.concat([forth, back])
    n = len(both)
    return both.select(
        pl.Series("relationship_id", chunk.take_keys("patient_relationships", n)),
        "patient_id",
        "related_patient_id",
        "relationship_type",
        sometimes(rng, yes_no(chance(rng, n, 0.9)), 0.1).alias("lives_with"),
        moments(days_after(rng, chunk.as_of, both["registered"].to_numpy(), 60), any_seconds(rng, n)).alias(
            "created_at"
        ),
    )


def _merge_log(chunk: Chunk) -> pl.DataFrame:
    """Several steps for every row that the clinic merged into the same person's first row."""
    rng = chunk.rng("patient_merge_log")
    rows = registrations(chunk)
    merged = rows.filter(pl.col("kind") == "merged_earlier")
    into = rows["patient_id"].gather(merged["source"]).alias("to_patient_id")
    merged = merged.select(pl.col("patient_id").alias("from_patient_id"), into, "registered")
    steps = merged.join(pl.DataFrame({"merge_step": MERGE_STEPS}), how="cross")
    n = len(steps)
    day = np.repeat(merged["registered"].to_numpy() + rng.integers(20, 300, len(merged)), len(MERGE_STEPS))
    second = np.repeat(any_seconds(rng, len(merged)), len(MERGE_STEPS)) + np.tile(
        np.arange(len(MERGE_STEPS)), len(merged)
    )
    return steps.select(
        pl.Series("merge_id", chunk.take_keys("patient_merge_log", n)),
        "from_patient_id",
        "to_patient_id",
        "merge_step",
        pl.Series("rows_moved", rng.integers(0, 60, n)),
        sometimes(
            rng,
            pick(
                rng,
                n,
                ["duplicate chart", "registered twice", "same person confirmed by phone", "portal self-registration"],
            ),
            0.25,
        ).alias("reason"),
        sometimes(rng, draw_users(rng, chunk, n), 0.05).alias("merged_by"),
        moments(np.minimum(day, day_number(chunk.as_of)), second).alias("merged_at"),
        pl.lit("N").alias("undone"),
    )
