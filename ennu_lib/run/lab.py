"""`ennu lab`: JupyterLab beside the portal of a rehearsal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from ennu_lib.config import RunParams, project_root
from ennu_lib.progress import WATCHED
from ennu_lib.run.runner import portal, stoppable


def open_lab(params: RunParams, options: Sequence[str]) -> None:
    """Open JupyterLab at notebook 01 until it is stopped; `options` are JupyterLab's own.

    Nobody watches the progress of a phase that is worked through by hand: it shows in the notebook.
    """
    notebooks = project_root() / "notebooks"
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", str(notebooks / "01_audit.ipynb"), *as_root, *options]
    with stoppable(), portal(params):
        os.environ.pop(WATCHED, None)
        lab = subprocess.Popen(command, cwd=notebooks)
        try:
            lab.wait()
        finally:
            lab.terminate()
            lab.wait()
