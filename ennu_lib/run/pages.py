"""Render the pages of a run: the distributable one into reports/, the one with exact counts into the workspace."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ennu_lib.errors import GateFailed
from ennu_lib.evidence import PhaseSpec, provenance, read_evidence
from ennu_lib.report.index import render_index, render_runs
from ennu_lib.report.outputs import DISTRIBUTABLE, INTERNAL
from ennu_lib.report.render import render_phase
from ennu_lib.run.record import PhaseRecord, RunRecord, write_manifest
from ennu_lib.workspace import Workspace, make_private, replacing

# Reports are for reviewers of any account; everything private is in the workspace.
HANDED_OUT = 0o644


def render_run_pages(workspace: Workspace, record: RunRecord, spec: PhaseSpec, notebook: Path, reports: Path) -> None:
    """Render the page of `spec`, the run's index and the list of runs, and hash them all into the manifest.

    Raises GateFailed, after writing a page without it, when a page would have shown personal data.
    """
    reports.mkdir(parents=True, exist_ok=True)
    entry = record.phase(spec.name)
    evidence = _evidence(workspace, entry)
    origin = evidence.get("provenance") or provenance(workspace.root / "run.yml")
    refused: GateFailed | None = None
    entry.page = f"{spec.name}.html"
    try:
        entry.page_sha256 = render_phase(notebook, evidence, origin, reports / entry.page, audience=DISTRIBUTABLE)
    except GateFailed as error:
        refused = error
    _render_internal(workspace, notebook, evidence, origin, spec)
    _render_overviews(workspace, record, reports, origin)
    if refused:
        raise refused


def _render_internal(workspace: Workspace, notebook: Path, evidence: dict, origin: dict, spec: PhaseSpec) -> None:
    target = workspace.root / "pages" / f"{spec.name}.html"
    make_private(target.parent)
    try:
        render_phase(notebook, evidence, origin, target, audience=INTERNAL)
    except GateFailed:
        return
    finally:
        if target.is_file():
            target.chmod(0o600)


def _evidence(workspace: Workspace, entry: PhaseRecord) -> dict[str, Any]:
    """The phase's own evidence; for a phase that failed, what the runner knows of it."""
    failed = workspace.root / "evidence" / f"{entry.phase}.failed.json"
    known = read_evidence(workspace, entry.phase) if entry.status == "passed" else None
    if known is None and failed.is_file():
        known = json.loads(failed.read_bytes())
    base = {
        "phase": entry.phase,
        "title": entry.title,
        "run_id": workspace.run_id,
        "verdict": entry.verdict,
        "headline": entry.message,
        "started": entry.started,
    }
    return {**base, **(known or {}), **({} if entry.status == "passed" else {"error": entry.error})}


def _render_overviews(workspace: Workspace, record: RunRecord, reports: Path, origin: dict[str, str]) -> None:
    phases = []
    for entry in record.phases:
        evidence = read_evidence(workspace, entry.phase) if entry.status == "passed" else None
        shown = {k: v for k, v in asdict(entry).items() if v not in ("", None)}
        phases.append({**(evidence or {}), **shown, "verdict": entry.verdict})
    facts = {k: v for k, v in origin.items() if not k.endswith("sha256")}
    run = {"run_id": record.run_id, "name": record.name, "environment": record.environment, **facts}
    render_index(run, phases, reports / "index.html")
    with replacing(reports / "run.json") as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_manifest(reports)
    render_runs(_all_runs(reports.parent), reports.parent / "index.html")
    for page in (*reports.iterdir(), reports.parent / "index.html"):
        page.chmod(HANDED_OUT)


def _all_runs(root: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(root.glob("*/run.json")):
        record = json.loads(path.read_bytes())
        started = [p["started"] for p in record["phases"] if p["started"]]
        found.append(
            {
                "run_id": record["run_id"],
                "environment": record["environment"],
                "started": min(started) if started else "",
                "phases": {p["phase"]: p["verdict"] for p in record["phases"]},
                "page": f"{path.parent.name}/index.html",
            }
        )
    return sorted(found, key=lambda run: run["started"], reverse=True)
