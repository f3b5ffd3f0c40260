"""Which columns together could be the key of a table that has none: two of them, or three, and never more than needed.

Of many columns some pair tells the rows apart by chance. So only columns that a person would think of are tried, those
that point at another table or name a key first; and one of them is in every key that is proposed, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import prod

import polars as pl

from ennu_lib.audit.keys import LONGEST_KEY, NEARLY
from ennu_lib.audit.names import names_a_key
from ennu_lib.audit.params import AuditParams, CompositeParams
from ennu_lib.audit.profile import Source
from ennu_lib.source import Extracted
from ennu_lib.workspace import Workspace

COMPOSITES = {"table": pl.String, "columns": pl.List(pl.String)}
KINDS = ("integer", "text", "UUID", "boolean", "date", "datetime", "date as text", "time")
LOOKED_AT = 20_000


def composite_keys(
    columns: pl.DataFrame,
    keys: pl.DataFrame,
    relations: pl.DataFrame,
    extracted: Mapping[str, Extracted],
    workspace: Workspace,
    params: AuditParams,
) -> pl.DataFrame:
    """Minimal keys of several columns, best first, of tables with neither a primary key nor a candidate among `keys`.

    Tables of fewer rows than `composite_keys.least_rows` of params/audit/profile.yml say nothing, larger ones than
    `most_rows` are not looked at: the first is chance, the second is a pass over the table for every proposal.
    """
    limits = params.profile.composite_keys
    pointing = set(relations.select("table", "column").iter_rows())
    known = set(keys["table"])
    rows = []
    for (name,), described in columns.partition_by("table", as_dict=True, maintain_order=True).items():
        table = extracted[name]
        if table.key or name in known or not limits.least_rows <= table.rows <= limits.most_rows:
            continue
        wanted = [
            c["column"]
            for c in described.iter_rows(named=True)
            if (name, c["column"]) in pointing or names_a_key(c["column"], params.relations.id_words)
        ]
        found = _of_table(Source.of(table, workspace), _ordered(described, wanted, limits), set(wanted), limits)
        rows += [{"table": name, "columns": list(key)} for key in found]
    return pl.DataFrame(rows, schema=COMPOSITES)


def _ordered(described: pl.DataFrame, wanted: list[str], limits: CompositeParams) -> dict[str, int]:
    """The columns to be tried with their different values: the wanted first, then those with the most."""
    possible = described.filter(
        (pl.col("null") == 0)
        & (pl.col("distinct") >= 2)
        & pl.col("found").is_in(KINDS)
        & (pl.col("longest").fill_null(0) <= LONGEST_KEY)
    )
    order = possible.sort(~pl.col("column").is_in(wanted), -pl.col("distinct"), maintain_order=True)
    return dict(order.head(limits.columns).select("column", "distinct").iter_rows())


def _of_table(
    source: Source, tried: Mapping[str, int], wanted: set[str], limits: CompositeParams
) -> list[tuple[str, ...]]:
    """Refute by the first rows, which are cheap, and count the whole table only for what stands."""
    if len(tried) < 2:
        return []
    first = source.frame.select(list(tried)).head(LOOKED_AT).collect(engine="streaming")
    keys: list[tuple[str, ...]] = []
    checks = limits.checks
    for some in _combinations(tried, wanted & set(tried), limits.of):
        if checks == 0:
            break
        # An estimate of different values may be a little low.
        too_few = prod(tried[name] for name in some) < source.table.rows * NEARLY
        if too_few or any(set(key) <= set(some) for key in keys) or not _tells_apart(first.lazy(), some, first.height):
            continue
        checks -= 1
        if _tells_apart(source.frame, some, source.table.rows):
            keys.append(some)
    return keys


def _combinations(tried: Mapping[str, int], wanted: set[str], most: int) -> Iterator[tuple[str, ...]]:
    """Two columns before three; among as many, those with the most wanted columns first."""
    for size in range(2, most + 1):
        some = [c for c in combinations(tried, size) if not wanted or wanted & set(c)]
        yield from sorted(some, key=lambda columns: -len(wanted & set(columns)))


def _tells_apart(frame: pl.LazyFrame, columns: tuple[str, ...], rows: int) -> bool:
    """Hashes of 64 bits are counted and not the values, for less memory: two equal ones can only hide a key."""
    different = frame.select(pl.struct(columns).hash(seed=0).n_unique()).collect(engine="streaming").item()
    return different == rows
