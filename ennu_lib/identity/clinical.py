"""What clinical tables add to identity: visits that contradict a merge, and facts that a golden record unites."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ennu_lib.identity.params import ClinicalFact, Visits

VISITS = {"key": pl.String, "start": pl.Datetime, "end": pl.Datetime, "place": pl.String}
FACTS = {"fact": pl.String, "key": pl.String, "value": pl.String, "row": pl.String}
_MOMENT = "%Y-%m-%d %H:%M:%S"


def read_visits(table: pl.LazyFrame, params: Visits) -> pl.DataFrame:
    """key, start, end, place of the visits that took place; those without a patient, place or readable time are left
    out. Moments are text as the database writes them."""
    kept = table.filter(_is_one_of(params.where))
    moment = {c: pl.col(n).cast(pl.String).str.slice(0, 19).str.replace("T", " ").str.to_datetime(_MOMENT, strict=False)
              for c, n in (("start", params.start), ("end", params.end))}  # fmt: skip
    visits = kept.select(
        key=pl.col(params.patient).cast(pl.String), **moment, place=pl.col(params.place).cast(pl.String)
    )
    return visits.drop_nulls().filter(pl.col("end") > pl.col("start")).collect()


class Whereabouts:
    """Answers whether two records of a table of people were in two places at one time."""

    def __init__(self, visits: pl.DataFrame, keys: pl.Series, shortest_overlap_minutes: int):
        places = pl.DataFrame({"key": keys.cast(pl.String), "record": np.arange(len(keys), dtype=np.int64)})
        known = visits.join(places, on="key").with_columns(day=pl.col("start").dt.date())
        self._visits = known.select("record", "day", "start", "end", "place")
        self._shortest = pl.duration(minutes=shortest_overlap_minutes)

    def contradict(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """For each pair of positions, whether visits of the two overlap at different places."""
        pairs = pl.DataFrame({"pair": np.arange(len(left)), "left": left, "right": right})
        mine = pairs.join(self._visits, left_on="left", right_on="record")
        both = mine.join(self._visits, left_on=["right", "day"], right_on=["record", "day"], suffix="_other")
        overlap = pl.min_horizontal("end", "end_other") - pl.max_horizontal("start", "start_other")
        hit = both.filter((pl.col("place") != pl.col("place_other")) & (overlap >= self._shortest))
        found = np.zeros(len(left), bool)
        found[hit["pair"].unique().to_numpy()] = True
        return found


def read_facts(tables: Mapping[str, pl.LazyFrame], facts: list[ClinicalFact]) -> pl.DataFrame:
    """fact, key, value, row: one row per statement of a clinical fact; `row` is the source row's `__key`."""
    parts = [pl.LazyFrame(schema=FACTS)]
    for fact in facts:
        if fact.table in tables:
            value = pl.coalesce(pl.when(_plain(c) != "").then(_plain(c)) for c in fact.same)
            rows = tables[fact.table].filter(~_is_one_of(fact.unless, any_column=True))
            parts.append(rows.select(
                fact=pl.lit(fact.name), key=pl.col(fact.patient).cast(pl.String), value=value,
                row=pl.col("__key").cast(pl.String),
            ).drop_nulls())  # fmt: skip
    return pl.concat(parts).collect()


def united_facts(statements: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """golden_id, fact, value, patients, rows, of_survivor: every fact of a person once.

    `members` is the crosswalk (patient_id, golden_id: the surviving patient). `patients` and `rows` name, in order, who
    states the fact and in which source rows; `of_survivor` says whether the surviving row states it too.
    """
    stated = statements.join(members, left_on="key", right_on="patient_id")
    united = stated.group_by("golden_id", "fact", "value").agg(
        patients=pl.col("key").unique().sort(),
        rows=pl.col("row").sort(),
        of_survivor=(pl.col("key") == pl.col("golden_id")).any(),
    )
    return united.sort("golden_id", "fact", "value")


def facts_summary(united: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """fact, facts (of people with several rows), stated_by_several rows of the person, and only_on_merged_rows: those
    that keeping the surviving row alone would have lost."""
    several = members.filter(pl.len().over("golden_id") > 1).select("golden_id").unique()
    return united.join(several, on="golden_id").group_by("fact").agg(
        facts=pl.len(),
        stated_by_several=(pl.col("patients").list.len() > 1).sum(),
        only_on_merged_rows=(~pl.col("of_survivor")).sum(),
    ).sort("fact")  # fmt: skip


def _plain(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def _is_one_of(values: Mapping[str, list[str]], *, any_column: bool = False) -> pl.Expr:
    tests = [_plain(column).is_in(wanted).fill_null(False) for column, wanted in values.items()]
    if any_column:
        return pl.any_horizontal(tests) if tests else pl.lit(False)
    return pl.all_horizontal(tests) if tests else pl.lit(True)
