"""Values of columns that the audit classed as identifiers are recognised in a table, whatever its column is called.

The class of the column decides. A cell of text that is, as a whole and apart from capitals, a value of such a column is
withheld, with these exceptions, because then it is most likely something else:

- fewer than 4 characters, and whole numbers of fewer than 7 digits: counts, shares and years are everywhere;
- values that also stand in a column of text without an identifier's class: they are that column's (a facility's city);
- names of tables and columns, and words in small letters of the parameter files: they are ours (`system`, `unknown`).

Of a date with a time, the day alone is recognised too. Numbers are no text and pass: a count may equal anybody's
number; columns of numbers are judged by their name (see identifiers.py). What is kept are 64-bit hashes, in the private
workspace beside the values themselves, made anew when classes or values are newer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from ennu_lib.config import params_dir
from ennu_lib.workspace import Workspace

WITHHELD = "withheld"
CLASSES = "audit/classes"
FOLDERS = ("source", "clean")
SHORTEST, LONGEST = 4, 64
PLAIN_NUMBER = r"^[0-9]{1,6}$"
TIMED_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ t]"
SMALL_CELLS = 2_000_000
# Parameter files with names of people in them are no vocabulary.
OF_PEOPLE = {"clinic", "identity"}
_known = np.array([], dtype=np.uint64)
_ours: frozenset[str] = frozenset()


def learn_values(workspace: Workspace, identifying: frozenset[str]) -> None:
    """From now on withhold the values of the columns of `workspace` whose class is one of `identifying`."""
    global _known, _ours
    classes = workspace.scan(CLASSES).select("table", "column", "class").collect()
    parts = [_hashes(workspace, folder, classes, identifying) for folder in FOLDERS if workspace.names(folder)]
    _known = np.unique(np.concatenate(parts)) if parts else np.array([], dtype=np.uint64)
    _ours = _vocabulary(params_dir()) | set(classes["table"]) | set(classes["column"])


def forget_values() -> None:
    """Withhold nothing any more."""
    global _known, _ours
    _known, _ours = np.array([], dtype=np.uint64), frozenset()


def withhold_values(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """`frame` with a mark in place of every cell of text that is a learned value, and how many these are."""
    if not len(_known):
        return frame, 0
    found = {
        name: mask
        for name in frame.columns
        if frame[name].dtype == pl.String and (mask := _is_known(frame[name])).any()
    }
    marked = [pl.when(mask).then(pl.lit(WITHHELD)).otherwise(pl.col(name)).alias(name) for name, mask in found.items()]
    return frame.with_columns(marked), sum(int(mask.sum()) for mask in found.values())


def _is_known(texts: pl.Series) -> pl.Series:
    plain = texts.to_frame("v").select(v=_plain(pl.col("v")))
    hashed = plain.select(pl.col("v").hash()).to_series().to_numpy()
    known = pl.Series(_places(_known, hashed)[0])
    worth = plain.select(_worth(pl.col("v")).fill_null(False)).to_series()
    ours = [text is None or text.strip() in _ours for text in texts]
    return known & worth & ~pl.Series(ours, dtype=pl.Boolean)


def _places(known: np.ndarray, hashed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of `hashed` are in the sorted `known`, and where: a search for each, not a pass over all that is known."""
    if not len(known):
        return np.zeros(len(hashed), dtype=bool), np.array([], dtype=np.int64)
    places = np.minimum(np.searchsorted(known, hashed), len(known) - 1)
    found = known[places] == hashed
    return found, places[found]


def _plain(value: pl.Expr) -> pl.Expr:
    return value.str.strip_chars().str.to_lowercase()


def _worth(text: pl.Expr) -> pl.Expr:
    return text.str.len_chars().is_between(SHORTEST, LONGEST) & ~text.str.contains(PLAIN_NUMBER)


def _hashes(workspace: Workspace, folder: str, classes: pl.DataFrame, identifying: frozenset[str]) -> np.ndarray:
    name = f"guard/{folder}-{pl.__version__}"
    if not _is_fresh(workspace, name, folder):
        is_ours = pl.col("class").is_in(list(identifying))
        found = np.array([], dtype=np.uint64)
        for part in _parts(workspace, folder, classes.filter(is_ours)):
            found = np.union1d(found, part)
        common = np.zeros(len(found), dtype=bool)
        # Numbers of other columns are left out: they are most of all values, and a cell of text is hardly theirs.
        for part in _parts(workspace, folder, classes.filter(~is_ours), numbers=False):
            common[_places(found, part)[1]] = True
        workspace.write(name, pl.DataFrame({"hash": found[~common]}, schema={"hash": pl.UInt64}))
    return workspace.scan(name).collect()["hash"].to_numpy()


def _is_fresh(workspace: Workspace, name: str, folder: str) -> bool:
    if not workspace.exists(name):
        return False
    made = workspace.path(name).stat().st_mtime_ns
    since = [workspace.path(CLASSES), *(workspace.path(f"{folder}/{table}") for table in workspace.names(folder))]
    return all(path.stat().st_mtime_ns <= made for path in since)


def _parts(workspace: Workspace, folder: str, columns: pl.DataFrame, numbers: bool = True) -> Iterator[np.ndarray]:
    """Hashes of the values of `columns`: small tables together, large ones column by column, never all at once."""
    small: list[pl.DataFrame] = []
    for (table,), described in columns.partition_by("table", as_dict=True, maintain_order=True).items():
        if not workspace.exists(f"{folder}/{table}"):
            continue
        frame = workspace.scan(f"{folder}/{table}")
        kept = frame.collect_schema()
        wanted = [c for c in described["column"] if c in kept and _is_read(kept[c], numbers)]
        texts = frame.select(pl.col(wanted).cast(pl.String, strict=False))
        if wanted and frame.select(pl.len()).collect().item() * len(wanted) > SMALL_CELLS:
            for column in wanted:
                yield from _different(texts.select(pl.col(column).alias("v")))
        elif wanted:
            small.append(texts.collect().unpivot(value_name="v").select("v").unique())
        if sum(part.height for part in small) > SMALL_CELLS:
            yield from _different(pl.concat(small).lazy())
            small = []
    if small:
        yield from _different(pl.concat(small).lazy())


def _is_read(dtype: pl.DataType, numbers: bool) -> bool:
    return dtype == pl.String or (numbers and dtype != pl.Binary)


def _different(texts: pl.LazyFrame) -> Iterator[np.ndarray]:
    worth = texts.select(v=_plain(pl.col("v"))).filter(_worth(pl.col("v")))
    days = worth.filter(pl.col("v").str.contains(TIMED_DAY)).select(pl.col("v").str.slice(0, 10))
    for part in (worth, days):
        yield part.select(pl.col("v").hash().unique()).collect(engine="streaming").to_series().to_numpy()


@lru_cache(maxsize=2)
def _vocabulary(folder: Path) -> frozenset[str]:
    files = (p for p in folder.rglob("*.yml") if not OF_PEOPLE & set(p.relative_to(folder).parts))
    return frozenset(word for p in files for word in re.findall(r"[a-z][a-z0-9_-]*", p.read_text(encoding="utf-8")))
