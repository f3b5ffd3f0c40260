"""Small rehearsals: a run file, a tiny clinic, and the `ennu` command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from ennu_lib.config import project_root

PATIENTS = 20


@dataclass(frozen=True)
class Rehearsal:
    """A folder with its own workspace, reports and run file."""

    folder: Path
    run_file: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work in this rehearsal."""
        return {
            **{
                k: v
                for k, v in os.environ.items()
                if k not in ("ENNU_KEY", "ENNU_PORTAL_URL") and not k.startswith(("PYTEST_", "COV_"))
            },
            "ENNU_WORKSPACE": str(self.folder / "workspace"),
            "ENNU_REPORTS": str(self.folder / "reports"),
            "ENNU_HOME": str(project_root()),
        }

    def ennu(self, *words: str, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
        """Run `ennu` with `words`; `more` are further environment variables."""
        return subprocess.run(
            [sys.executable, "-m", "ennu_lib.cli", *words],
            env={**self.environment, **more},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def run(self, *words: str, run_id: str = "r1", **more) -> subprocess.CompletedProcess[str]:
        """`ennu run` of this rehearsal's run file."""
        return self.ennu("run", "--run", str(self.run_file), "--run-id", run_id, *words, **more)

    def with_changes(self, name: str, **changes) -> Rehearsal:
        """The same rehearsal with another run file."""
        data = yaml.safe_load(self.run_file.read_text()) | changes
        return Rehearsal(self.folder, write_run_file(self.folder / f"{name}.yml", data))


def write_run_file(path: Path, data: dict) -> Path:
    """Write a run file and return its path."""
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def make_rehearsal(
    folder: Path, url: str = "sqlite:///{workspace}/clinic/tiny.sqlite", patients: int = PATIENTS, seed: int = 7
) -> Rehearsal:
    """A rehearsal of a tiny clinic; the clinic is not built yet."""
    data = {
        "name": "tiny",
        "environment": "rehearsal",
        "today": "2026-06-30",
        "source": {"url": url},
        "target": {"emulator": {"state": "portal/tiny.sqlite"}, "limits": "portal/limits-rehearsal.yml"},
        "clinic": {"patients": patients, "seed": seed},
    }
    folder.mkdir(parents=True, exist_ok=True)
    return Rehearsal(folder, write_run_file(folder / "run.yml", data))
