"""run.json and manifest.json: which phases ran, how each ended, and the hash of every file a reviewer is given."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ennu_lib.workspace import Workspace, replacing, sha256_of


@dataclass
class PhaseRecord:
    """One phase in run.json. `status` is not_run, passed, failed or interrupted."""

    phase: str
    title: str
    status: str = "not_run"
    verdict: str = "not_run"
    error: str = ""
    exit_code: int = 0
    message: str = ""
    started: str = ""
    seconds: float = 0.0
    rows: int = 0
    peak_mb: int = 0
    notebook_sha256: str = ""
    page: str = ""
    page_sha256: str = ""


@dataclass
class RunRecord:
    """The whole of run.json."""

    run_id: str
    name: str
    environment: str
    run_file: str
    phases: list[PhaseRecord] = field(default_factory=list)

    def phase(self, name: str) -> PhaseRecord:
        return next(p for p in self.phases if p.phase == name)


def load_record(workspace: Workspace, empty: RunRecord) -> RunRecord:
    """The record of an earlier part of this run, or `empty`."""
    path = workspace.root / "run.json"
    if not path.is_file():
        return empty
    known: dict[str, Any] = json.loads(path.read_bytes())
    phases = {p["phase"]: PhaseRecord(**p) for p in known.pop("phases")}
    return RunRecord(**known, phases=[phases.get(p.phase, p) for p in empty.phases])


def save_record(workspace: Workspace, record: RunRecord) -> Path:
    """Write run.json whole."""
    return workspace.write_bytes("run", json.dumps(asdict(record), indent=1, sort_keys=True).encode() + b"\n", ".json")


def write_manifest(folder: Path) -> Path:
    """Hash every file of a report folder into its manifest.json."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json" and p.name[0] != ".")
    hashes = {p.relative_to(folder).as_posix(): sha256_of(p) for p in files}
    target = folder / "manifest.json"
    with replacing(target) as temporary:
        temporary.write_text(json.dumps({"files": hashes}, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return target
