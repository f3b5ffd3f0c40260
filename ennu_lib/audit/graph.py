"""What hangs together: tables that must move together, the order in which they move, and where a cycle was cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ennu_lib.audit.subjects import Subject

ORDER = {"table": pl.String, "step": pl.Int64}
CUTS = {"table": pl.String, "column": pl.String, "parent": pl.String, "parent_column": pl.String, "reason": pl.String}
GROUPS = {"table": pl.String, "moves_with": pl.String}
FOUNDATION = "foundation"
APART = {Subject.REFERENCE, Subject.STAFF, Subject.ORGANIZATIONS, Subject.SYSTEM, Subject.OTHER}


def migration_order(tables: Iterable[str], relations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The step at which each table can move, parents first from step 1, and the relations that had to be cut.

    A table that points at itself is loaded first and linked in a second pass. In a longer cycle the relation with the
    fewest filled rows is cut, the least sure one of several: its links are set in the second pass.
    """
    names = sorted(tables)
    kept = relations.filter(pl.col("parent").is_in(names)).to_dicts()
    cuts = [_cut(r, "points at its own table") for r in kept if r["table"] == r["parent"]]
    kept = [r for r in kept if r["table"] != r["parent"]]
    while circle := _cycle(names, kept):
        weakest = min(circle, key=lambda r: (r["filled_rows"], r["confidence"], r["table"], r["column"]))
        cuts.append(_cut(weakest, "the relation with the fewest filled rows of a cycle"))
        kept.remove(weakest)
    step = _steps(names, kept)
    order = pl.DataFrame([{"table": t, "step": step[t]} for t in names], schema=ORDER).sort("step", "table")
    return order, pl.DataFrame(cuts, schema=CUTS)


def groups(
    subjects: Mapping[str, Subject], relations: pl.DataFrame, patients: str | None, always: float
) -> pl.DataFrame:
    """Of every table the table it moves with: the parent without which its rows cannot stand.

    Rows that name their parent in at least the share `always` of the cases cannot move without it. Lists, staff and
    organizations are the foundation that moves first. A table that hangs on the patients alone moves with them.
    """
    apart = {t for t, s in subjects.items() if s in APART} | {patients}
    bound = [
        r for r in relations.iter_rows(named=True)
        if r["table"] not in apart and r["parent"] not in apart and r["table"] != r["parent"]
        and r["rows"] and r["filled_rows"] >= always * r["rows"]
    ]  # fmt: skip
    names = sorted(t for t in subjects if t not in apart)
    _, label = connected_components(_matrix(names, bound), directed=False) if names else (0, [])
    members: dict[int, list[str]] = defaultdict(list)
    for name, number in zip(names, label, strict=True):
        members[number].append(name)
    near = {r["table"] for r in relations.iter_rows(named=True) if r["parent"] == patients}
    rows = []
    for tables in members.values():
        head = max(tables, key=lambda t: (sum(r["parent"] == t for r in bound), t))
        alone = len(tables) == 1 and tables[0] in near
        rows += [{"table": t, "moves_with": patients if alone else head} for t in tables]
    rows += [{"table": t, "moves_with": FOUNDATION} for t in sorted(t for t in apart if t and t != patients)]
    rows += [{"table": patients, "moves_with": patients}] if patients else []
    return pl.DataFrame(rows, schema=GROUPS).sort("table")


def _cycle(names: list[str], relations: list[dict]) -> list[dict]:
    """The relations within one strongly connected part, or nothing when there is no cycle."""
    if not relations:
        return []
    _, label = connected_components(_matrix(names, relations), directed=True, connection="strong")
    at = dict(zip(names, label, strict=True))
    inside = [r for r in relations if at[r["table"]] == at[r["parent"]]]
    return [r for r in inside if at[r["table"]] == at[inside[0]["table"]]]


def _matrix(names: list[str], relations: list[dict]) -> coo_matrix:
    at = {name: number for number, name in enumerate(names)}
    rows, columns = [at[r["table"]] for r in relations], [at[r["parent"]] for r in relations]
    return coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(names), len(names)))


def _steps(names: list[str], relations: list[dict]) -> dict[str, int]:
    parents: dict[str, set[str]] = defaultdict(set)
    for relation in relations:
        parents[relation["table"]].add(relation["parent"])
    step: dict[str, int] = {}
    waiting, now = set(names), 0
    while waiting:
        now += 1
        ready = {t for t in waiting if not parents[t] & waiting}
        step |= dict.fromkeys(ready, now)
        waiting -= ready
    return step


def _cut(relation: dict, reason: str) -> dict:
    return {**{k: relation[k] for k in CUTS if k != "reason"}, "reason": reason}
