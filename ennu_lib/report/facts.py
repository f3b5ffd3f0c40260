"""Provenance: which run, code, parameters and files a page speaks of. All that differs from run to run stands here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from ennu_lib.report.formats import DASH, digest, duration, label, moment
from ennu_lib.report.grid import Column, grid
from ennu_lib.report.html import NOTHING, Html, block, element, join

ORDER = ("run_id", "environment", "operator", "started", "finished", "duration", "workbook", "commit", "parameters")
SLOW_SECONDS = 1.0
SLOWEST = 3
_SHA256 = re.compile(r"[0-9a-f]{64}")


def facts(entries: Mapping[str, object], title: str = "Provenance") -> Html:
    """A list of names and values. Known keys come first and in a fixed order; hashes and times are set as such."""
    given = {key: value for key, value in entries.items() if value not in (None, "")}
    keys = [key for key in ORDER if key in given] + [key for key in given if key not in ORDER]
    pairs = (part for key in keys for part in (element("dt", label(key)), element("dd", _value(given[key]))))
    return element("div", element("h2", title), element("dl", *pairs), class_="facts")


def phase_entries(evidence: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, object]:
    """What the facts of a phase list: its evidence and the runner's provenance, whose word is the last."""
    given = {**evidence.get("provenance", {}), **provenance}
    entries: dict[str, object] = {"run_id": evidence.get("run_id"), "environment": evidence.get("environment")}
    entries |= {"started": evidence.get("started"), "finished": evidence.get("finished")}
    entries["duration"] = elapsed(evidence.get("started"), evidence.get("finished"))
    for side in ("inputs", "outputs"):
        if evidence.get(side):
            entries[side] = f"{_files(len(evidence[side]))}, listed at the end with SHA-256"
    return entries | {key: value for key, value in given.items() if value not in (None, "")}


def elapsed(started: str | None, finished: str | None) -> str:
    """The time between two ISO times as people say it; empty when one is missing."""
    if not (started and finished):
        return ""
    return duration((dt.datetime.fromisoformat(finished) - dt.datetime.fromisoformat(started)).total_seconds())


def runner_entries(notebook: NotebookNode | None, injected: str) -> dict[str, object]:
    """The parameters the runner gave, and the slowest cells."""
    entries: dict[str, object] = {}
    lines = [line for line in injected.splitlines() if line.strip() and not line.startswith("#")]
    if lines:
        entries["given_to_the_notebook"] = join((element("code", line) for line in lines), "<br>")
    slow = _slowest(notebook) if notebook else ""
    return entries | ({"slowest_cells": slow} if slow else {})


def files_appendix(evidence: Mapping[str, Any]) -> Html:
    """Every file the phase read or wrote with its SHA-256; nothing when it touched none."""
    files = [
        (side, name, sha) for side in ("inputs", "outputs") for name, sha in sorted(evidence.get(side, {}).items())
    ]
    if not files:
        return NOTHING
    words = {"inputs": "read", "outputs": "written"}
    rows = [[element("code", name), words[side], digest(sha)] for side, name, sha in files]
    listed = grid("Files read and written by this phase", [Column("File"), Column("Use"), Column("SHA-256")], rows)
    summary = element("summary", f"{_files(len(files))} with SHA-256")
    return block("files", element("details", summary, listed))


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _slowest(notebook: NotebookNode) -> str:
    times = []
    for place, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        seconds = cell.metadata.get("papermill", {}).get("duration") or 0
        if seconds >= SLOW_SECONDS:
            times.append((seconds, place))
    return ", ".join(f"cell {place} {duration(seconds)}" for seconds, place in sorted(times, reverse=True)[:SLOWEST])


def _value(value: object) -> object:
    text = value if isinstance(value, Html) else str(value)
    if isinstance(text, str) and _SHA256.fullmatch(text):
        return digest(text)
    if isinstance(text, str) and re.match(r"\d{4}-\d{2}-\d{2}T", text):
        return moment(text)
    return text or DASH
