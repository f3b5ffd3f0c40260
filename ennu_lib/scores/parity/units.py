"""Measurements read otherwise: in another listed unit, or once per laboratory code."""

from __future__ import annotations

import polars as pl

from ennu_lib.catalog.biomarkers import BiomarkerCatalogue
from ennu_lib.scores.measurement import BLANKS
from ennu_lib.scores.parity.recompute import recompute
from ennu_lib.scores.preset import Preset

SLOT = ["patient_id", "metric_code"]
MARK = "\x1f"


def in_other_units(
    occasions: pl.DataFrame, rows: pl.DataFrame, preset: Preset, catalogue: BiomarkerCatalogue
) -> pl.DataFrame:
    """Contributions of the newest measurement of each metric, read in every unit that its metric is listed with.

    Columns: score_id, metric_id, how, value, weight, earned. A reading that is not plausible counts nowhere.
    """
    newest = rows.filter(pl.col("day") == pl.col("day").max().over(SLOT))
    listed = pl.DataFrame(
        [
            (b.code, unit)
            for b in catalogue
            for unit in (b.unit, *(u for u, rule in b.conversions.items() if rule is not None))
        ],
        schema={"metric_code": pl.String, "other": pl.String},
        orient="row",
    )
    read = newest.join(listed, on="metric_code").filter(pl.col("unit") != pl.col("other"))
    return _apart(
        occasions,
        read.with_columns(
            unit=pl.col("other"),
            patient_id=pl.concat_str("patient_id", "metric_code", "other", separator=MARK),
        ),
        pl.format("{} in {}", "metric_code", pl.col("__parts").list.get(2)),
        preset,
        catalogue,
    )


def under_other_codes(
    occasions: pl.DataFrame, rows: pl.DataFrame, preset: Preset, catalogue: BiomarkerCatalogue
) -> pl.DataFrame:
    """Contributions of the newest measurement under each laboratory code of a metric but the one that counts already.

    Columns: score_id, metric_id, how, value, weight, earned.
    """
    code = pl.col("test_code").str.strip_chars(BLANKS)
    coded = rows.with_columns(code=code).filter(pl.col("code") != "")
    coded = coded.sort("day", descending=True, maintain_order=True)
    order = coded.select(*SLOT, "code").unique(maintain_order=True)
    order = order.with_columns(rank=pl.int_range(pl.len()).over(SLOT)).filter(pl.col("rank") > 0)
    others = coded.join(order, on=[*SLOT, "code"])
    return _apart(
        occasions,
        others.with_columns(patient_id=pl.concat_str("patient_id", "metric_code", "code", separator=MARK)),
        pl.format("{} under a second laboratory code", "metric_code"),
        preset,
        catalogue,
    )


def _apart(
    occasions: pl.DataFrame, rows: pl.DataFrame, how: pl.Expr, preset: Preset, catalogue: BiomarkerCatalogue
) -> pl.DataFrame:
    """What the rows count for, each under an occasion of its own whose name begins with the true one's."""
    apart = rows.select(name="patient_id").unique().with_columns(__parts=pl.col("name").str.split(MARK))
    apart = apart.with_columns(score_id=pl.col("__parts").list.first())
    of = apart.join(occasions.select("score_id", "sex", "birth_date", "as_of"), on="score_id")
    found = recompute(of.drop("score_id").rename({"name": "score_id"}), rows, preset, catalogue).parts
    named = found.rename({"score_id": "name"}).join(apart, on="name")
    return named.select("score_id", "metric_id", "value", "weight", "earned", how=how).sort(
        "score_id", "metric_id", "how"
    )
