"""Agreement patterns from Splink, for tables whose candidate pairs outgrow one machine.

Standardizing, coding and the sizes of blocks stay on the driver: they grow with the people. The pairs, which grow
faster, are made and compared by Splink on its backend (Spark, or DuckDB), with our own agreement levels as its
comparison levels, so that the patterns are the same to the bit. Learning and scoring go on as ever, on the driver.
It pays from many millions of people on; below, one machine is faster. Needs the extra `spark`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from ennu_lib.errors import ConfigurationError
from ennu_lib.identity.blocking import Candidates, blocks_of, rule_summary
from ennu_lib.identity.compare import NO_VALUE, Comparer, pack
from ennu_lib.identity.params import IdentityParams
from ennu_lib.identity.people import People

_EVEN = 0.5  # Splink wants shares of its own; nothing is made of them


class SplinkEngine:
    """Makes and compares pairs with Splink on `api`, a splink database API; use it as `match_people(…, engine=…)`."""

    def __init__(self, api: Any):
        self._api = api

    def __call__(
        self, people: People, comparer: Comparer, params: IdentityParams, tell: Callable[[str, int, int], None]
    ) -> tuple[Candidates, np.ndarray]:
        from splink import Linker

        tell("block", 0, 1)
        runs = blocks_of(people, params.blocking, params.nicknames)
        tell("compare", 0, 1)
        table = people.codes.select(pl.all().cast(pl.Int32).fill_null(NO_VALUE))
        table = table.with_columns(blocks=_blocks(runs, len(people))).with_row_index("unique_id")
        functions = [self._register(f"ennu_level_{n}", feature) for n, feature in enumerate(comparer.features)]
        logging.getLogger("splink").setLevel(logging.ERROR)
        frame = self._api.register(self._given(table), dataset_display_name="people")
        linker = Linker(frame, _settings(comparer, functions), log_level=logging.ERROR)
        found = linker.inference.predict(warning_mode="never").as_pyarrow_table()
        pairs, patterns = _packed(pl.from_arrow(found), comparer)
        return Candidates(pairs, pl.DataFrame([rule_summary(run, run.predicted) for run in runs])), patterns

    def _given(self, table: pl.DataFrame) -> Any:
        arrow = table.cast({"unique_id": pl.Int64}).to_arrow()
        session = getattr(self._api, "spark", None)
        if session is None:
            return arrow
        blocks = arrow.column("blocks").cast(pa.list_(pa.int64()))  # Spark knows no lists with long offsets
        return session.createDataFrame(arrow.set_column(arrow.column_names.index("blocks"), "blocks", blocks))

    def _register(self, name: str, feature) -> str:
        """Make a feature's levels a function of the backend's SQL; returns its call."""
        columns = list(dict.fromkeys(feature.columns))
        place = [columns.index(c) for c in feature.columns]

        def levels(*codes):
            arrays = [pd.Series(np.asarray(c)) for c in codes]
            half = len(arrays) // 2
            ordered = [arrays[i] for i in place] + [arrays[half + i] for i in place]
            return np.asarray(feature._compute_vectorized(*ordered), np.int32)

        sides = [f'"{column}_{side}"' for side in "lr" for column in columns]
        session = getattr(self._api, "spark", None)
        if session is not None:
            _spark_function(session, name, levels)
            return f"{name}({', '.join(s.replace(chr(34), '`') for s in sides)})"
        connection = getattr(self._api, "duckdb_con", None)
        if connection is None:
            raise ConfigurationError("the Splink engine", ["only Spark and DuckDB are supported"])
        _duckdb_function(connection, name, levels)
        return f"{name}({', '.join(sides)})"


def _spark_function(session, name: str, levels: Callable) -> None:
    from pyspark.sql.functions import pandas_udf

    def of_columns(*codes: pd.Series) -> pd.Series:
        return pd.Series(levels(*codes))

    session.udf.register(name, pandas_udf(of_columns, "int"))


def _duckdb_function(connection, name: str, levels: Callable) -> None:
    def of_columns(*codes):
        return pa.array(levels(*(c.to_numpy() for c in codes)), pa.int32())

    connection.create_function(name, of_columns, None, "INTEGER", type="arrow")  # None: any number of arguments


def _settings(comparer: Comparer, functions: list[str]) -> dict[str, Any]:
    comparisons = []
    for comparison, call in zip(comparer.comparisons, functions, strict=True):
        best = len(comparison.levels) + 1
        levels = [{"sql_condition": f"{call} = 0", "label_for_charts": "missing", "is_null_level": True}]
        for number in range(best, 1, -1):
            levels.append({"sql_condition": f"{call} = {number}", "label_for_charts": str(number)})
        levels.append({"sql_condition": "ELSE", "label_for_charts": "disagree"})
        for level in levels[1:]:
            level |= {"m_probability": _EVEN, "u_probability": _EVEN}
        comparisons.append({"output_column_name": comparison.field, "comparison_levels": levels})
    rule = {"blocking_rule": "l.blocks = r.blocks", "arrays_to_explode": ["blocks"]}
    return {
        "link_type": "dedupe_only", "unique_id_column_name": "unique_id", "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [rule], "retain_matching_columns": True,
        "probability_two_random_records_match": 0.01,
    }  # fmt: skip


def _blocks(runs, records: int) -> pl.Series:
    """Per record the numbers of all blocks, of any rule, that it shares with somebody."""
    parts, first = [], 0
    for run in runs:
        for members in run.members.values():
            numbers = np.arange(first, first + len(members))
            parts.append(pl.DataFrame({"record": members.ravel(), "block": np.repeat(numbers, members.shape[1])}))
            first += len(members)
    empty = pl.DataFrame(schema={"record": pl.UInt32, "block": pl.Int64})
    listed = pl.concat([empty, *(p.cast(empty.schema) for p in parts)]).group_by("record").agg("block")
    every = pl.DataFrame({"record": np.arange(records, dtype=np.uint32)})
    return every.join(listed, on="record", how="left", maintain_order="left")["block"].fill_null([])


def _packed(found: pl.DataFrame, comparer: Comparer) -> tuple[np.ndarray, np.ndarray]:
    low = found.select(pl.min_horizontal("unique_id_l", "unique_id_r").cast(pl.UInt64)).to_series().to_numpy()
    high = found.select(pl.max_horizontal("unique_id_l", "unique_id_r").cast(pl.UInt64)).to_series().to_numpy()
    pairs = low << np.uint64(32) | high
    # Splink numbers its levels from 0, "else", upwards, and calls missing -1.
    levels = found.select(pl.col(f"gamma_{field}").cast(pl.Int8) + 1 for field in comparer.fields).to_numpy()
    pairs, place = np.unique(pairs, return_index=True)
    return pairs, pack(levels[place])
