"""Checks of phase 04: every row accounted for, nothing converted by guessing, keys unique."""

from __future__ import annotations

import polars as pl

from ennu_lib.evidence import Finding, Phase, Severity, check
from ennu_lib.mapping.build import Built
from ennu_lib.mapping.files import MappingSet

TOLERATED = 0.01
REASON = "a legacy EHR has stray values; beyond one in a hundred the code list or the rule is incomplete (2026-11)"


def mapping_findings(phase: Phase, maps: MappingSet, built: Built) -> list[Finding]:
    """One check per thing that could make a load untrue."""
    tables = [t for t, m in maps.mappings.items() if not m.lookup_only]
    unbalanced = [t for t in tables if _rows(phase, f"accounts/{t}") != _rows(phase, f"source/{t}")]
    twice = [name for name in built.records if _ids_twice(phase, name)]
    return [
        check(
            "MAP-01",
            "Every row of a mapped table has exactly one account",
            len(unbalanced),
            len(tables),
            severity=Severity.BLOCK,
            note=", ".join(unbalanced),
        ),
        check("MAP-02", "External ids are unique per object", len(twice), len(built.records), severity=Severity.BLOCK),
        check(
            "MAP-03",
            "Values were converted by their rule, and none was guessed",
            int(built.unconverted["values"].sum()),
            int(built.unconverted["given"].sum()),
            tolerated=TOLERATED,
            reason=REASON,
            severity=Severity.WARN,
            note="values without a conversion stay empty in the portal and are counted per property",
        ),
    ]


def accounts_by_table(phase: Phase, maps: MappingSet) -> pl.DataFrame:
    """Rows per table, account and reason."""
    frames = [
        phase.workspace.scan(f"accounts/{t}")
        .group_by("account", "reason")
        .agg(pl.len().alias("rows"))
        .select(pl.lit(t).alias("table"), pl.all())
        for t, m in maps.mappings.items()
        if not m.lookup_only
    ]
    return pl.concat(frames).sort("table", "account", "reason").collect(engine="streaming")


def _rows(phase: Phase, name: str) -> int:
    return phase.workspace.scan(name).select(pl.len()).collect().item()


def _ids_twice(phase: Phase, name: str) -> int:
    ids = phase.workspace.scan(f"targets/{name}").select(pl.col("ennu_external_id"))
    total, distinct = ids.select(pl.len(), pl.col("ennu_external_id").n_unique().alias("n")).collect().row(0)
    return total - distinct


def rows_mapped(phase: Phase, maps: MappingSet) -> int:
    """Source rows of all mapped tables."""
    return sum(_rows(phase, f"source/{t}") for t in maps.mappings)
