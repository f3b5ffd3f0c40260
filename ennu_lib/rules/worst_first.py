"""The interactions of today's medications as a list to sign: per patient, the worst first."""

from __future__ import annotations

import polars as pl

from ennu_lib.rules.checks.medication import SEVERITIES, interactions
from ennu_lib.rules.tables import KEY, NotHere, Tables

SCHEMA = (
    "severity", "pair_id", "patient_id", "table", "key", "other_table", "other_key", "mechanism", "action",
)  # fmt: skip
TWICE = {"mechanism": "Duplicate therapy: two of one class", "action": "Confirm the indication of both"}


def interaction_list(tables: Tables) -> pl.DataFrame:
    """Every pair of rows once, with mechanism and action of the table of pairs; columns of SCHEMA, no patient value.

    Empty where a table that the check needs is not part of the run.
    """
    try:
        met = interactions(tables).collect()
    except NotHere:
        return pl.DataFrame(schema=dict.fromkeys(SCHEMA, pl.String))
    rank = {severity: n for n, severity in enumerate(reversed(SEVERITIES))}
    met = met.rename({KEY: "key"})
    here, there = (pl.concat_str(row, separator="|") for row in (["table", "key"], ["other_table", "other_key"]))
    met = met.filter(here <= there)
    known = tables.clinical("drug_interactions").select("pair_id", "mechanism", "action")
    met = met.join(known, on="pair_id", how="left").with_columns(
        *(pl.col(name).fill_null(text) for name, text in TWICE.items()),
        rank=pl.col("severity").replace_strict(rank, return_dtype=pl.Int8),
    )
    worst = pl.col("rank").min().over("patient_id")
    return met.sort(worst, "patient_id", "rank", "pair_id", "table", "key", "other_key").select(SCHEMA)
