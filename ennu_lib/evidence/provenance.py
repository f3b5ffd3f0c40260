"""Under what circumstances a phase ran: enough for a stranger to say which code, parameters and machine it was."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import subprocess
from pathlib import Path

from ennu_lib import __version__
from ennu_lib.config import params_dir, project_root
from ennu_lib.workspace import sha256_of


def provenance(run_file: Path) -> dict[str, str]:
    """Operator, environment, code version and hashes of parameters and dependency lock, as plain strings."""
    root = project_root()
    return {
        "operator": os.environ.get("ENNU_OPERATOR") or _user(),
        "workbook": __version__,
        "commit": _commit(root),
        "parameters_sha256": sha256_of(run_file),
        "params_folder_sha256": folder_sha256(params_dir()),
        "requirements_lock_sha256": sha256_of(root / "requirements.lock")
        if (root / "requirements.lock").is_file()
        else "not found",
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def folder_sha256(folder: Path) -> str:
    """One hash over the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _user() -> str:
    """The name of the user, or the number: a container may run under one that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _commit(root: Path) -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return f"{head}{' with uncommitted changes' if changed else ''}" if head else "unknown"
