"""The same matcher on any table of people, and the file in which reviewers' decisions are kept."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ennu_lib.errors import ConfigurationError, SourceChanged
from ennu_lib.identity.decisions import SCHEMA
from ennu_lib.identity.evaluate import at_thresholds, measure, pairs_within
from ennu_lib.identity.match import Identity, Progress, match_people
from ennu_lib.identity.params import FIELDS, IdentityParams

ROW = "row_number"


@dataclass(frozen=True)
class MatchedTable:
    """`clusters`: key, golden_id, role, probability, members. With a truth column, `at_thresholds` holds precision,
    recall and F1 of the scored pairs, and `merged` the measures of what was merged automatically."""

    identity: Identity
    clusters: pl.DataFrame
    at_thresholds: pl.DataFrame | None = None
    merged: dict[str, float] | None = None


def match_table(
    table: pl.LazyFrame | pl.DataFrame,
    columns: dict[str, str | list[str]],
    params: IdentityParams,
    *,
    key: str | None = None,
    truth: str | None = None,
    progress: Progress | None = None,
) -> MatchedTable:
    """Match any table of people.

    `columns` maps fields (first_name, birth_date, ...) to its columns; fields without one are not compared. Without
    `key` the rows are numbered from 1. `truth` names a column that is equal for rows of one person; it is used only
    to measure. Raises ConfigurationError for an unknown field and for columns of lists, structures or bytes,
    SourceChanged for a column that is not there.
    """
    frame = table.lazy().collect()
    _check(columns, [c for c in (key, truth) if c], frame.schema)
    if key is None:
        key = ROW
        while key in frame.columns:
            key += "_"
        frame = frame.with_row_index(key, offset=1)
    found = match_people(frame, params, key=key, columns=columns, progress=progress)
    if truth is None:
        return MatchedTable(found, found.clusters)
    true = pairs_within(frame, key, truth)
    merged = measure(pairs_within(found.clusters, "key", "golden_id"), true, len(frame))
    return MatchedTable(found, found.clusters, at_thresholds(found.pairs, true), merged)


def _check(columns: dict[str, str | list[str]], others: list[str], present: pl.Schema) -> None:
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        known = ", ".join(FIELDS)
        raise ConfigurationError("columns", [f"unknown field {field!r}; known are {known}" for field in unknown])
    named = [c for listed in columns.values() for c in ([listed] if isinstance(listed, str) else listed)]
    missing = sorted(set(named + others) - set(present))
    if missing:
        hint = "; it has one column only: are its values separated by commas?" if len(present) == 1 else ""
        raise SourceChanged(f"the table has no column {', '.join(map(repr, missing))}{hint}")
    strange = [c for c in named + others if present[c].is_nested() or present[c] in (pl.Binary, pl.Object)]
    if strange:
        what = "holds lists, structures or bytes; give a column of plain values"
        raise ConfigurationError("columns", [f"{c!r} {what}" for c in dict.fromkeys(strange)])


def append_decisions(path: Path, events: pl.DataFrame) -> None:
    """Add review events to the private decisions file, one JSON object per line; nothing in it is ever rewritten.

    On disk when it returns. What a power cut or a full disk left of a line goes first: it never was a decision.
    """
    lines = "".join(
        json.dumps(row, ensure_ascii=False) + "\n" for row in events.select(list(SCHEMA)).iter_rows(named=True)
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(_whole_lines(path.read_bytes()))
        file.truncate()
        file.write(lines.encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def _whole_lines(content: bytes) -> int:
    """How many bytes of the file are whole lines."""
    return content.rfind(b"\n") + 1


def read_decisions(path: Path) -> pl.DataFrame:
    """All review events in the order they were made; none where there is no file. Raises ConfigurationError for a line
    that is no event."""
    if not path.exists():
        return pl.DataFrame(schema=SCHEMA)
    rows, broken = [], []
    content = path.read_bytes()
    for number, line in enumerate(content[: _whole_lines(content)].split(b"\n")[:-1], 1):
        try:
            event = json.loads(line)
            rows.append({column: str(event[column]) for column in SCHEMA})
        except (ValueError, KeyError, TypeError):
            broken.append(f"line {number} is no decision")
    if broken:
        raise ConfigurationError(str(path), broken)
    return pl.DataFrame(rows, schema=SCHEMA)
