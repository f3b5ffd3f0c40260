"""Run the notebooks of a migration in order, render each page at once, and say in one line how each ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ennu_lib import emulator, errors
from ennu_lib.clock import Clock, SystemClock
from ennu_lib.config import RunParams, project_root, reports_root, workspace_root
from ennu_lib.evidence import PHASES, PhaseSpec, begin_run, forget_evidence, phase_spec, read_evidence
from ennu_lib.evidence.phase import NOT_PASSED, SECRETS
from ennu_lib.hubspot.opening import PORTAL_URL, open_portal
from ennu_lib.keys import make_rehearsal_key, secret
from ennu_lib.progress import WATCHED, duration
from ennu_lib.run.execute import Ending, execute
from ennu_lib.run.pages import render_run_pages
from ennu_lib.run.record import PhaseRecord, RunRecord, load_record, save_record
from ennu_lib.run.watch import PhaseWatch
from ennu_lib.workspace import Workspace, make_private, sha256_of

REHEARSAL_TOKEN = "test-token"


class Runner:
    """One call of `ennu run`. `say` prints a line; `live` is true when lines may be rewritten (a terminal)."""

    def __init__(self, run_file: str, run_id: str, say, *, live: bool = False, clock: Clock | None = None):
        self.run_file = run_file
        self.workspace = Workspace(run_id)
        self.say = say
        self.live = live
        self.clock = clock or SystemClock()
        self.reports = reports_root() / run_id

    def run(self, phases: list[PhaseSpec]) -> RunRecord:
        """Run `phases`. Raises the failed phase's own error after its page and the index are written.

        A live portal that a later phase needs must answer before the first one begins: TargetUnreachable,
        TargetRefused and SecretMissing come before hours of reading, not after.
        """
        with self.workspace.lock(), stoppable():
            self.workspace.remove_leftovers()
            params = begin_run(self.run_file, self.workspace)
            record = load_record(self.workspace, self._empty(params))
            with portal(params):
                if params.target.url and any(spec.portal for spec in phases):
                    open_portal(params, secret(params.target.token)).close()
                for spec in phases:
                    ending = self._phase(spec, params, record)
                    if not ending.ok:
                        raise _as_error(ending, spec)
        return record

    def _phase(self, spec: PhaseSpec, params: RunParams, record: RunRecord) -> Ending:
        entry = record.phase(spec.name)
        entry.started = self.clock.now().isoformat(timespec="seconds")
        began = time.monotonic()
        output = self._cleared(spec)
        watch = PhaseWatch(
            spec.name, self._progress_file(spec), self.say, live=self.live, hours=params.runner.phase_hours
        )
        with watch.watching():
            try:
                ending = execute(
                    project_root() / "notebooks" / spec.notebook,
                    output,
                    {"run": self.run_file, "run_id": self.workspace.run_id},
                    cell_minutes=params.runner.cell_minutes,
                    megabytes=params.runner.output_megabytes,
                )
            except (KeyboardInterrupt, errors.Interrupted):
                ending = Ending(False, "Interrupted", errors.Interrupted.exit_code, "stopped by the operator")
        if watch.overdue and not ending.ok:
            ending = _overdue(params.runner.phase_hours)
        ending = self._with_marker(spec, ending)
        self._note(entry, ending, output, time.monotonic() - began, watch.peak_mb)
        save_record(self.workspace, record)
        try:
            render_run_pages(self.workspace, record, spec, output, self.reports)
        finally:
            save_record(self.workspace, record)
        self.say(_line(entry))
        return _gate(ending, entry)

    def _cleared(self, spec: PhaseSpec) -> Path:
        """Where the executed notebook goes, after removing what an earlier attempt at this phase left."""
        output = self.workspace.path(f"notebooks/{spec.name}", ".ipynb")
        output.unlink(missing_ok=True)
        self._progress_file(spec).unlink(missing_ok=True)
        forget_evidence(self.workspace, spec.name)
        return output

    def _progress_file(self, spec: PhaseSpec) -> Path:
        return self.workspace.root / ".progress" / f"{spec.name}.json"

    def _with_marker(self, spec: PhaseSpec, ending: Ending) -> Ending:
        """The phase ended well only with its end marker; and one that did not end well must not leave one."""
        if ending.ok and read_evidence(self.workspace, spec.name) is None:
            return Ending(False, "PhaseFailed", errors.PhaseFailed.exit_code, "it ended without leaving its evidence")
        if not ending.ok:
            (self.workspace.root / "evidence" / f"{spec.name}.json").unlink(missing_ok=True)
        return ending

    def _note(self, entry: PhaseRecord, ending: Ending, output: Path, seconds: float, peak: int) -> None:
        evidence = read_evidence(self.workspace, entry.phase) or {}
        entry.status = "passed" if ending.ok else "interrupted" if ending.error == "Interrupted" else "failed"
        entry.verdict = evidence.get("verdict", "error") if ending.ok else "error"
        entry.error, entry.exit_code, entry.message = ending.error, ending.exit_code, ending.message
        entry.seconds = round(seconds, 1)
        entry.peak_mb = peak
        entry.rows = evidence.get("counts", {}).get("rows", 0)
        entry.notebook_sha256 = sha256_of(output) if output.is_file() else ""

    def _empty(self, params: RunParams) -> RunRecord:
        phases = [PhaseRecord(s.name, s.title) for s in PHASES]
        return RunRecord(self.workspace.run_id, params.name, params.environment, str(self.run_file), phases)


def chosen_phases(only: str | None, start: str | None) -> list[PhaseSpec]:
    """All phases, the one named `only`, or those from `start` on. Raises UsageError for an unknown phase."""
    if only and start:
        raise errors.UsageError("--only and --from exclude each other; give one of them")
    if only:
        return [phase_spec(only)]
    first = PHASES.index(phase_spec(start)) if start else 0
    return list(PHASES[first:])


@contextmanager
def portal(params: RunParams) -> Iterator[None]:
    """Start the emulator of a rehearsal, and tell the kernels where it listens; a real portal needs nothing."""
    with ExitStack() as stack:
        os.environ[WATCHED] = "1"
        stack.callback(os.environ.pop, WATCHED, None)
        if params.environment == "rehearsal":
            make_private(workspace_root() / SECRETS)
            make_rehearsal_key(params.key, workspace_root() / SECRETS)
        if params.target.emulator:
            os.environ.setdefault(params.target.token, REHEARSAL_TOKEN)
            held = params.target.emulator
            state = workspace_root() / held.state
            make_private(state.parent)
            token, virtual = os.environ[params.target.token], held.clock == "virtual"
            url = stack.enter_context(emulator.running(state, token=token, virtual_clock=virtual))
            os.environ[PORTAL_URL] = url
            stack.callback(os.environ.pop, PORTAL_URL, None)
        yield


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end the run the way Ctrl-C does, so that the emulator and the kernel are stopped too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _overdue(hours: float) -> Ending:
    message = (
        f"the phase ran longer than the {hours:g} hours of runner.phase_hours and was ended; whole files stay, "
        "run again with the same --run-id to go on"
    )
    return Ending(False, "PhaseFailed", errors.PhaseFailed.exit_code, message)


def _gate(ending: Ending, entry: PhaseRecord) -> Ending:
    """A phase whose checks failed ends the run: nothing may be built on what is known to be wrong."""
    if ending.ok and entry.verdict in NOT_PASSED:
        why = "a check did not pass; its page names it and what to do"
        return Ending(False, "GateFailed", errors.GateFailed.exit_code, why)
    return ending


def _as_error(ending: Ending, spec: PhaseSpec) -> errors.EnnuError:
    """The kernel's error came back as a name and a message; the exit code says which class it was."""
    error = errors.EnnuError(f"{spec.name}: {ending.message}")
    error.exit_code = ending.exit_code
    return error


def _line(entry: PhaseRecord) -> str:
    shown = {"passed": entry.verdict.replace("_", " ")}.get(entry.status, entry.status)
    return (
        f"{entry.phase:<20} {shown:<22} {entry.rows:>12,} rows  {duration(entry.seconds):>12}  {entry.peak_mb:>5,} MB"
    )
