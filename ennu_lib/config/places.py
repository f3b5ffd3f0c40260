"""Where things are: the project's folders, found without relative paths so that every kernel agrees."""

from __future__ import annotations

import os
from pathlib import Path


def project_root() -> Path:
    """The checkout: `ENNU_HOME` when set, else the first folder upwards that holds `ennu_lib` and `params`."""
    if home := os.environ.get("ENNU_HOME"):
        return Path(home).resolve()
    for start in (Path.cwd(), Path(__file__).resolve()):
        for folder in (start, *start.parents):
            if (folder / "params").is_dir() and (folder / "ennu_lib").is_dir():
                return folder
    return Path.cwd()


def params_dir() -> Path:
    """What a data team edits: `ENNU_PARAMS` when set, else `params/` of the checkout."""
    return Path(os.environ.get("ENNU_PARAMS") or project_root() / "params")


def workspace_root() -> Path:
    """Private data of all runs: `ENNU_WORKSPACE` when set, else `workspace/` of the checkout."""
    return Path(os.environ.get("ENNU_WORKSPACE") or project_root() / "workspace")


def people_folder(name: str, root: Path | None = None) -> Path:
    """What is remembered from run to run of the run file called `name`: it lies beside the runs and outlives them."""
    return (root or workspace_root()) / "people" / name


def reports_root() -> Path:
    """Rendered pages of all runs: `ENNU_REPORTS` when set, else `reports/` of the checkout."""
    return Path(os.environ.get("ENNU_REPORTS") or project_root() / "reports")
