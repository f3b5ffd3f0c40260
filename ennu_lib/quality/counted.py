"""The counts of phase 02 as the page shows them: by rule, and by the shapes that changed."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ennu_lib.quality.standard.declared import TableRules, rule_table
from ennu_lib.quality.tables import Changes

SHAPES_PER_RULE = 6
# A shape of so few values says something about somebody; the page leaves it out.
RARE = 10


def rules_by_count(rules: Mapping[str, TableRules]) -> pl.DataFrame:
    """Each rule with the number of tables and columns it is declared for."""
    declared = rule_table(rules)
    counts = declared.group_by("rule").agg(pl.col("table").n_unique().alias("tables"), pl.len().alias("columns"))
    return counts.sort("rule")


def by_rule(changes: Changes) -> pl.DataFrame:
    """Changed values per rule and version, with the columns in which it changed something."""
    counted = changes.by_column.group_by("rule", "version").agg(
        pl.len().alias("columns"), pl.col("standardized", "said_nothing", "emptied").sum()
    )
    return counted.sort("rule", "version")


def usual_shapes(changes: Changes) -> pl.DataFrame:
    """The most frequent pairs of shapes of each rule; rare shapes and changes within one shape are left out."""
    shapes = changes.shapes.filter((pl.col("values") > RARE) & (pl.col("before") != pl.col("after")))
    ranked = shapes.sort(["rule", "values", "before", "after"], descending=[False, True, False, False])
    return ranked.group_by("rule", maintain_order=True).head(SHAPES_PER_RULE)


def undone_sentence(undone: frozenset[str]) -> str:
    """Which rules are undone in this run, in words."""
    if not undone:
        return "No rule is undone. `ennu quality undo` takes a rule's changes back, `ennu quality replay` redoes them."
    return f"Undone in this run and therefore left out: {', '.join(sorted(undone))}."
