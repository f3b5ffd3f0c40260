"""Make `clean/` again from `source/` and the events: all of them, or without those of some rules.

Events are never removed. Which rules are undone stands in `clean/undone.json`; phase 02 honours it when it runs again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ennu_lib.errors import OutOfOrder, UsageError
from ennu_lib.quality.standard.declared import TableRules
from ennu_lib.quality.standard.events import batches, replayed, rules_of, stream_to, tables_of
from ennu_lib.quality.standard.table import Known, prepare
from ennu_lib.workspace import PART, Workspace, sha256_of

UNDONE = "clean/undone"


@dataclass(frozen=True)
class Rebuilt:
    """What rebuilding did: tables made again, those of them that differ from before, events left out."""

    tables: int
    changed: list[str]
    events_left_out: int


def undone_rules(workspace: Workspace) -> frozenset[str]:
    """The rules that somebody has undone in this run."""
    if not workspace.exists(UNDONE, ".json"):
        return frozenset()
    return frozenset(json.loads(workspace.path(UNDONE, ".json").read_bytes())["rules"])


def mark_undone(workspace: Workspace, rules: Iterable[str], **record: Any) -> None:
    """Write down which rules are undone, by whom and when."""
    text = json.dumps({"rules": sorted(rules), **record}, indent=1, sort_keys=True)
    workspace.write_bytes(UNDONE, text.encode(), ".json")


def rebuild(
    workspace: Workspace, rules: Mapping[str, TableRules], known: Known, undone: frozenset[str] = frozenset()
) -> Rebuilt:
    """Write every `clean/<table>` again from `source/<table>` and its events, without those of the rules `undone`.

    Raises OutOfOrder without events, and UsageError for a rule that made none.
    """
    if not workspace.exists("clean/events"):
        raise OutOfOrder(f"run {workspace.run_id} has no events; run 02_remediation first")
    events = workspace.scan("clean/events")
    strangers = sorted(undone - set(rules_of(events)))
    if strangers:
        raise UsageError(f"no event was made by rule {', '.join(strangers)}; rules with events: {_named(events)}")
    changed = []
    tables = [t for t in rules if workspace.exists(f"source/{t}")]
    having = set(tables_of(events))
    for table in tables:
        source, target = workspace.scan(f"source/{table}"), workspace.path(f"clean/{table}")
        before = sha256_of(target) if target.is_file() else None
        standard = prepare(rules[table], source, known, undone)
        source = source.with_columns(standard.given_zones(source.collect_schema().names()))
        if table in having:
            source = replayed(source, events.filter(pl.col("table") == table), undone)
        again = workspace.write(
            f"clean/{PART}{os.getpid()}-replayed-{table}",
            source.with_columns(pl.col(standard.read_as_text).cast(pl.String)),
        )
        try:
            stream_to(target, (standard.derive(portion) for portion in batches(again)))
        finally:
            again.unlink()
        if sha256_of(target) != before:
            changed.append(table)
    left_out = events.filter(pl.col("rule").is_in(sorted(undone))).select(pl.len()).collect().item()
    return Rebuilt(len(tables), changed, left_out)


def _named(events: pl.LazyFrame) -> str:
    return ", ".join(rules_of(events)) or "none"
