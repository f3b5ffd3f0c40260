"""Checks that prove they can fail: a shadow copy of a sample, defects planted into it, and which rule found which.

A mutator knows tables and columns and nothing of any rule: it blanks, multiplies, swaps, shifts, cuts, repeats. What is
planted, and which rule must find it, is data (`params/rules/mutations.yml`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import Field

from ennu_lib.catalog import Catalogue
from ennu_lib.config import Strict, load_model
from ennu_lib.errors import ConfigurationError
from ennu_lib.rules.definition import Rule
from ennu_lib.rules.engine import run_rules
from ennu_lib.rules.tables import KEY, Tables

How = Literal[
    "set", "blank", "multiply", "shift_days", "cut", "append", "orphan", "repeat", "swap_rows", "swap_columns", "take",
    "share", "point",
]  # fmt: skip
SOURCE = "source/"
ANYTHING = "*"


class Mutation(Strict):
    """One kind of defect: `times` rows of `file` get `column` changed by `how`, which `rule` must find.

    `where` restricts the rows by values of columns, `matching` by regular expressions, `filled` to those where these
    columns hold something and `empty` to those where they hold nothing. `value` is what the mutator needs: the new
    value, the factor, the days, the length, the text, the other column. With `everywhere` all such rows together are
    one defect, found by whatever its rule then names anew: for rules that speak of months and medians.
    """

    rule: str
    what: str
    file: str
    column: str
    how: How
    value: Any = None
    times: int = Field(4, ge=1, le=50)
    where: dict[str, list[str]] = {}
    matching: dict[str, str] = {}
    filled: list[str] = []
    empty: list[str] = []
    everywhere: bool = False


class Mutations(Strict):
    """params/rules/mutations.yml."""

    sample_patients: int = Field(ge=20)
    target_overall: float = Field(gt=0, le=1)
    target_each: float = Field(gt=0, le=1)
    mutations: list[Mutation]


def load_mutations(path: Path, rules: dict[str, Rule]) -> Mutations:
    """Read the file. Raises ConfigurationError with every mistake, rules that do not exist among them."""
    found = load_model(path, Mutations)
    unknown = sorted({m.rule for m in found.mutations} - set(rules))
    if unknown:
        raise ConfigurationError(str(path), [f"{rule} is no rule" for rule in unknown])
    return found


PLANTED = {"rule": pl.String, "what": pl.String, "table": pl.String, "key": pl.String}


class Shadow:
    """A sample of the tables in memory, copied file by file when first asked for.

    It holds the rows that belong to so many patients, and all rows of tables that belong to nobody. A table belongs to
    a patient when a relation of the catalogue leads there, over at most three steps.
    """

    def __init__(self, tables: Tables, patients: int, seed: int):
        self.frames: dict[str, pl.DataFrame] = {}
        self.closed = False
        self._tables = tables
        self._paths = _paths_to_patients(tables.catalogue)
        everyone = tables("patients", "patient_id").select(KEY).collect()[KEY].sort().to_list()
        self._chosen = random.Random(seed).sample(everyone, min(patients, len(everyone)))

    def read(self, name: str) -> pl.LazyFrame | None:
        """The rows of workspace file `name`; None where there is no such file, or where the copy is closed."""
        if name not in self.frames and not self.closed and (frame := self._tables.read(name)) is not None:
            self.frames[name] = self._mine(name, frame).collect()
        return self.frames[name].lazy() if name in self.frames else None

    def tables(self) -> Tables:
        """What checks read; made anew for every run, since what they derive changes with the rows."""
        return Tables(self.read, self._tables.today, self._tables.params)

    def _mine(self, name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
        table = name.removeprefix(SOURCE)
        if name == f"{SOURCE}patients":
            return frame.filter(pl.col(KEY).is_in(self._chosen))
        if not name.startswith(SOURCE) or table not in self._paths:
            return frame
        column, parent, target = self._paths[table]
        parents = self.read(SOURCE + parent)
        if parents is None:
            return frame
        near = parents.select(pl.col(target).alias("__near")).drop_nulls().unique()
        of_nobody = frame.filter(pl.col(column).is_null())
        return pl.concat([frame.join(near, left_on=column, right_on="__near", how="semi"), of_nobody])


def kill_rates(tables: Tables, rules: dict[str, Rule], plan: Mutations, moment: str, seed: int) -> pl.DataFrame:
    """Plant the plan's defects of rules of `moment` into a shadow copy and run these rules before and after.

    Returns one row per defect: rule, what, table, key, killed. A defect counts as killed when its rule names its row
    now and did not before. The copy is in memory; nothing is written. Rules about every table see those that the other
    rules asked for. A rule with nothing to count over in the sample is not tried.
    """
    chosen = [rule for rule in rules.values() if rule.moment == moment]
    ids = {rule.id for rule in chosen}
    wanted = sorted((m for m in plan.mutations if m.rule in ids), key=lambda m: not m.everywhere)
    shadow = Shadow(tables, plan.sample_patients, seed)
    for mutation in wanted:
        shadow.read(mutation.file)
    before, applicable = _named(chosen, shadow)
    wanted = [mutation for mutation in wanted if mutation.rule in applicable]
    rng = random.Random(seed)
    planted: list[tuple[str, str, str, str]] = []
    used: set[tuple[str, str]] = set()
    for mutation in wanted:
        spared = set(before.filter(pl.col("rule") == mutation.rule)["key"].to_list())
        planted += _plant(mutation, shadow.frames, rng, spared, used)
    after, _ = _named(chosen, shadow)
    new = after.join(before, on=["rule", "table", "key"], how="anti")
    anything = new.select("rule", key=pl.lit(ANYTHING)).unique()
    killed = pl.DataFrame(planted, schema=PLANTED, orient="row")
    rows = killed.join(new.with_columns(found=True), on=["rule", "table", "key"], how="left", maintain_order="left")
    rows = rows.join(anything.with_columns(any=True), on=["rule", "key"], how="left", maintain_order="left")
    return rows.with_columns(killed=pl.coalesce("found", "any").fill_null(False)).drop("found", "any")


def _named(rules: list[Rule], shadow: Shadow) -> tuple[pl.DataFrame, set[str]]:
    """Which rule names which row of the shadow copy, and which rules have anything to count over in it."""
    about_all = [rule for rule in rules if rule.tables[0].startswith("every table")]
    tables = shadow.tables()
    runs = [run_rules([rule for rule in rules if rule not in about_all], tables)]
    shadow.closed = True
    runs.append(run_rules(about_all, tables))
    named = pl.concat([run.issues for run in runs]).select("rule", "table", "key").unique()
    return named, {id for run in runs for id, result in run.results.items() if result.population}


def by_rule(defects: pl.DataFrame) -> pl.DataFrame:
    """Per rule: defects planted, killed, the rate, and what survived."""
    return (
        defects.group_by("rule", maintain_order=True)
        .agg(
            planted=pl.len(),
            killed=pl.col("killed").sum(),
            survivors=pl.col("what").filter(~pl.col("killed")).unique(maintain_order=True).str.join("; "),
        )
        .with_columns(rate=pl.col("killed") / pl.col("planted"))
        .sort("rule")
    )


def _plant(
    mutation: Mutation,
    shadow: dict[str, pl.DataFrame],
    rng: random.Random,
    spared: set[str],
    used: set[tuple[str, str]],
) -> list[tuple[str, str, str, str]]:
    frame = shadow.get(mutation.file)
    table = mutation.file.rpartition("/")[2]
    if frame is None or mutation.column not in frame.columns:
        return []
    able = pl.lit(True)
    for column, values in mutation.where.items():
        able &= pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase().is_in([v.lower() for v in values])
    for column in mutation.filled:
        able &= pl.col(column).is_not_null()
    for column in mutation.empty:
        able &= pl.col(column).is_null()
    for column, pattern in mutation.matching.items():
        able &= pl.col(column).cast(pl.String).str.contains(pattern)
    if mutation.everywhere:
        victims = frame.filter(able)[KEY].to_list()
        shadow[mutation.file], _ = MUTATORS[mutation.how](frame, mutation, victims)
        return [(mutation.rule, mutation.what, table, ANYTHING)] if victims else []
    if mutation.how == "point":
        return _point(mutation, shadow, frame.filter(able)[KEY].to_list(), rng)
    keys = [k for k in frame.filter(able)[KEY].to_list() if k not in spared and (mutation.file, k) not in used]
    need = mutation.times * (2 if mutation.how == "swap_rows" else 1)
    victims = rng.sample(keys, min(need, len(keys)))
    used.update((mutation.file, key) for key in victims)
    shadow[mutation.file], named = MUTATORS[mutation.how](frame, mutation, victims)
    used.update((mutation.file, key) for key in named)
    return [(mutation.rule, mutation.what, table, key) for key in named]


def _point(
    mutation: Mutation, shadow: dict[str, pl.DataFrame], able: list[str], rng: random.Random
) -> list[tuple[str, str, str, str]]:
    """Rows come to speak of rows of the file `value`, which are what the finding names."""
    targets = rng.sample(shadow[mutation.value][KEY].to_list(), mutation.times)
    chosen = dict(zip(rng.sample(able, min(mutation.times, len(able))), targets, strict=False))
    named = pl.col(KEY).replace_strict(chosen, default=None, return_dtype=pl.String)
    shadow[mutation.file] = _changed(shadow[mutation.file], mutation.column, list(chosen), named)
    table = mutation.value.rpartition("/")[2]
    return [(mutation.rule, mutation.what, table, key) for key in chosen.values()]


Mutator = Callable[[pl.DataFrame, Mutation, list[str]], tuple[pl.DataFrame, list[str]]]


def _changed(frame: pl.DataFrame, column: str, victims: list[str], value: pl.Expr) -> pl.DataFrame:
    dtype = frame.schema[column]
    return frame.with_columns(
        pl.when(pl.col(KEY).is_in(victims)).then(value.cast(dtype, strict=False)).otherwise(column).alias(column)
    )


def _set(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    return _changed(frame, mutation.column, victims, pl.lit(mutation.value)), victims


def _blank(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    return _changed(frame, mutation.column, victims, pl.lit(None)), victims


def _multiply(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    number = pl.col(mutation.column).cast(pl.String).cast(pl.Float64, strict=False) * mutation.value
    return _changed(frame, mutation.column, victims, number.round(4)), victims


def _shift_days(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    text = pl.col(mutation.column).cast(pl.String)
    moved = text.str.slice(0, 10).str.to_date(strict=False).dt.offset_by(f"{mutation.value}d").cast(pl.String)
    return _changed(frame, mutation.column, victims, moved + text.str.slice(10)), victims


def _cut(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    return _changed(frame, mutation.column, victims, pl.col(mutation.column).str.slice(0, mutation.value)), victims


def _append(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    text = pl.col(mutation.column).cast(pl.String).fill_null("")
    return _changed(frame, mutation.column, victims, text + mutation.value), victims


def _orphan(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    number = pl.lit(900_000_000) + pl.int_range(pl.len())
    return _changed(frame, mutation.column, victims, number), victims


def _repeat(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    """The same row again under a key of its own, after all others; the finding names the second."""
    highest = 800_000_000
    copies = frame.filter(pl.col(KEY).is_in(victims))
    new = pl.Series(KEY, [str(highest + n) for n in range(copies.height)])
    copies = copies.with_columns(new)
    if mutation.column != KEY and mutation.value != "same key":
        copies = copies.with_columns(new.cast(frame.schema[mutation.column], strict=False).alias(mutation.column))
    return pl.concat([frame, copies]), new.to_list()


def _swap_rows(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    """Pairs of rows that differ in the column `value`, their patient, exchange what stands in the column."""
    owners = dict(frame.select(KEY, mutation.value).iter_rows())
    values = dict(frame.select(KEY, mutation.column).iter_rows())
    pairs = [
        (a, b)
        for a, b in zip(victims[::2], victims[1::2], strict=False)
        if owners[a] != owners[b] and values[a] != values[b]
    ]
    partner = dict(pairs) | {b: a for a, b in pairs}
    swapped = [values[partner.get(key, key)] for key in frame[KEY].to_list()]
    return frame.with_columns(pl.Series(mutation.column, swapped, dtype=frame.schema[mutation.column])), list(partner)


def _swap_columns(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    one, other = mutation.column, mutation.value
    swapped = _changed(frame.with_columns(__one=pl.col(one)), one, victims, pl.col(other))
    return _changed(swapped, other, victims, pl.col("__one")).drop("__one"), victims


def _take(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    """The column takes what another column of the row holds."""
    return _changed(frame, mutation.column, victims, pl.col(mutation.value)), victims


def _share(frame: pl.DataFrame, mutation: Mutation, victims: list[str]):
    """All take what the first of them has."""
    first = frame.filter(pl.col(KEY) == victims[0])[mutation.column].item() if victims else None
    return _changed(frame, mutation.column, victims, pl.lit(first)), victims


MUTATORS: dict[str, Mutator] = {
    "set": _set,
    "blank": _blank,
    "multiply": _multiply,
    "shift_days": _shift_days,
    "cut": _cut,
    "append": _append,
    "orphan": _orphan,
    "repeat": _repeat,
    "swap_rows": _swap_rows,
    "swap_columns": _swap_columns,
    "take": _take,
    "share": _share,
}


def _paths_to_patients(catalogue: Catalogue) -> dict[str, tuple[str, str, str]]:
    """Table to (column, parent, column of the parent) of its shortest way to the patients."""
    paths: dict[str, tuple[str, str, str]] = {}
    near = {"patients"}
    for _ in range(3):
        found = {}
        for table in catalogue.tables:
            if table.name in paths or table.name == "patients" or table.growth != "patients":
                continue
            way = next((c for c in table.references if c.references[0] in near and c.references[0] != table.name), None)
            if way is not None:
                found[table.name] = (way.name, *way.references)
        paths |= found
        near |= set(found)
    return paths
