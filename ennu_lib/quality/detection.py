"""Score the rules on a run of the synthetic clinic: recall and false alarms per kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from ennu_lib.config import RunParams, params_dir, workspace_root
from ennu_lib.errors import GateFailed, OutOfOrder, UsageError
from ennu_lib.evidence.phase import read_evidence
from ennu_lib.rules import MOMENTS, load_rules, run_rules, workspace_tables
from ennu_lib.rules.labels import Detection, classed, load_detection, looked_for, scored, undetected
from ennu_lib.workspace import Workspace

AUDIT = "01_audit"
LABELS = "labels.parquet"
OLD_SCORES = "score_truth.parquet"
PARITY = "scores/parity"


def score_run(params: RunParams, run_id: str | None) -> tuple[str, pl.DataFrame, Detection, list[str]]:
    """Run the rules over the extracted tables of a run and hold them against the clinic's labels.

    Without a run id it is the newest run of the file's name. Returns the run's name, the score per kind, what it must
    reach, and the kinds that no rule looks for. Raises UsageError where there are no labels.
    """
    labels = labels_of(params)
    if not labels.is_file():
        raise UsageError(f"there are no labels of clinic {params.name}; build it with ennu clinic build")
    workspace = Workspace(run_id or newest_run(params.name))
    if read_evidence(workspace, AUDIT) is None:
        raise OutOfOrder(f"run {workspace.run_id} has not finished {AUDIT}; run it first")
    rules = load_rules(params_dir() / "rules")
    detection = load_detection(params_dir() / "rules" / "detection.yml", set(rules))
    tables = workspace_tables(workspace, params.today, in_memory=True)
    found = run_rules(looked_for(rules, detection), tables)
    planted = pl.read_parquet(labels)
    return workspace.run_id, scored(found.issues, planted, tables, detection), detection, undetected(planted, detection)


def newest_run(name: str) -> str:
    """The run of that name that extracted its source last. Raises UsageError when there is none."""
    runs = sorted(
        workspace_root().glob(f"{name}*/evidence/{AUDIT}.json"), key=lambda path: (path.stat().st_mtime, str(path))
    )
    if not runs:
        raise UsageError(f"no run of {name} has finished {AUDIT}; start one with ennu run, or name it with --run-id")
    return runs[-1].parent.parent.name


def as_text(name: str, score: pl.DataFrame, detection: Detection, unlooked: list[str]) -> str:
    """The score as lines for the terminal, kinds that miss their target marked."""
    lines = [f"run {name}: {score['planted'].sum():,} labelled rows of {score.height} kinds"]
    lines.append(f"{'kind':<24}{'planted':>9}{'found':>9}{'recall':>9}{'clean':>11}{'alarms':>9}{'share':>9}")
    for row in score.iter_rows(named=True):
        mark = "" if reached(row, detection) else "  missed"
        lines.append(
            f"{row['kind']:<24}{row['planted']:>9,}{row['found']:>9,}{row['recall']:>9.3f}"
            f"{row['clean']:>11,}{row['alarms']:>9,}{row['alarm_share']:>9.4f}{mark}"
        )
    missed = sum(not reached(row, detection) for row in score.iter_rows(named=True))
    lines.append(
        f"{score.height - missed} of {score.height} kinds reach recall {detection.recall} "
        f"with at most {detection.false_alarms:.0%} false alarms"
    )
    if unlooked:
        lines.append(f"not looked for by a row-level rule: {', '.join(unlooked)}")
    return "\n".join(lines)


def reached(row: dict, detection: Detection) -> bool:
    """Whether one kind reaches both targets."""
    return row["recall"] >= detection.recall and row["alarm_share"] <= detection.false_alarms


def labels_of(params: RunParams) -> Path:
    """Where the labels of the synthetic clinic of a run file are."""
    return workspace_root() / "clinic" / f"{params.name}.labels" / LABELS


def kill_text(run_id: str) -> str:
    """The kill rates that the pages of the run show, as lines; says so where a phase has not finished."""
    lines, planted, killed, tried = [], 0, 0, 0
    for phase in MOMENTS.values():
        rates = (read_evidence(Workspace(run_id), phase) or {}).get("tables", {}).get("kill_rates")
        if not rates:
            lines.append(f"  {phase} has not finished; its rules are not among them")
            continue
        tried += sum(r["planted"] > 0 for r in rates)
        planted, killed = planted + sum(r["planted"] for r in rates), killed + sum(r["killed"] for r in rates)
        lines += [f"  {r['rule']} {r['rate']:.0%}: {r['survivors']}" for r in rates if r["planted"] and r["rate"] < 1]
        lines += [f"  {r['rule']} not applicable: {r['not_tried']}" for r in rates if not r["planted"]]
    share = f", {killed / planted:.1%}" if planted else ""
    return "\n".join([f"kill rate over {tried} rules: {killed} of {planted} planted defects found{share}", *lines])


def parity_text(params: RunParams, run_id: str, detection: Detection) -> str:
    """How parity classed the stored scores that were computed otherwise, as a line; says so before phase 05."""
    truth, workspace = labels_of(params).with_name(OLD_SCORES), Workspace(run_id)
    if not truth.is_file():
        return "stored scores: how the old software computed them is not known"
    if not workspace.exists(PARITY):
        return "stored scores: 05_health_scores has not finished"
    found = classed(pl.read_parquet(truth), workspace.scan(PARITY).collect(), detection)
    ways = (f"{row['way']} {row['found']} of {row['planted']}" for row in found.iter_rows(named=True))
    planted, right = found["planted"].sum(), found["found"].sum()
    return f"stored scores computed otherwise: {right} of {planted} have the class of their cause ({', '.join(ways)})"


def detect(params: RunParams, run_id: str | None, say: Callable[[str], None]) -> None:
    """Print the score per kind. Raises GateFailed when a kind misses its target."""
    name, found, detection, unlooked = score_run(params, run_id)
    say(as_text(name, found, detection, unlooked))
    say(kill_text(name))
    say(parity_text(params, name, detection))
    missed = [row["kind"] for row in found.iter_rows(named=True) if not reached(row, detection)]
    if missed:
        raise GateFailed(f"{len(missed)} kinds miss their target: {', '.join(missed)}")
