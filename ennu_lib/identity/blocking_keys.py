"""The keys that blocking rules may name: the fields, and what is derived from them, as integer codes."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl
from recordlinkage.preprocessing import phonetic

from ennu_lib.identity.people import People

BlockingKeys = dict[str, list[np.ndarray]]  # per key one or several int32 columns, one entry per record, -1: none
NONE = -1
_MOST_ROOTS = 4


def _slice(start: int, length: int | None) -> Callable[[pl.Series], pl.Series]:
    return lambda values: values.str.slice(start, length)


def _sound(values: pl.Series) -> pl.Series:
    return pl.Series(phonetic(pd.Series(values.to_list(), dtype=object), "metaphone").to_numpy(), dtype=pl.String)


_DERIVED: dict[str, tuple[str, Callable[[pl.Series], pl.Series]]] = {
    "first_initial": ("first_name", _slice(0, 1)),
    "first_two": ("first_name", _slice(0, 2)),
    "last_three": ("last_name", _slice(0, 3)),
    "last_sound": ("last_name", _sound),
    "birth_year": ("birth_date", _slice(0, 4)),
    "birth_year_month": ("birth_date", _slice(0, 6)),
    "birth_month_day": ("birth_date", _slice(4, 4)),
    "ssn_end": ("ssn", _slice(-4, None)),
}


def blocking_keys(people: People, nicknames: dict[str, tuple[str, ...]]) -> BlockingKeys:
    """Every key a rule may name. Codes that only one record has are left out: they can make no pair."""
    codes = {c: people.codes[c].cast(pl.Int32).fill_null(NONE).to_numpy() for c in people.codes.columns}
    keys = {f: [codes[c] for c in people.columns.get(f, [])] for f in (*people.columns, *people.absent)}
    for name, (field, derive) in _DERIVED.items():
        keys[name] = [_derived(people, column, codes[column], derive) for column in people.columns.get(field, [])]
    keys["first_root"] = _roots(people, codes, nicknames)
    keys["name_pair"] = _name_pair(codes)
    return {name: [c for c in _distinct(columns) if c.max(initial=NONE) >= 0] for name, columns in keys.items()}


def _derived(people: People, column: str, codes: np.ndarray, derive: Callable[[pl.Series], pl.Series]) -> np.ndarray:
    """Derive once per distinct value, then spread over the records."""
    used = _used(codes)
    table = np.full(len(people.dictionary(column)) + 1, NONE, np.int32)  # the last entry serves code -1
    derived = derive(people.dictionary(column).gather(used)).rank("dense").cast(pl.Int32).fill_null(NONE)
    table[used] = derived.to_numpy()
    return table[codes]


def _used(codes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.bincount(codes[codes >= 0]))


def _roots(people: People, codes: dict[str, np.ndarray], nicknames: dict[str, tuple[str, ...]]) -> list[np.ndarray]:
    """The formal names that a first or preferred name may stand for."""
    columns = [c for f in ("first_name", "preferred_name") for c in people.columns.get(f, [])]
    if not columns:
        return []
    used = _used(np.concatenate([codes[c] for c in columns]))
    number: dict[str, int] = {}
    table = np.full((len(people.dictionary(columns[0])) + 1, _MOST_ROOTS), NONE, np.int32)
    for code, name in zip(used.tolist(), people.dictionary(columns[0]).gather(used), strict=True):
        for place, root in enumerate((nicknames.get(name) or (name,))[:_MOST_ROOTS]):
            table[code, place] = number.setdefault(root, len(number))
    return [table[codes[c], place] for c in columns for place in range(_MOST_ROOTS)]


def _name_pair(codes: dict[str, np.ndarray]) -> list[np.ndarray]:
    """First and last name in either order."""
    if not {"first_name", "last_name"} <= set(codes):
        return []
    first, last = codes["first_name"].astype(np.int64), codes["last_name"].astype(np.int64)
    pair = np.minimum(first, last) << 32 | np.maximum(first, last)
    pair[(first < 0) | (last < 0)] = NONE
    number = pl.Series(pair).rank("dense").to_numpy().astype(np.int32)
    return [np.where(pair < 0, NONE, number)]


def _distinct(columns: list[np.ndarray]) -> list[np.ndarray]:
    """Null what an earlier column of the same record already says, and codes that no other record has."""
    result: list[np.ndarray] = []
    for column in columns:
        column = column.copy()
        for earlier in result:
            column[column == earlier] = NONE
        result.append(column)
    if result:
        counts = np.bincount(np.concatenate([c[c >= 0] for c in result]))
        for column in result:
            known = np.flatnonzero(column >= 0)
            column[known[counts[column[known]] == 1]] = NONE
    return result
