"""A phase at work: it reads and writes whole files, collects what it found, and leaves its evidence last."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ennu_lib.clock import Clock, SystemClock
from ennu_lib.config import RunParams, load_run, project_root, workspace_root
from ennu_lib.errors import GateFailed, OutOfOrder
from ennu_lib.evidence.findings import Finding, Severity, Status, verdict_of
from ennu_lib.evidence.phases import PHASES, PhaseSpec, phase_spec
from ennu_lib.evidence.provenance import provenance
from ennu_lib.keys import Keys, secret
from ennu_lib.progress import WATCHED, Progress
from ennu_lib.workspace import HELD, Workspace, sha256_of, storage

RUN_FILE = "run.yml"
NOT_PASSED = (Status.FAIL, Status.ERROR)
SECRETS = ".secrets"


class Phase:
    """What a notebook works with. Made by `open_phase`, ended by `finish`."""

    def __init__(self, spec: PhaseSpec, params: RunParams, workspace: Workspace, clock: Clock):
        self.spec = spec
        self.params = params
        self.workspace = workspace
        self.clock = clock
        self.started = clock.now()
        self.findings: list[Finding] = []
        self.evidence: dict[str, Any] = {}
        self.progress = Progress(workspace.root / ".progress" / f"{spec.name}.json", clock)
        self._counts: dict[str, int] = {}
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._not_done: list[str] = []
        self._inputs: dict[str, str] = {}
        self._outputs: dict[str, str] = {}
        self._known: dict[str, str] = {}

    @cached_property
    def keys(self) -> Keys:
        """Pseudonyms made with the run's secret key."""
        return Keys(self.secret(self.params.key))

    def secret(self, name: str) -> str:
        """The secret called `name`; rehearsals may keep generated ones in the workspace folder."""
        folder = workspace_root() / SECRETS if self.params.environment == "rehearsal" else None
        return secret(name, folder)

    @property
    def source_password(self) -> str | None:
        """The password of the source database, when the run file names one."""
        return self.secret(self.params.source.password) if self.params.source.password else None

    @property
    def counts(self) -> dict[str, int]:
        """The counts recorded so far."""
        return dict(self._counts)

    def named_progress(self, what: str, done: int, total: int) -> None:
        """`progress` for workers that name their step first."""
        self.progress(done, total, what)

    def scan(self, name: str) -> pl.LazyFrame:
        """A lazy frame over workspace file `name`, recorded as an input of this phase."""
        frame = self.workspace.scan(name)
        self.use(f"{name}.parquet")
        return frame

    def scan_table(self, table: str) -> pl.LazyFrame:
        """The rows of a source table: in standard form where phase 02 made it so, else as they were extracted."""
        return self.scan(f"clean/{table}" if self.workspace.exists(f"clean/{table}") else f"source/{table}")

    def use(self, file: str) -> Path:
        """The path of workspace file `file`, recorded as an input of this phase."""
        path = self.workspace.root / file
        if not path.is_file():
            raise OutOfOrder(f"{file} is not in run {self.workspace.run_id}; run the phase that writes it first")
        self._inputs[file] = self._known.get(file) or sha256_of(path)
        return path

    def used(self, *paths: Path) -> None:
        """Record files that the library reads from the workspace as inputs of this phase."""
        for path in paths:
            self.use(path.relative_to(self.workspace.root).as_posix())

    def write(self, name: str, frame: pl.DataFrame | pl.LazyFrame) -> Path:
        """Write `frame` to workspace file `name`, recorded as an output of this phase."""
        path = self.workspace.write(name, frame)
        self.wrote(path)
        return path

    def wrote(self, *paths: Path) -> None:
        """Record files that the library wrote into the workspace as outputs of this phase."""
        for path in paths:
            self._outputs[path.relative_to(self.workspace.root).as_posix()] = sha256_of(path)

    def count(self, **counts: int) -> None:
        """Record counts by name; the page and the index show these and no others."""
        self._counts.update({name: int(value) for name, value in counts.items()})

    def find(self, *findings: Finding) -> None:
        """Record the outcome of checks."""
        self.findings.extend(findings)

    def table(self, name: str, rows: pl.DataFrame | Iterable[Mapping[str, Any]]) -> None:
        """Record a small table of counts, so that every figure on the page is in the evidence too."""
        self._tables[name] = rows.to_dicts() if isinstance(rows, pl.DataFrame) else [dict(row) for row in rows]

    def not_done(self, *sentences: str) -> None:
        """Say in plain words what this phase did not do or did not check."""
        self._not_done.extend(sentences)

    def finish(self, headline: str, summary: str) -> dict[str, Any]:
        """Write the evidence, the end marker of the phase. Raises GateFailed if a blocking check failed."""
        self.evidence = {
            "phase": self.spec.name,
            "title": self.spec.title,
            "run_id": self.workspace.run_id,
            "environment": self.params.environment,
            "verdict": str(verdict_of(self.findings)),
            "headline": headline,
            "summary": summary,
            "counts": self._counts,
            "findings": [f.model_dump(mode="json") for f in self.findings],
            "tables": self._tables,
            "not_done": self._not_done,
            "inputs": dict(sorted(self._inputs.items())),
            "outputs": dict(sorted(self._outputs.items())),
            "provenance": provenance(self.workspace.root / RUN_FILE),
            "started": self.started.isoformat(timespec="seconds"),
            "finished": self.clock.now().isoformat(timespec="seconds"),
        }
        blocked = [f for f in self.findings if f.severity is Severity.BLOCK and f.status is Status.FAIL]
        self.progress.clear()
        name = f"evidence/{self.spec.name}"
        self.workspace.write_bytes(name, _canonical(self.evidence), ".failed.json" if blocked else ".json")
        HELD.release()
        if blocked:
            raise GateFailed(
                f"{self.spec.name}: {', '.join(f.id for f in blocked)} did not pass and may not be passed over; "
                "the page of this phase says what to repair"
            )
        return self.evidence


def open_phase(
    name: str, run: str | Path, run_id: str, *, clock: Clock | None = None, root: Path | None = None
) -> Phase:
    """Begin phase `name` of run `run_id` with the parameters of file `run` (relative to the checkout).

    ENNU_RUN and ENNU_RUN_ID, where set, stand in for both: so a notebook that nobody parameterizes can be pointed
    elsewhere.
    Raises OutOfOrder when a phase it builds on has not finished, or when a file has changed since it was written;
    GateFailed when a check of such a phase did not pass; AlreadyRunning when another process works on this run;
    ConfigurationError when the run file is wrong or is not the one this run began with.
    """
    spec = phase_spec(name)
    workspace = Workspace(os.environ.get("ENNU_RUN_ID") or run_id, root)
    if not os.environ.get(WATCHED):
        HELD.take(workspace)
    try:
        params = begin_run(os.environ.get("ENNU_RUN") or run, workspace)
        phase = Phase(spec, params, workspace, clock or SystemClock())
        forget_evidence(workspace, spec.name)
        phase._known = verify_needs(spec, workspace)
    except BaseException:
        HELD.release()
        raise
    return phase


def begin_run(run: str | Path, workspace: Workspace) -> RunParams:
    """Load the run file, and keep a copy in the workspace: a run id stands for one set of parameters."""
    path = Path(run) if Path(run).is_absolute() else project_root() / run
    params = load_run(path)
    text = path.read_bytes()
    frozen = workspace.root / RUN_FILE
    if not frozen.is_file():
        workspace.write_bytes("run", text, ".yml")
    elif frozen.read_bytes() != text:
        raise OutOfOrder(
            f"run {workspace.run_id} began with other parameters than {path.name} holds now; "
            "start a new run with another run id"
        )
    return params


def read_evidence(workspace: Workspace, phase: str) -> dict[str, Any] | None:
    """The evidence of `phase`, or None when it has not finished."""
    path = workspace.root / "evidence" / f"{phase}.json"
    return json.loads(path.read_bytes()) if path.is_file() else None


def forget_evidence(workspace: Workspace, phase: str) -> None:
    """Remove what an earlier attempt at `phase` left as its end: nobody may take it for that of the next attempt."""
    with storage(f"evidence/{phase}.json"):
        for ending in (".json", ".failed.json"):
            (workspace.root / "evidence" / f"{phase}{ending}").unlink(missing_ok=True)


def verify_needs(spec: PhaseSpec, workspace: Workspace) -> dict[str, str]:
    """Check every phase that `spec` builds on, directly or not; return the hashes of all files they wrote."""
    written: dict[str, str] = {}
    for needed in _closure(spec):
        evidence = read_evidence(workspace, needed.name)
        if evidence is None:
            raise OutOfOrder(f"{spec.name} builds on {needed.name}, which has not finished; run {needed.name} first")
        if evidence["verdict"] in NOT_PASSED:
            raise GateFailed(
                f"{spec.name} builds on {needed.name}, where a check did not pass; repair what its page names and run "
                f"{needed.name} again"
            )
        stale = [file for file, digest in evidence["inputs"].items() if written.get(file, digest) != digest]
        if stale:
            raise OutOfOrder(f"{stale[0]} was written again after {needed.name} had read it; run {needed.name} again")
        changed = [file for file, digest in evidence["outputs"].items() if _hash_of(workspace, file) != digest]
        if changed:
            raise OutOfOrder(
                f"{changed[0]} is missing or has changed since {needed.name} wrote it; run {needed.name} again"
            )
        written |= evidence["outputs"]
    return written


def _closure(spec: PhaseSpec) -> list[PhaseSpec]:
    needed: set[str] = set()
    pending = list(spec.needs)
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending.extend(phase_spec(name).needs)
    return [s for s in PHASES if s.name in needed]


def _hash_of(workspace: Workspace, file: str) -> str | None:
    path = workspace.root / file
    return sha256_of(path) if path.is_file() else None


def _canonical(evidence: dict[str, Any]) -> bytes:
    return json.dumps(evidence, sort_keys=True, indent=1, ensure_ascii=False, default=_plain).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return str(value)
