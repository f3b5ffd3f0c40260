"""The phases of a run in this process: the cells of the notebooks without a kernel each, for tests of what they do."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

from ennu_lib.config import project_root
from ennu_lib.evidence import phase_spec


def run_phases(run_file: Path, run_id: str, *names: str) -> None:
    """Run the code cells of phases, by number, one after the other. The environment is the caller's to set."""
    for name in names:
        spec = phase_spec(name)
        cells = json.loads((project_root() / "notebooks" / spec.notebook).read_text(encoding="utf-8"))["cells"]
        variables: dict = {}
        with contextlib.redirect_stderr(io.StringIO()):
            for cell in (c for c in cells if c["cell_type"] == "code"):
                exec(compile("".join(cell["source"]), f"{spec.name} {cell['id']}", "exec"), variables)
                if "parameters" in cell["metadata"].get("tags", ()):
                    variables |= {"run": str(run_file), "run_id": run_id}
