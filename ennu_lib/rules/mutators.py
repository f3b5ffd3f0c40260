"""How rows are spoiled: blank, multiply, swap, shift, cut, repeat, lose. No mutator knows anything of a rule.

A mutator takes a frame with the column ID, the mutation and the ids of its victims, and gives back the frame and the
ids by which a finding must now name the spoiled rows.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from ennu_lib.rules.mutation_plan import Mutation
from ennu_lib.rules.tables import KEY

ID = "__id"
REPEATED, NOBODY = 800_000_000, 900_000_000  # where numbers begin that no clinic has given
Spoiled = tuple[pl.DataFrame, list[str]]
Mutator = Callable[[pl.DataFrame, Mutation, list[str]], Spoiled]


def changed(frame: pl.DataFrame, column: str, victims: list[str], value: pl.Expr) -> pl.DataFrame:
    """`column` holds `value` in the rows of the victims; its type stays."""
    dtype = frame.schema[column]
    return frame.with_columns(
        pl.when(pl.col(ID).is_in(victims)).then(value.cast(dtype, strict=False)).otherwise(column).alias(column)
    )


def _set(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    return changed(frame, mutation.column, victims, pl.lit(mutation.value)), victims


def _add(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """As `set`, in a column that the file need not have."""
    if mutation.column not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(mutation.column))
    return _set(frame, mutation, victims)


def _blank(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    return changed(frame, mutation.column, victims, pl.lit(None)), victims


def _multiply(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    number = pl.col(mutation.column).cast(pl.String).cast(pl.Float64, strict=False) * mutation.value
    return changed(frame, mutation.column, victims, number.round(4)), victims


def _shift_days(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    text = pl.col(mutation.column).cast(pl.String)
    day = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    moved = day.dt.offset_by(f"{mutation.value}d").cast(pl.String)
    return changed(frame, mutation.column, victims, moved + text.str.slice(10)), victims


def _cut(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    return changed(frame, mutation.column, victims, pl.col(mutation.column).str.slice(0, mutation.value)), victims


def _append(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    text = pl.col(mutation.column).cast(pl.String).fill_null("")
    return changed(frame, mutation.column, victims, text + mutation.value), victims


def _orphan(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    return changed(frame, mutation.column, victims, pl.lit(NOBODY) + pl.int_range(pl.len())), victims


def _stranger(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """Rows are named by an id that nobody was given."""
    new = {victim: f"{mutation.prefix}{NOBODY + n}" for n, victim in enumerate(victims)}
    named = pl.col(ID).replace_strict(new, default=None, return_dtype=pl.String)
    return changed(frame, mutation.column, victims, named), list(new.values())


def _repeat(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """The same row again under a key of its own, after all others; the finding names the second."""
    copies = frame.filter(pl.col(ID).is_in(victims))
    new = pl.Series(KEY, [str(REPEATED + n) for n in range(copies.height)])
    copies = copies.with_columns(new, new.alias(ID))
    if mutation.column != KEY and mutation.value != "same key":
        copies = copies.with_columns(new.cast(frame.schema[mutation.column], strict=False).alias(mutation.column))
    return pl.concat([frame, copies]), new.to_list()


def _double(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """The very same row twice."""
    return pl.concat([frame, frame.filter(pl.col(ID).is_in(victims))]), victims


def _drop(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """The rows are lost."""
    return frame.filter(~pl.col(ID).is_in(victims)), victims


def _swap_rows(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """Pairs of rows that differ in the column `value`, their patient, exchange what stands in the column."""
    owners = dict(frame.select(ID, mutation.value).iter_rows())
    values = dict(frame.select(ID, mutation.column).iter_rows())
    pairs = [
        (a, b)
        for a, b in zip(victims[::2], victims[1::2], strict=False)
        if owners[a] != owners[b] and values[a] != values[b]
    ]
    partner = dict(pairs) | {b: a for a, b in pairs}
    swapped = [values[partner.get(key, key)] for key in frame[ID].to_list()]
    return frame.with_columns(pl.Series(mutation.column, swapped, dtype=frame.schema[mutation.column])), list(partner)


def _swap_columns(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    one, other = mutation.column, mutation.value
    swapped = changed(frame.with_columns(__one=pl.col(one)), one, victims, pl.col(other))
    return changed(swapped, other, victims, pl.col("__one")).drop("__one"), victims


def _take(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """The column takes what another column of the row holds."""
    return changed(frame, mutation.column, victims, pl.col(mutation.value)), victims


def _share(frame: pl.DataFrame, mutation: Mutation, victims: list[str]) -> Spoiled:
    """All take what the first of them has."""
    first = frame.filter(pl.col(ID) == victims[0])[mutation.column][0] if victims else None
    return changed(frame, mutation.column, victims, pl.lit(first)), victims


MUTATORS: dict[str, Mutator] = {
    "set": _set,
    "add": _add,
    "blank": _blank,
    "multiply": _multiply,
    "shift_days": _shift_days,
    "cut": _cut,
    "append": _append,
    "orphan": _orphan,
    "stranger": _stranger,
    "repeat": _repeat,
    "double": _double,
    "drop": _drop,
    "swap_rows": _swap_rows,
    "swap_columns": _swap_columns,
    "take": _take,
    "share": _share,
}
