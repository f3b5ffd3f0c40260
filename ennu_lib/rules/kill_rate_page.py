"""The kill rates on a page: how many defects were planted and found, and what was missed or not tried."""

from __future__ import annotations

import polars as pl

from ennu_lib.report import key_numbers, show, table
from ennu_lib.report.html import Html


def survivors(rates: pl.DataFrame) -> pl.DataFrame:
    """The rules that missed something, with what survived, and those that were not tried, with the reason."""
    missed = rates.filter((pl.col("rate") < 1) | (pl.col("planted") == 0))
    said = pl.when(pl.col("planted") > 0).then("survivors").otherwise(pl.format("not applicable: {}", "not_tried"))
    return missed.select("rule", "planted", "killed", said.alias("survivors"))


def kill_rate_tables(rates: pl.DataFrame) -> Html:
    """Figures, and the rules that a reader must know of. Counts are of planted defects, never of people."""
    figures = {
        "rules_tried": rates.filter(pl.col("planted") > 0).height,
        "defects_planted": int(rates["planted"].sum()),
        "found_by_their_rule": int(rates["killed"].sum()),
    }
    caption = "Rules that missed some of the planted defects, or had none planted"
    return show(key_numbers(figures), table(survivors(rates), caption=caption, rows=rates.height or 1))
