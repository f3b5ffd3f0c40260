"""Checks that prove they can fail: a shadow copy of a sample, defects planted into it, and which rule found which.

What is planted, and which rule must find it, is data (`params/rules/mutations.yml`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import polars as pl

from ennu_lib.rules.definition import Moment, Rule
from ennu_lib.rules.engine import run_rules
from ennu_lib.rules.mutation_plan import Mutation, Mutations
from ennu_lib.rules.mutators import ID, MUTATORS, changed
from ennu_lib.rules.shadow import Shadow
from ennu_lib.rules.tables import Tables

ANYTHING = "*"
SPEAKING = ("point", "note")  # these rows are about rows of another file
PLANTED = {"rule": pl.String, "what": pl.String, "table": pl.String, "key": pl.String}
NOTHING_COUNTED, NO_ROW = "the sample has nothing that it counts over", "the sample has no row to plant into"


@dataclass
class _Planting:
    """What was planted so far, and the rows that may not be used again."""

    rng: random.Random
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)


def kill_rates(tables: Tables, rules: dict[str, Rule], plan: Mutations, moment: Moment, seed: int) -> pl.DataFrame:
    """Plant the plan's defects of rules of `moment` into a shadow copy and run these rules before and after.

    Returns one row per defect: rule, what, table, key, killed. A defect counts as killed when its rule names its row
    now and did not before. A rule that could not be tried has one row without key, with the reason as `what`. The copy
    is in memory; nothing is written. Rules about every table see those that the other rules asked for.
    """
    chosen = [rule for rule in rules.values() if rule.moment == moment]
    ids = {rule.id for rule in chosen}
    wanted = sorted((m for m in plan.mutations if m.rule in ids), key=lambda m: not m.everywhere)
    shadow = Shadow(tables, plan.sample_patients, plan.sample_rows, seed, whole_people=moment != "source")
    for mutation in wanted:
        shadow.read(mutation.file)
        if mutation.how in SPEAKING:
            shadow.read(mutation.value)
    before, applicable = _named(chosen, shadow)
    planting = _Planting(random.Random(seed))
    for mutation in wanted:
        if mutation.rule in applicable:
            spared = set(before.filter(pl.col("rule") == mutation.rule)["key"].to_list())
            _plant(mutation, shadow.frames, planting, spared)
    after, _ = _named(chosen, shadow)
    found = _killed(planting.rows, after.join(before, on=["rule", "table", "key"], how="anti"))
    return pl.concat([found, _untried(ids, applicable, found)])


def by_rule(defects: pl.DataFrame) -> pl.DataFrame:
    """Per rule: defects planted, killed, the rate, and what survived; a rule that was not tried has no rate.

    Columns: rule, planted, killed, survivors, rate, not_tried.
    """
    planted = pl.col("killed").is_not_null()
    return (
        defects.group_by("rule", maintain_order=True)
        .agg(
            planted=planted.sum(),
            killed=pl.col("killed").sum(),
            survivors=pl.col("what").filter(~pl.col("killed")).unique(maintain_order=True).str.join("; "),
            not_tried=pl.col("what").filter(~planted).str.join("; "),
        )
        .with_columns(rate=pl.when(pl.col("planted") > 0).then(pl.col("killed") / pl.col("planted")))
        .select("rule", "planted", "killed", "survivors", "rate", "not_tried")
        .sort("rule")
    )


def _killed(planted: list[tuple[str, str, str, str]], new: pl.DataFrame) -> pl.DataFrame:
    """Which defects the new findings name; those everywhere are found by a finding that names none of the others."""
    rows = pl.DataFrame(planted, schema=PLANTED, orient="row")
    beyond = new.join(rows, on=["rule", "table", "key"], how="anti")
    anything = beyond.select("rule", key=pl.lit(ANYTHING), any=pl.lit(True)).unique()
    found = rows.join(new.with_columns(found=True), on=["rule", "table", "key"], how="left", maintain_order="left")
    found = found.join(anything, on=["rule", "key"], how="left", maintain_order="left")
    return found.with_columns(killed=pl.coalesce("found", "any").fill_null(False)).drop("found", "any")


def _untried(ids: set[str], applicable: set[str], found: pl.DataFrame) -> pl.DataFrame:
    left = sorted(ids - set(found["rule"].to_list()))
    rows = [(rule, NO_ROW if rule in applicable else NOTHING_COUNTED, None, None, None) for rule in left]
    return pl.DataFrame(rows, schema=PLANTED | {"killed": pl.Boolean}, orient="row")


def _named(rules: list[Rule], shadow: Shadow) -> tuple[pl.DataFrame, set[str]]:
    """Which rule names which row of the shadow copy, and which rules have anything to count over in it."""
    about_all = [rule for rule in rules if rule.tables[0].startswith("every table")]
    tables = shadow.tables()
    runs = [run_rules([rule for rule in rules if rule not in about_all], tables)]
    shadow.closed = True
    runs.append(run_rules(about_all, tables))
    named = pl.concat([run.issues for run in runs]).select("rule", "table", "key").unique()
    return named, {id for run in runs for id, result in run.results.items() if result.population}


def _plant(mutation: Mutation, shadow: dict[str, pl.DataFrame], planting: _Planting, spared: set[str]) -> None:
    frame = shadow.get(mutation.file)
    needed = {*mutation.matching, *mutation.filled, *mutation.empty}
    if mutation.how != "add":
        needed |= {mutation.column, *mutation.where}
    if frame is None or not needed <= set(frame.columns):
        return
    frame = frame.with_columns(_ids(mutation, frame).alias(ID))
    able = [] if mutation.how == "note" else frame.filter(_able(mutation))[ID].to_list()
    if mutation.how in SPEAKING:
        _speak_of_others(mutation, shadow, able, planting)
        return
    if mutation.everywhere and len(able) < mutation.needs:
        return
    if mutation.everywhere:
        shadow[mutation.file] = MUTATORS[mutation.how](frame, mutation, able)[0].drop(ID)
        planting.rows.append((mutation.rule, mutation.what, mutation.table, ANYTHING))
        return
    # In the order of their names: a source that delivers its rows in another order gets the same defects.
    free = sorted(id for id in able if _short(id, mutation) not in spared and (mutation.file, id) not in planting.used)
    need = mutation.times * (2 if mutation.how == "swap_rows" else 1)
    victims = planting.rng.sample(free, min(need, len(free)))
    spoiled, named = MUTATORS[mutation.how](frame, mutation, victims)
    shadow[mutation.file] = spoiled.drop(ID)
    planting.used.update((mutation.file, id) for id in (*victims, *named))
    planting.rows += [(mutation.rule, mutation.what, mutation.table, _short(id, mutation)) for id in named]


def _ids(mutation: Mutation, frame: pl.DataFrame) -> pl.Expr:
    """What names the rows: a column, or their place in the file."""
    return (pl.col(mutation.row_id) if mutation.row_id in frame.columns else pl.int_range(pl.len())).cast(pl.String)


def _short(id: str, mutation: Mutation) -> str:
    return id.removeprefix(mutation.prefix)


def _able(mutation: Mutation) -> pl.Expr:
    able = pl.col(ID).is_not_null()
    for column, values in mutation.where.items():
        able &= pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase().is_in([v.lower() for v in values])
    for column in mutation.filled:
        able &= pl.col(column).is_not_null()
    for column in mutation.empty:
        able &= pl.col(column).is_null()
    for column, pattern in mutation.matching.items():
        able &= pl.col(column).cast(pl.String).str.contains(pattern)
    return able


def _speak_of_others(mutation: Mutation, shadow: dict[str, pl.DataFrame], able: list[str], planting: _Planting) -> None:
    """Rows of the file come to speak of rows of the file `value`, which are what the finding names.

    Rows that are there are changed (`point`), or rows are added that hold this and what `where` says (`note`).
    """
    frame, targets = shadow[mutation.file], shadow.get(mutation.value)
    if targets is None:
        return
    for column, values in mutation.of.items():
        targets = targets.filter(pl.col(column).is_in(values))
    names = sorted(targets[mutation.row_id].cast(pl.String).drop_nulls().to_list())
    times = min(mutation.times, len(names), len(able) if mutation.how == "point" else len(names))
    chosen = planting.rng.sample(names, times)
    if mutation.how == "note":
        said = {column: values[0] for column, values in mutation.where.items()}
        added = pl.DataFrame({mutation.column: chosen}).with_columns(pl.lit(v).alias(c) for c, v in said.items())
        shadow[mutation.file] = pl.concat([frame, added], how="diagonal_relaxed")
    else:
        pairs = dict(zip(planting.rng.sample(sorted(able), times), chosen, strict=True))
        named = pl.col(ID).replace_strict(pairs, default=None, return_dtype=pl.String)
        spoiled = changed(frame.with_columns(_ids(mutation, frame).alias(ID)), mutation.column, list(pairs), named)
        shadow[mutation.file] = spoiled.drop(ID)
    table = mutation.value.rpartition("/")[2]
    planting.rows += [(mutation.rule, mutation.what, table, key) for key in chosen]
