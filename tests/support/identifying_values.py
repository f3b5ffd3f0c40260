"""Every value of the columns that a run's audit classed as identifiers, and which of them stand on a page.

Looked for without the guard's own code, by a rule of its own, since a short or common value is on any page by chance:

- values of fewer than 4 characters and whole numbers of fewer than 7 digits are left out;
- so are the days of the run itself, which its pages name;
- so are values that a column without an identifier's class holds as well, and words that this project itself writes;
- values with a digit, an @ or a blank are looked for as words anywhere; single words only as the whole text of a cell,
  or as one of several that a cell lists.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import polars as pl

from ennu_lib.audit.classes import IDENTIFIERS
from ennu_lib.config import project_root

CELL_ENDS = re.compile(r"<[^>]+>|\n")
UNSEEN = re.compile(r"<style.*?</style>|;base64,[^\"]*|\sd=\"[^\"]*\"", re.DOTALL)
LIST_PARTS = re.compile(r"[,;|]\s+|\s+\(\d[\d,]*\)")


def identifying_values(workspace: Path, run_days: Iterable[dt.date]) -> dict[str, set[str]]:
    """Values in small letters, by class, in the tables as they were read and as they were cleaned."""
    classes = pl.read_parquet(workspace / "audit/classes.parquet")
    found: dict[str, set[str]] = {}
    harmless: set[str] = set()
    for table, column, kind in classes.select("table", "column", "class").iter_rows():
        values = {v for folder in ("source", "clean") for v in _values(workspace / folder / f"{table}.parquet", column)}
        if kind in {str(c) for c in IDENTIFIERS}:
            found.setdefault(kind, set()).update(values)
        else:
            harmless |= values
    ours = (
        _words_of_ours()
        | {f"{day}" for day in run_days}
        | {str(name).lower() for column in ("table", "column") for name in classes[column]}
    )
    return {kind: {v for v in values - harmless - ours if _is_worth(v)} for kind, values in found.items()}


def shown(values: set[str], page: str) -> set[str]:
    """Those of `values` that stand on `page`."""
    text = html.unescape(UNSEEN.sub(" ", page)).lower()
    cells = {cell.strip() for cell in CELL_ENDS.split(text)}
    cells |= {part.strip() for cell in cells for part in LIST_PARTS.split(cell)}
    words = set(re.findall(r"[^\s<>\"'()\[\],;|=]+", text)) | set(re.findall(r"\d{4}-\d\d-\d\d", text))
    several = {v for v in values if " " in v and v in text}
    return (values & cells) | {v for v in values & words if re.search(r"[\d@]", v)} | several


def _is_worth(value: str) -> bool:
    return len(value) >= 4 and not re.fullmatch(r"\d{1,6}", value)


def _values(path: Path, column: str) -> set[str]:
    if not path.is_file() or column not in (schema := pl.read_parquet_schema(path)) or schema[column] == pl.Binary:
        return set()
    texts = pl.read_parquet(path, columns=[column])[column].cast(pl.String).drop_nulls().unique()
    values = {text.strip().lower() for text in texts}
    return values | {v[:10] for v in values if re.match(r"\d{4}-\d\d-\d\d[ t]", v)}


@lru_cache(maxsize=1)
def _words_of_ours() -> frozenset[str]:
    root = project_root()
    files = [*root.glob("notebooks/*.ipynb"), *root.glob("params/**/*.yml"), *root.glob("ennu_lib/**/*.py")]
    ours = (f for f in files if not {"clinic", "identity"} & set(f.relative_to(root).parts[:2]))
    return frozenset(word for f in ours for word in re.findall(r"[a-z][a-z_-]*", f.read_text(encoding="utf-8")))
